"""A small internet of network namespaces: hosts behind NATs, a server outside, interfaces that go and come.

    host ── lan ─[ NAT ]─ wan ──┐
                                ├── bridge (the internet) ── server
    host ── lan ─[ NAT ]─ wan ──┘

A double site has its provider's NAT before its own; a second site may share that one.

    with Lab.build({"a": Site(NatKind.SYMMETRIC), "b": Site(None)}) as lab:
        with lab.host("a").entered():
            ...                                   # sockets made here belong to that host
        subprocess.run([*lab.host("b").prefix, "ping", lab.server_address])

Needs root and the kernel's veth and nftables: `why_unavailable` says what is missing.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from peer.testing import NatKind

__all__ = ["Lab", "Namespace", "NamespacesUnavailableError", "Site", "why_unavailable"]

_CLONE_NEWNET: Final = 0x40000000
_RUN: Final = Path("/var/run/netns")
_ETC: Final = Path("/etc/netns")
_NUMBERS: Final = itertools.count()
SERVER_ADDRESS: Final = "198.51.100.254"
SERVER_ADDRESS_IPV6: Final = "2001:db8:ff::fe"


class NamespacesUnavailableError(Exception):
    """A command that builds the network failed: the message is what it said."""


@dataclass(frozen=True, slots=True)
class Site:
    """One site: its NAT (None for public addresses), a second NAT of the same kind before it, how many hosts.

    With `ipv6` the hosts have public IPv6 addresses as well, which nobody translates. A double site may share the
    second NAT, its provider's, with a site named before it.
    """

    nat: NatKind | None = NatKind.PORT_RESTRICTED
    double: bool = False
    hosts: int = 1
    ipv6: bool = False
    shares: str | None = None


def _run(*command: str, stdin: str | None = None) -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode != 0:
        raise NamespacesUnavailableError(f"{shlex.join(command)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def why_unavailable() -> str | None:
    """None when a lab can be built here, else the reason in words for a report."""
    for program, package in (("ip", "iproute2"), ("nft", "nftables")):
        if shutil.which(program) is None:
            return f"{program} isn't installed (apt-get install {package})"
    if os.geteuid() != 0:
        return "network namespaces need root"
    probe = Namespace.create("probe")
    try:
        probe.run("ip", "link", "add", "one", "type", "veth", "peer", "name", "two")
        probe.nft("table ip probe { chain post { type nat hook postrouting priority srcnat; masquerade; }; }")
    except NamespacesUnavailableError as error:
        return f"the kernel lacks veth or nftables' NAT: {error}"
    finally:
        probe.delete()
    return None


@dataclass(frozen=True, slots=True)
class Namespace:
    """One host, router or server. `address` is its IPv4 address, `address_ipv6` the IPv6 one if it has any."""

    name: str
    address: str = ""
    address_ipv6: str = ""
    gateway: str = ""

    @classmethod
    def create(cls, purpose: str, address: str = "", address_ipv6: str = "", gateway: str = "") -> Namespace:
        name = f"pp{os.getpid()}-{next(_NUMBERS)}-{purpose}"
        # `ip netns exec` puts this in the place of /etc/resolv.conf: a question that nobody answers takes seconds.
        (_ETC / name).mkdir(parents=True)
        (_ETC / name / "resolv.conf").write_text("nameserver 127.0.0.1\n", encoding="utf-8")
        _run("ip", "netns", "add", name)
        namespace = cls(name, address, address_ipv6, gateway)
        namespace.run("ip", "link", "set", "lo", "up")
        return namespace

    @property
    def prefix(self) -> tuple[str, ...]:
        """What to put before a command to run it there."""
        return ("ip", "netns", "exec", self.name)

    def run(self, *command: str, stdin: str | None = None) -> str:
        """Run a command there. Raises `NamespacesUnavailableError` when it fails."""
        return _run(*self.prefix, *command, stdin=stdin)

    def nft(self, rules: str) -> None:
        self.run("nft", "-f", "-", stdin=rules)

    def wrapper(self, program: str, directory: Path) -> Path:
        """An executable that starts a program there with whatever arguments: for launchers that take a path."""
        script = directory / f"{Path(program).name}-{self.name}"
        script.write_text(f'#!/bin/sh\nexec {shlex.join(self.prefix)} {shlex.quote(program)} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
        return script

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Sockets made inside belong to this namespace for good; nothing else of the thread changes.

        Must not be left open across an `await`.
        """
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(_RUN / self.name, os.O_RDONLY)
        try:
            _setns(there)
            try:
                yield
            finally:
                _setns(before)
        finally:
            os.close(there)
            os.close(before)

    def set_link(self, up: bool, interface: str = "eth0") -> None:
        """Take an interface down, or up again with its default route."""
        self.run("ip", "link", "set", interface, "up" if up else "down")
        if up and self.gateway:
            self.run("ip", "route", "replace", "default", "via", self.gateway)

    def change_address(self, address: str, interface: str = "eth0") -> Namespace:
        """Give the interface another IPv4 address of the same network instead of its present one."""
        self.run("ip", "addr", "del", f"{self.address}/24", "dev", interface)
        self.run("ip", "addr", "add", f"{address}/24", "dev", interface)
        if self.gateway:
            self.run("ip", "route", "replace", "default", "via", self.gateway)
        return replace(self, address=address)

    def delete(self) -> None:
        shutil.rmtree(_ETC / self.name, ignore_errors=True)
        with contextlib.suppress(NamespacesUnavailableError):
            _run("ip", "netns", "del", self.name)


def _setns(descriptor: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns failed")


def _nat_rules(kind: NatKind, inside: str) -> str:
    """nftables for one NAT whose outer interface is `wan`.

    The kernel's masquerade keeps ports where it can, so its mapping doesn't depend on the destination, and conntrack
    lets in only who was called: port restricted. The cones let in more by a static destination; random ports make it
    symmetric. Unsolicited datagrams are dropped before conntrack remembers them, or they would spoil the mapping.
    """
    let_in = {
        NatKind.FULL_CONE: f'iifname "wan" udp dport 1024-65535 dnat to {inside};',
        NatKind.RESTRICTED: f'iifname "wan" udp dport 1024-65535 ip saddr @called dnat to {inside};',
    }.get(kind, "")
    ports = " fully-random" if kind is NatKind.SYMMETRIC else ""
    return f"""
        flush ruleset
        table ip nat {{
            set called {{ type ipv4_addr; flags dynamic,timeout; timeout 120s; }}
            chain arriving {{ type nat hook prerouting priority dstnat; {let_in} }}
            chain leaving {{ type nat hook postrouting priority srcnat; oifname "wan" masquerade{ports}; }}
            chain passing {{ type filter hook forward priority 0; oifname "wan" add @called {{ ip daddr }}; }}
            chain ending {{ type filter hook input priority 0; iifname "wan" meta l4proto udp drop; }}
        }}
    """


def _ports(number: int) -> tuple[int, int]:
    """The ports that the hosts of a site use: no other site's, so that NATs can keep them and know whose they are."""
    return 10_000 * number, 10_000 * number + 9_999


def _hairpin_rules(outside: str, insides: Mapping[str, tuple[int, int]]) -> str:
    """What makes a NAT talk to itself (RFC 4787 section 6): who inside sends to its outer address reaches the site that
    has the port there, and is seen with an outer address too.
    """
    turn_back = " ".join(
        f'iifname "lan" ip daddr {outside} udp dport {first}-{last} dnat to {inside};'
        for inside, (first, last) in insides.items()
    )
    return f"""
        table ip hairpin {{
            chain arriving {{ type nat hook prerouting priority dstnat; {turn_back} }}
            chain leaving {{
                type nat hook postrouting priority srcnat;
                oifname "lan" ip saddr {{ {", ".join(insides)} }} meta l4proto udp snat to {outside};
            }}
        }}
    """


@dataclass(slots=True)
class Lab:
    """The whole network; deleting its namespaces deletes everything in it."""

    server: Namespace
    _hosts: dict[str, list[Namespace]] = field(default_factory=dict)
    _routers: dict[str, list[tuple[Namespace, str]]] = field(default_factory=dict)
    _all: list[Namespace] = field(default_factory=list)

    @property
    def server_address(self) -> str:
        return self.server.address

    def host(self, site: str, number: int = 0) -> Namespace:
        return self._hosts[site][number]

    def change_nat(self, site: str, nat: Site) -> None:
        """Give a site the NAT of another description, in as far as its own routers allow: one that was built double may
        be single, when its inner router passes everything on. What was translated so far is translated as before.
        """
        (*providers, (router, lan)) = self._routers[site]
        inside = self._hosts[site][0].address
        if nat.nat is None or (nat.double and not providers):
            raise ValueError(f"{site} has no routers for {nat}")
        for provider, _ in providers:
            there = router.address if nat.double else inside
            provider.nft(_nat_rules(nat.nat, there))
            change = "del" if nat.double else "replace"
            with contextlib.suppress(NamespacesUnavailableError):  # the route is gone already
                provider.run("ip", "route", change, f"{lan}.0/24", "via", router.address)
        router.nft(_nat_rules(nat.nat, inside) if nat.double or not providers else "flush ruleset")

    def set_hairpin(self, site: str, works: bool) -> None:
        """Whether the provider's NAT of a site lets those who share it reach each other by its outer address."""
        provider, _ = self._routers[site][0]
        provider.nft("table ip hairpin; delete table ip hairpin")
        if works:
            numbers = {name: number for number, name in enumerate(self._hosts, start=1)}
            sharing = {name: routers for name, routers in self._routers.items() if routers[0][0] is provider}
            insides = {routers[-1][0].address: _ports(numbers[name]) for name, routers in sharing.items()}
            provider.nft(_hairpin_rules(provider.address, insides))

    def replug(self, site: str, address: str) -> Namespace:
        """The first host of a site loses its interface, and has it back with another address of the same network."""
        host = self._hosts[site][0]
        host.set_link(False)
        host.run("ip", "addr", "del", f"{host.address}/24", "dev", "eth0")
        host.run("ip", "addr", "add", f"{address}/24", "dev", "eth0")
        host.set_link(True)
        self._hosts[site][0] = changed = replace(host, address=address)
        return changed

    @classmethod
    @contextlib.contextmanager
    def build(cls, sites: Mapping[str, Site]) -> Iterator[Lab]:
        """Build it; everything is gone afterwards. Raises `NamespacesUnavailableError`."""
        lab = cls(Namespace.create("server", SERVER_ADDRESS, SERVER_ADDRESS_IPV6))
        lab._all.append(lab.server)
        try:
            lab._make_internet()
            for number, (name, site) in enumerate(sites.items(), start=1):
                lab._hosts[name] = lab._make_site(name, number, site)
            yield lab
        finally:
            for namespace in lab._all:
                namespace.delete()

    def _make_internet(self) -> None:
        self._make_bridge(self.server, "internet", f"{SERVER_ADDRESS}/24", f"{SERVER_ADDRESS_IPV6}/64")
        self.server.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
        # What is sent to private addresses vanishes, as it does on the internet, instead of being an error at once.
        nobody = "198.51.100.253"
        self.server.run("ip", "neigh", "add", nobody, "lladdr", "02:00:00:00:00:01", "dev", "internet")
        self.server.run("ip", "route", "add", "default", "via", nobody)

    def _make_bridge(self, owner: Namespace, name: str, address: str, address_ipv6: str = "") -> None:
        owner.run("ip", "link", "add", name, "type", "bridge")
        owner.run("ip", "addr", "add", address, "dev", name)
        if address_ipv6:
            owner.run("ip", "addr", "add", address_ipv6, "dev", name, "nodad")
        owner.run("ip", "link", "set", name, "up")

    def _new(self, purpose: str, address: str, address_ipv6: str = "", gateway: str = "") -> Namespace:
        namespace = Namespace.create(purpose, address, address_ipv6, gateway)
        self._all.append(namespace)
        return namespace

    def _plug(self, inner: Namespace, interface: str, outer: Namespace, bridge: str) -> None:
        """A cable from an interface of one namespace to a bridge in another."""
        cable = f"c{next(_NUMBERS)}"
        _run(
            "ip", "link", "add", cable, "netns", outer.name, "type", "veth",
            "peer", "name", interface, "netns", inner.name,
        )  # fmt: skip
        outer.run("ip", "link", "set", cable, "master", bridge, "up")
        inner.run("ip", "addr", "add", f"{inner.address}/24", "dev", interface)
        inner.run("ip", "link", "set", interface, "up")
        inner.run("ip", "route", "add", "default", "via", inner.gateway)

    def _make_site(self, name: str, number: int, site: Site) -> list[Namespace]:
        public = f"198.51.100.{number * 10}"
        if site.nat is None:
            return [self._make_public_host(name, number, index, site) for index in range(site.hosts)]
        outer, bridge, wan, gateway = self.server, "internet", public, SERVER_ADDRESS
        if site.double:
            if site.shares is None:
                self._make_nat(name, "isp", site.nat, outer, bridge, wan, gateway, f"10.{100 + number}.0")
            else:
                self._routers[name] = self._routers[site.shares][:1]
            outer, between = self._routers[name][0]
            bridge, wan, gateway = "lan", f"{between}.{2 if site.shares is None else 1 + number}", f"{between}.1"
        router = self._make_nat(name, "nat", site.nat, outer, bridge, wan, gateway, f"10.{number}.0")
        hosts = []
        for index in range(site.hosts):
            address, address_ipv6 = f"10.{number}.0.{2 + index}", f"2001:db8:{number}::{2 + index}"
            host = self._new(f"{name}{index}", address, address_ipv6 if site.ipv6 else "", f"10.{number}.0.1")
            self._plug(host, "eth0", router, "lan")
            first, last = _ports(number)
            host.run("sysctl", "-qw", f"net.ipv4.ip_local_port_range={first} {last}")
            hosts.append(host)
        if site.ipv6 and not site.double:
            self._route_ipv6(number, router, hosts)
        return hosts

    def _make_public_host(self, name: str, number: int, index: int, site: Site) -> Namespace:
        address = f"198.51.100.{number * 10 + index}"
        address_ipv6 = f"2001:db8:ff::{number * 10 + index}" if site.ipv6 else ""
        host = self._new(f"{name}{index}", address, address_ipv6, SERVER_ADDRESS)
        self._plug(host, "eth0", self.server, "internet")
        if address_ipv6:
            host.run("ip", "addr", "add", f"{address_ipv6}/64", "dev", "eth0", "nodad")
            host.run("ip", "-6", "route", "add", "default", "via", SERVER_ADDRESS_IPV6)
        return host

    def _make_nat(
        self, site: str, purpose: str, kind: NatKind, outer: Namespace, bridge: str, wan: str, gateway: str, lan: str
    ) -> Namespace:
        router = self._new(f"{site}-{purpose}", wan, gateway=gateway)
        self._routers.setdefault(site, []).append((router, lan))
        self._plug(router, "wan", outer, bridge)
        self._make_bridge(router, "lan", f"{lan}.1/24")
        router.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        router.nft(_nat_rules(kind, f"{lan}.2"))
        return router

    def _route_ipv6(self, number: int, router: Namespace, hosts: list[Namespace]) -> None:
        """Nobody translates IPv6: the router forwards, the internet knows the way back."""
        router.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
        router.run("ip", "addr", "add", f"2001:db8:ff::{number}/64", "dev", "wan", "nodad")
        router.run("ip", "addr", "add", f"2001:db8:{number}::1/64", "dev", "lan", "nodad")
        router.run("ip", "-6", "route", "add", "default", "via", SERVER_ADDRESS_IPV6)
        self.server.run("ip", "-6", "route", "add", f"2001:db8:{number}::/64", "via", f"2001:db8:ff::{number}")
        for host in hosts:
            host.run("ip", "addr", "add", f"{host.address_ipv6}/64", "dev", "eth0", "nodad")
            host.run("ip", "-6", "route", "add", "default", "via", f"2001:db8:{number}::1")
