"""RTCConfiguration: its dictionary, its defaults, and "validate an ICE server URL" (webrtc-pc sections 4.2 and
4.4.1.6).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from peer.api.certificate import RTCCertificate
from peer.api.errors import InvalidAccessError, InvalidModificationError, SyntaxError_
from peer.api.webidl import (
    Conversion,
    Dictionary,
    boolean,
    dictionary,
    enforced,
    interface,
    nullable,
    one_of,
    sequence,
    sequence_of,
    string,
)

__all__ = [
    "Configuration",
    "IceServer",
    "RTCBundlePolicy",
    "RTCConfigurationTargetLatency",
    "RTCIceTransportPolicy",
    "RTCRtcpMuxPolicy",
    "check_modification",
    "parse_configuration",
]

# "This implementation defined limit MUST be at least 32" (section 4.2.1).
MAX_ICE_SERVERS: Final = 32
# RFC 8489 section 14.3: USERNAME is at most 508 bytes... "less than 509 bytes".
MAX_USERNAME_BYTES: Final = 508


class RTCIceTransportPolicy(StrEnum):
    RELAY = "relay"
    ALL = "all"


class RTCBundlePolicy(StrEnum):
    BALANCED = "balanced"
    MAX_COMPAT = "max-compat"
    MAX_BUNDLE = "max-bundle"


class RTCRtcpMuxPolicy(StrEnum):
    REQUIRE = "require"


class RTCConfigurationTargetLatency(StrEnum):
    """WebRTC Extensions. A hint to the network below us, which has nothing of the kind to choose."""

    LOWEST = "lowest"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class IceServer:
    """One RTCIceServer. `urls` is what the application gave, as a tuple; `single` keeps whether that was one string."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None
    single: bool = False

    def to_dictionary(self) -> Dictionary:
        server = Dictionary(urls=self.urls[0] if self.single else list(self.urls))
        if self.username is not None:
            server["username"] = self.username
        if self.credential is not None:
            server["credential"] = self.credential
        return server


@dataclass(frozen=True, slots=True)
class Configuration:
    """[[Configuration]], converted and with defaults filled in."""

    iceServers: tuple[IceServer, ...] = ()
    iceTransportPolicy: RTCIceTransportPolicy = RTCIceTransportPolicy.ALL
    bundlePolicy: RTCBundlePolicy = RTCBundlePolicy.BALANCED
    rtcpMuxPolicy: RTCRtcpMuxPolicy = RTCRtcpMuxPolicy.REQUIRE
    certificates: tuple[RTCCertificate, ...] = ()
    iceCandidatePoolSize: int = 0
    peerIdentity: str | None = None
    alwaysNegotiateDataChannels: bool = False
    targetLatency: RTCConfigurationTargetLatency = RTCConfigurationTargetLatency.LOWEST

    def to_dictionary(self) -> Dictionary:
        """What getConfiguration returns: a new dictionary each time."""
        dictionary = Dictionary(
            iceServers=[server.to_dictionary() for server in self.iceServers],
            iceTransportPolicy=str(self.iceTransportPolicy),
            bundlePolicy=str(self.bundlePolicy),
            rtcpMuxPolicy=str(self.rtcpMuxPolicy),
            certificates=list(self.certificates),
            iceCandidatePoolSize=self.iceCandidatePoolSize,
            alwaysNegotiateDataChannels=self.alwaysNegotiateDataChannels,
            targetLatency=str(self.targetLatency),
        )
        if self.peerIdentity is not None:
            dictionary["peerIdentity"] = self.peerIdentity
        return dictionary


def parse_configuration(value: Any) -> Configuration:
    """Convert an RTCConfiguration as Web IDL does (unknown members are ignored, absent ones default).

    Raises TypeError. What the text checks later ("set the configuration") is not checked here: see `check_servers`.
    """
    init = dictionary(value, "RTCConfiguration", _CONFIGURATION)
    for name in ("iceServers", "certificates"):
        init[name] = tuple(init.get(name, ()))
    return Configuration(**init)


def _urls(value: Any) -> tuple[tuple[str, ...], bool]:
    """Of (USVString or sequence<USVString>): the URLs, and whether it was one string."""
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        return tuple(string(url) for url in sequence(value, "urls")), False
    return (string(value),), True


def _parse_server(value: Any) -> IceServer:
    init = dictionary(value, "RTCIceServer", _SERVER, required=("urls",))
    urls, single = init["urls"]
    return IceServer(urls, init.get("username"), init.get("credential"), single)


_SERVER: Final[Mapping[str, Conversion]] = {"credential": string, "urls": _urls, "username": string}
_CONFIGURATION: Final[Mapping[str, Conversion]] = {
    "alwaysNegotiateDataChannels": boolean,
    "bundlePolicy": one_of(RTCBundlePolicy),
    "certificates": sequence_of(interface("RTCCertificate")),
    "iceCandidatePoolSize": enforced(0, 255),
    "iceServers": sequence_of(_parse_server),
    "iceTransportPolicy": one_of(RTCIceTransportPolicy),
    "peerIdentity": nullable(string),
    "rtcpMuxPolicy": one_of(RTCRtcpMuxPolicy),
    "targetLatency": one_of(RTCConfigurationTargetLatency),
}


def check_modification(new: Configuration, old: Configuration, *, set_local_description_called: bool) -> None:
    """Step 3 of "set the configuration". Raises InvalidModificationError."""
    same_certificates = len(new.certificates) == len(old.certificates) and all(
        mine is theirs for mine, theirs in zip(new.certificates, old.certificates, strict=True)
    )
    failures = (
        (not same_certificates, "certificates"),
        (new.bundlePolicy != old.bundlePolicy, "bundlePolicy"),
        (new.rtcpMuxPolicy != old.rtcpMuxPolicy, "rtcpMuxPolicy"),
        (
            new.iceCandidatePoolSize != old.iceCandidatePoolSize and set_local_description_called,
            "iceCandidatePoolSize after setLocalDescription",
        ),
        (new.peerIdentity != old.peerIdentity, "peerIdentity"),
    )
    for failed, what in failures:
        if failed:
            raise InvalidModificationError(f"{what} can't change")


def check_servers(configuration: Configuration) -> tuple[IceServer, ...]:
    """Steps 4 to 6 of "set the configuration": the servers in use. Raises SyntaxError (DOMException),
    InvalidAccessError.
    """
    servers = configuration.iceServers[:MAX_ICE_SERVERS]
    for server in servers:
        if not server.urls:
            raise SyntaxError_("an RTCIceServer needs at least one URL")
        for url in server.urls:
            validate_url(url, server)
    return servers


# The parts of an opaque URL of RFC 7064 and RFC 7065: scheme ":" path [ "?" query ] [ "#" fragment ].
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*):(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?")
_HOST_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>\d*))?")
# URL Standard, "ends in a number": such a host is an IPv4 address or nothing.
_ENDS_IN_A_NUMBER = re.compile(r"(^|\.)\d+\.?$")
_FORBIDDEN_HOST = re.compile(r"[\x00-\x20\"#%/:<>?@\[\\\]^`{|}\x7f]")


def validate_url(url: str, server: IceServer) -> None:
    """The text's "Validate an ICE server URL". Raises SyntaxError (DOMException) or InvalidAccessError."""
    parsed = _URL.fullmatch(url.strip("\x00 \t\r\n"))
    if parsed is None:
        raise SyntaxError_(f"{url!r} is not a URL")
    scheme, path, query = parsed["scheme"].lower(), parsed["path"], parsed["query"]
    # Step 2, condition by condition.
    if scheme not in ("stun", "stuns", "turn", "turns"):
        raise SyntaxError_(f"{url!r}: the scheme is none of stun, stuns, turn, turns")
    if path.startswith("/") or "/" in path or "@" in path:
        raise SyntaxError_(f"{url!r}: no path and no user are allowed")
    if parsed["fragment"] is not None:
        raise SyntaxError_(f"{url!r}: no fragment is allowed")
    if scheme in ("stun", "stuns") and query is not None:
        raise SyntaxError_(f"{url!r}: {scheme} takes no query")
    _validate_host_and_port(url, path)  # steps 4 and 5
    if query is not None and query not in ("transport=udp", "transport=tcp"):  # step 6
        raise SyntaxError_(f"{url!r}: the query is neither transport=udp nor transport=tcp")
    if scheme in ("turn", "turns"):  # step 7
        if server.username is None or server.credential is None:
            raise InvalidAccessError(f"{url!r} needs username and credential")
        if len(server.username.encode()) > MAX_USERNAME_BYTES:
            raise InvalidAccessError(f"username is longer than {MAX_USERNAME_BYTES} bytes (RFC 8489 section 14.3)")
        if not server.credential:
            raise InvalidAccessError("a password has at least one byte (RFC 8265 section 4.1)")


def _validate_host_and_port(url: str, path: str) -> None:
    parsed = _HOST_PORT.fullmatch(path)
    if parsed is None or not parsed["host"]:
        raise SyntaxError_(f"{url!r}: host and port are not valid")
    host, port = parsed["host"], parsed["port"]
    if port and int(port) > 65535:
        raise SyntaxError_(f"{url!r}: the port is above 65535")
    if host.startswith("["):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            raise SyntaxError_(f"{url!r}: {host} is not an IPv6 address") from None
    elif _FORBIDDEN_HOST.search(host) or (_ENDS_IN_A_NUMBER.search(host) and not _is_ipv4(host)):
        raise SyntaxError_(f"{url!r}: {host!r} is not a host")


def _is_ipv4(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host.rstrip("."))
    except ValueError:
        return False
    return True
