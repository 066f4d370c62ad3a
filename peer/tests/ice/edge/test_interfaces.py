"""Which addresses are used: loopback unless somebody says otherwise."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from peer.ice.edge.interfaces import Interface, Selection, list_interfaces

MACHINE: dict[str, list[str | tuple[str, int, int]]] = {
    "lo": ["127.0.0.1", ("::1", 0, 0)],
    "eth0": ["192.0.2.1", ("2001:db8::1", 0, 0), ("fe80::1", 0, 2)],
    "eth1": ["192.0.2.9"],
}


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    adapters = [
        SimpleNamespace(nice_name=name, ips=[SimpleNamespace(ip=ip) for ip in ips]) for name, ips in MACHINE.items()
    ]
    monkeypatch.setattr("ifaddr.get_adapters", lambda: adapters)


def test_nothing_but_loopback_by_default() -> None:
    assert [interface.host for interface in list_interfaces()] == ["::1", "127.0.0.1"]


def test_real_interfaces_come_first_the_families_take_turns_and_link_local_stays_out() -> None:
    found = [interface.host for interface in list_interfaces(Selection(others=True))]
    assert found == ["2001:db8::1", "192.0.2.1", "192.0.2.9", "::1", "127.0.0.1"]


@pytest.mark.parametrize(
    ("selection", "hosts"),
    [
        (Selection(others=True, loopback=False, ipv6=False), ["192.0.2.1", "192.0.2.9"]),
        (Selection(ipv4=False), ["::1"]),
        (Selection(hosts=("192.0.2.9",)), ["192.0.2.9"]),
        (Selection(loopback=False), []),
    ],
)
def test_selections(selection: Selection, hosts: list[str]) -> None:
    assert [interface.host for interface in list_interfaces(selection)] == hosts


def test_an_interface_knows_what_it_is() -> None:
    assert Interface("lo", "::1").is_loopback
    assert Interface("lo", "::1").is_ipv6
    assert not Interface("eth0", "192.0.2.1").is_loopback
