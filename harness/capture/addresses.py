"""Who is behind an address: (ip, port) -> endpoint name.

On loopback every endpoint is 127.0.0.1 or ::1, so the port decides. Three sources, each may come late; all answers are
given when asked, so a frame captured before its owner was known has an owner afterwards:

- `assign`: somebody knows (the reference peer's own sockets, a TURN server);
- candidates in SDP or trickled (`learn_description`, `learn_candidate`);
- the USERNAME of connectivity checks, `<ufrag of the receiver>:<ufrag of the sender>` (RFC 8445 section 7.2.2),
  together with the ufrags said in SDP. This one covers peer-reflexive and mDNS candidates too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["Address", "AddressBook"]

_UFRAG: Final = re.compile(r"^a=ice-ufrag:(\S+)", re.MULTILINE)
_PASSWORD: Final = re.compile(r"^a=ice-pwd:(\S+)", re.MULTILINE)
_CANDIDATE: Final = re.compile(r"^(?:a=)?candidate:\S+ \d+ (?i:udp) \d+ (\S+) (\d+) typ (\S+)", re.MULTILINE)
_REPAIR: Final = re.compile(r"^a=ssrc-group:FID (\d+) (\d+)", re.MULTILINE)
_DISCARD_PORT: Final = 9


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """An IP address in its canonical text form, and a UDP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class AddressBook:
    """What is known about the addresses of one case.

    `passwords` are the ICE passwords by ufrag, `repairs` the retransmission SSRCs by that of their media, as SDP said
    them.
    """

    def __init__(self) -> None:
        self._assigned: dict[Address, str] = {}
        self._announced: dict[Address, str] = {}
        self._ufrags: dict[str, str] = {}
        self._claims: dict[Address, str] = {}
        self._sessions: dict[str, str] = {}
        self.uses_mdns = False
        self.passwords: dict[str, str] = {}
        self.repairs: dict[int, int] = {}

    def assign(self, endpoint: str, host: str, port: int) -> None:
        """`endpoint` owns this address; outweighs everything learnt."""
        self._assigned[Address(host, port)] = endpoint

    def learn_description(self, endpoint: str, sdp: str) -> None:
        """`endpoint` said this SDP (as its local description): take its ufrags, passwords and candidates."""
        ufrags, passwords = _UFRAG.findall(sdp), _PASSWORD.findall(sdp)
        for ufrag in ufrags:
            self._ufrags[ufrag] = endpoint
        self.passwords.update(zip(ufrags, passwords, strict=False))
        self.repairs.update((int(media), int(repair)) for media, repair in _REPAIR.findall(sdp))
        self.learn_candidate(endpoint, sdp)

    def learn_candidate(self, endpoint: str, text: str) -> None:
        """`endpoint` announced this candidate-attribute, or any text with several, one a line."""
        for host, port, kind in _CANDIDATE.findall(text):
            if host.endswith(".local"):
                self.uses_mdns = True
            elif int(port) != _DISCARD_PORT:
                known = self._announced.setdefault(Address(host, int(port)), endpoint)
                # A relayed or reflexive address may be shared; a host address is somebody's socket now.
                if known != endpoint and kind == "host":
                    self._announced[Address(host, int(port))] = endpoint

    def learn_username(self, source: Address, destination: Address, username: str) -> None:
        """A connectivity check from `source` to `destination` carried `username`."""
        receiver, separator, sender = username.partition(":")
        if not separator:
            return
        self._claim(source, sender)
        self._claim(destination, receiver)

    def _claim(self, address: Address, ufrag: str) -> None:
        previous = self._claims.get(address)
        if previous is not None and previous != ufrag:
            # An ICE restart: the same socket under a new name is still the same session.
            self._sessions.setdefault(ufrag, self._sessions.get(previous, previous))
        self._claims[address] = ufrag

    def owner(self, address: Address) -> str | None:
        """The endpoint behind `address`, or None."""
        if (name := self._assigned.get(address)) is not None:
            return name
        ufrag = self._claims.get(address)
        if ufrag is not None and (name := self._ufrags.get(ufrag)) is not None:
            return name
        return self._announced.get(address)

    def session(self, address: Address) -> str | Address:
        """A key for the ICE session an address belongs to: stays the same on all its paths and over restarts."""
        ufrag = self._claims.get(address)
        return address if ufrag is None else self._sessions.get(ufrag, ufrag)

    @property
    def has_sessions(self) -> bool:
        """Whether any endpoint's ufrags are known: from then on, what belongs to none of them is somebody else's."""
        return bool(self._ufrags)
