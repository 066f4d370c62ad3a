"""RTCIceCandidate and RTCIceCandidatePair, webrtc-pc sections 4.8.1 and 5.6.2."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from peer.api.webidl import (
    Conversion,
    Dictionary,
    dictionary,
    integer,
    nullable,
    one_of,
    string,
    unsigned_short,
)

__all__ = [
    "RTCIceCandidate",
    "RTCIceCandidatePair",
    "RTCIceCandidateType",
    "RTCIceComponent",
    "RTCIceProtocol",
    "RTCIceServerTransportProtocol",
    "RTCIceTcpCandidateType",
    "candidate_init",
]


class RTCIceProtocol(StrEnum):
    UDP = "udp"
    TCP = "tcp"


class RTCIceTcpCandidateType(StrEnum):
    ACTIVE = "active"
    PASSIVE = "passive"
    SO = "so"


class RTCIceCandidateType(StrEnum):
    HOST = "host"
    SRFLX = "srflx"
    PRFLX = "prflx"
    RELAY = "relay"


class RTCIceServerTransportProtocol(StrEnum):
    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class RTCIceComponent(StrEnum):
    RTP = "rtp"
    RTCP = "rtcp"


_COMPONENTS: Final = {"1": RTCIceComponent.RTP, "2": RTCIceComponent.RTCP}

# RFC 8839 section 5.1:
# candidate-attribute = "candidate" ":" foundation SP component-id SP transport SP priority SP connection-address SP
# port
#                         SP cand-type [SP rel-addr] [SP rel-port] *(SP cand-extension)
#   foundation = 1*32ice-char    component-id = 1*3DIGIT    priority = 1*10DIGIT
#   rel-addr = "raddr" SP connection-address    rel-port = "rport" SP port    cand-extension = name SP value
_CANDIDATE: Final = re.compile(
    r"(?:a=)?candidate:(?P<foundation>[A-Za-z0-9+/]{1,32}) (?P<component>\d{1,3}) (?P<protocol>[^ ]+)"
    r" (?P<priority>\d{1,10}) (?P<address>[^ ]+) (?P<port>\d{1,5}) typ (?P<type>[^ ]+)"
    r"(?: raddr (?P<related_address>[^ ]+))?(?: rport (?P<related_port>\d{1,5}))?(?P<extensions>(?: [^ ]+ [^ ]*)*)",
    re.IGNORECASE,
)

_INIT: Final[Mapping[str, Conversion]] = {
    "candidate": string,
    "sdpMid": nullable(string),
    "sdpMLineIndex": nullable(unsigned_short),
    "usernameFragment": nullable(string),
}
_LOCAL_INIT: Final[Mapping[str, Conversion]] = {
    **_INIT,
    "relayProtocol": nullable(one_of(RTCIceServerTransportProtocol)),
    "url": nullable(string),
}


def candidate_init(value: Any, conversions: Mapping[str, Conversion] = _INIT) -> dict[str, Any]:
    """An RTCIceCandidateInit with its defaults: candidate "", the rest None. Raises TypeError."""
    return {**_DEFAULTS, **dictionary(value, "RTCIceCandidateInit", conversions)}


_DEFAULTS: Final[Mapping[str, Any]] = {**dict.fromkeys(_LOCAL_INIT), "candidate": ""}


def _parse(candidate: str) -> dict[str, Any]:
    """The fields of a candidate-attribute; {} where it doesn't parse or a value is none of its attribute's."""
    match = _CANDIDATE.fullmatch(candidate.strip())
    if match is None or match["component"] not in _COMPONENTS:
        return {}
    words = match["extensions"].split(" ")[1:]
    extensions = dict(zip(words[::2], words[1::2], strict=False))
    try:
        protocol = RTCIceProtocol(match["protocol"].lower())
        fields: dict[str, Any] = {
            "foundation": match["foundation"],
            "component": _COMPONENTS[match["component"]],
            "priority": integer(int(match["priority"]), "priority", 0, (1 << 32) - 1),
            "address": match["address"],
            "protocol": protocol,
            "port": integer(int(match["port"]), "port", 0, 65535),
            "type": RTCIceCandidateType(match["type"].lower()),
            "tcpType": None,
            "relatedAddress": match["related_address"],
            "relatedPort": None
            if match["related_port"] is None
            else integer(int(match["related_port"]), "rport", 0, 65535),
        }
        if protocol is RTCIceProtocol.TCP and "tcptype" in extensions:
            fields["tcpType"] = RTCIceTcpCandidateType(extensions["tcptype"])
    except (ValueError, TypeError):
        return {}
    # RFC 8839 section 5.1 and its trickle extension: the ufrag may travel in the candidate itself.
    if "ufrag" in extensions:
        fields["ufrag"] = extensions["ufrag"]
    return fields


class RTCIceCandidate:
    """`RTCIceCandidate({"candidate": "candidate:...", "sdpMid": "0"})`. Immutable.

    Attributes derived from `candidate` are None when it doesn't parse: that is no error here. Raises TypeError when
    both sdpMid and sdpMLineIndex are None.
    """

    __slots__ = ("_fields", "_init")

    def __init__(self, candidateInitDict: Any = None) -> None:
        init = candidate_init(candidateInitDict, _LOCAL_INIT)
        if init["sdpMid"] is None and init["sdpMLineIndex"] is None:  # step 1
            raise TypeError("sdpMid and sdpMLineIndex are both null")
        self._create(init)

    @classmethod
    def _of(cls, **init: Any) -> RTCIceCandidate:
        """The text's "Create an RTCIceCandidate": the constructor without its check, for candidates known by
        transport only.
        """
        candidate = cls.__new__(cls)
        candidate._create(candidate_init(init, _LOCAL_INIT))
        return candidate

    @classmethod
    def _peer_reflexive(cls, fields: Mapping[str, Any], **init: Any) -> RTCIceCandidate:
        """A remote candidate nobody told us of: `candidate` is empty, and its address stays hidden (section 4.8.1)."""
        candidate = cls._of(**init)
        candidate._fields = fields
        return candidate

    def _create(self, init: dict[str, Any]) -> None:
        self._init: Mapping[str, Any] = init
        self._fields: Mapping[str, Any] = _parse(init["candidate"]) if init["candidate"] else {}

    @property
    def candidate(self) -> str:
        """The candidate-attribute, or "" for the end of candidates."""
        return str(self._init["candidate"])

    @property
    def sdpMid(self) -> str | None:
        value: str | None = self._init["sdpMid"]
        return value

    @property
    def sdpMLineIndex(self) -> int | None:
        value: int | None = self._init["sdpMLineIndex"]
        return value

    @property
    def usernameFragment(self) -> str | None:
        value: str | None = self._init["usernameFragment"]
        return value

    @property
    def relayProtocol(self) -> RTCIceServerTransportProtocol | None:
        value: RTCIceServerTransportProtocol | None = self._init["relayProtocol"]
        return value

    @property
    def url(self) -> str | None:
        value: str | None = self._init["url"]
        return value

    @property
    def foundation(self) -> str | None:
        return self._fields.get("foundation")

    @property
    def component(self) -> RTCIceComponent | None:
        return self._fields.get("component")

    @property
    def priority(self) -> int | None:
        return self._fields.get("priority")

    @property
    def address(self) -> str | None:
        return self._fields.get("address")

    @property
    def protocol(self) -> RTCIceProtocol | None:
        return self._fields.get("protocol")

    @property
    def port(self) -> int | None:
        return self._fields.get("port")

    @property
    def type(self) -> RTCIceCandidateType | None:
        return self._fields.get("type")

    @property
    def tcpType(self) -> RTCIceTcpCandidateType | None:
        return self._fields.get("tcpType")

    @property
    def relatedAddress(self) -> str | None:
        return self._fields.get("relatedAddress")

    @property
    def relatedPort(self) -> int | None:
        return self._fields.get("relatedPort")

    def toJSON(self) -> Dictionary:
        """candidate, sdpMid, sdpMLineIndex and usernameFragment: what is signalled."""
        return Dictionary({name: self._init[name] for name in _INIT})

    def __repr__(self) -> str:
        return f"<RTCIceCandidate {self.candidate!r} mid={self.sdpMid!r}>"


class RTCIceCandidatePair:
    """A local and a remote candidate. Immutable."""

    __slots__ = ("_local", "_remote")

    def __init__(self, local: RTCIceCandidate, remote: RTCIceCandidate) -> None:
        self._local = local
        self._remote = remote

    @property
    def local(self) -> RTCIceCandidate:
        return self._local

    @property
    def remote(self) -> RTCIceCandidate:
        return self._remote

    def __repr__(self) -> str:
        return f"<RTCIceCandidatePair {self._local.candidate!r} -> {self._remote.candidate!r}>"
