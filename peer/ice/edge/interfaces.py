"""Which addresses of this machine a peer may use.

Nothing is bound beyond loopback unless a caller says so: a test peer that answers the whole network is not a safe
default.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

import ifaddr

__all__ = ["LOOPBACK_ONLY", "Interface", "Selection", "list_interfaces"]


@dataclass(frozen=True, slots=True)
class Interface:
    """One address of one network interface, an IP literal without zone."""

    name: str
    host: str

    @property
    def is_loopback(self) -> bool:
        return ipaddress.ip_address(self.host).is_loopback

    @property
    def is_ipv6(self) -> bool:
        return ":" in self.host


@dataclass(frozen=True, slots=True)
class Selection:
    """What to gather on: loopback, other interfaces, both; or exactly the named `hosts`.

    IPv6 link-local addresses are never used (RFC 8445 section 5.1.1.1 would allow it; browsers don't).
    """

    loopback: bool = True
    others: bool = False
    ipv4: bool = True
    ipv6: bool = True
    hosts: tuple[str, ...] | None = None

    def accepts(self, interface: Interface) -> bool:
        if self.hosts is not None:
            return interface.host in self.hosts
        if not (self.ipv6 if interface.is_ipv6 else self.ipv4):
            return False
        return self.loopback if interface.is_loopback else self.others


LOOPBACK_ONLY = Selection()


def list_interfaces(selection: Selection = LOOPBACK_ONLY) -> list[Interface]:
    """The addresses of this machine that a selection accepts, as RFC 8421 section 4 wants them preferred.

    Real interfaces come before loopback, and IPv6 and IPv4 take turns, IPv6 first.
    """
    found = [interface for interface in _all() if selection.accepts(interface)]
    real = _interleave(interface for interface in found if not interface.is_loopback)
    return real + _interleave(interface for interface in found if interface.is_loopback)


def _all() -> Iterable[Interface]:
    for adapter in ifaddr.get_adapters():
        for entry in adapter.ips:
            host = entry.ip if isinstance(entry.ip, str) else entry.ip[0]
            if not (":" in host and ipaddress.ip_address(host).is_link_local):
                yield Interface(adapter.nice_name, host)


def _interleave(interfaces: Iterable[Interface]) -> list[Interface]:
    waiting: dict[bool, list[Interface]] = {True: [], False: []}
    for interface in interfaces:
        waiting[interface.is_ipv6].append(interface)
    longest = max(map(len, waiting.values()))
    return [queue[index] for index in range(longest) for queue in (waiting[True], waiting[False]) if index < len(queue)]
