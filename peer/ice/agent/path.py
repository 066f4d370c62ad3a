"""Where a datagram comes from and goes to."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Address", "Path", "Transmission"]


class Address(NamedTuple):
    """A transport address.

    `host` is an IP literal (IPv6 without brackets or zone) or a name ending in .local, `port` 0..65535.
    """

    host: str
    port: int

    @property
    def is_ipv6(self) -> bool:
        return ":" in self.host

    @property
    def is_loopback(self) -> bool:
        return not self.is_name and ipaddress.ip_address(self.host).is_loopback

    @property
    def is_link_local(self) -> bool:
        return not self.is_name and ipaddress.ip_address(self.host).is_link_local

    @property
    def is_name(self) -> bool:
        """True for anything but an IP literal: an mDNS name that has to be resolved first."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return True
        return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if self.is_ipv6 else f"{self.host}:{self.port}"


class Path(NamedTuple):
    """One way between two transport addresses, seen from our side.

    `local` is the base: the address a socket of ours (or a relay) is bound to, never a translated one. `protocol` says
    what runs between the two: "udp" or "tcp".
    """

    local: Address
    remote: Address
    protocol: str = "udp"

    def reversed(self) -> Path:
        """The same way as the other side sees it."""
        return Path(self.remote, self.local, self.protocol)

    def __str__(self) -> str:
        return f"{self.local} -> {self.remote}/{self.protocol}"


@dataclass(frozen=True, slots=True)
class Transmission:
    """A datagram and the path it takes."""

    data: bytes
    path: Path
