"""Addresses and paths."""

from __future__ import annotations

import pytest

from peer.ice.agent.path import Address, Path


@pytest.mark.parametrize(
    ("host", "ipv6", "loopback", "link_local", "name"),
    [
        ("192.0.2.1", False, False, False, False),
        ("127.0.0.1", False, True, False, False),
        ("::1", True, True, False, False),
        ("fe80::1", True, False, True, False),
        ("x.local", False, False, False, True),
    ],
)
def test_addresses(host: str, ipv6: bool, loopback: bool, link_local: bool, name: bool) -> None:
    address = Address(host, 5)
    assert (address.is_ipv6, address.is_loopback, address.is_link_local, address.is_name) == (
        ipv6,
        loopback,
        link_local,
        name,
    )
    assert str(address) == (f"[{host}]:5" if ipv6 else f"{host}:5")


def test_a_path_reversed_is_the_other_sides_view() -> None:
    path = Path(Address("192.0.2.1", 1), Address("::1", 2), "tcp")
    assert path.reversed() == Path(Address("::1", 2), Address("192.0.2.1", 1), "tcp")
    assert str(path) == "192.0.2.1:1 -> [::1]:2/tcp"
