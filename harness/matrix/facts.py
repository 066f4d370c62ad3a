"""What a cell found out: from the capture where it could see it, else from the endpoints' statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from harness.endpoints.proxies import PeerConnection
from harness.errors import EndpointError, Thrown
from harness.results import Fact

if TYPE_CHECKING:
    from harness.capture.recording import Recording
    from harness.capture.wire import Wire

__all__ = ["from_stats", "from_wire", "ice_pair", "merge", "statistics", "witnesses"]

_VERSIONS: Final = {0xFEFF: "DTLSv1.0", 0xFEFD: "DTLSv1.2", 0xFEFC: "DTLSv1.3"}
_KEY_SHARE: Final = 51
_USE_SRTP: Final = 14
_HEX_VERSIONS: Final = {f"{number:04X}": name for number, name in _VERSIONS.items()}

#: The facts every cell has, known or not.
ALWAYS: Final = ("dtls_version", "cipher", "named_group", "srtp_profile", "ice_pair", "setup_ms")


def merge(*sources: Mapping[str, Fact]) -> dict[str, Fact]:
    """One set of facts: the first source that knows one is believed."""
    facts: dict[str, Fact] = dict.fromkeys(ALWAYS)
    for source in reversed(sources):
        facts |= {name: value for name, value in source.items() if value is not None}
    return facts


def from_wire(wire: Wire) -> dict[str, Fact]:
    """What the DTLS handshake agreed on, as captured: version, cipher suite, group, SRTP profile.

    In DTLS 1.3 the SRTP profile is in an encrypted message: it needs the secrets.
    """
    # Here and not above: scapy takes a third of a second to import.
    from harness.capture.layers.dtls_extensions import GROUPS, SRTP_PROFILES
    from harness.capture.layers.dtls_handshake import CIPHER_SUITES
    from harness.capture.match import dtls

    hello = wire.first(dtls.server_hello())
    if hello is None:
        return {}
    packet = hello.packet
    exchange = wire.first(dtls.handshake("ServerKeyExchange"))
    share = packet.extension(_KEY_SHARE)
    group = share.group if share is not None else exchange.packet.group if exchange is not None else None
    encrypted = wire.first(dtls.handshake("EncryptedExtensions"))
    answer = encrypted.packet if encrypted is not None else packet
    srtp = answer.extension(_USE_SRTP)
    profiles = list(srtp.profiles) if srtp is not None else []
    return {
        "dtls_version": _VERSIONS.get(packet.negotiated_version, f"{packet.negotiated_version:#06x}"),
        "cipher": CIPHER_SUITES.get(packet.cipher_suite, f"{packet.cipher_suite:#06x}"),
        "named_group": None if group is None else GROUPS.get(group, f"{group:#06x}"),
        "srtp_profile": SRTP_PROFILES.get(profiles[0], f"{profiles[0]:#06x}") if profiles else None,
    }


async def statistics(pc: PeerConnection) -> dict[str, dict[str, Any]]:
    """What the endpoint itself says; empty when it can't."""
    try:
        return await pc.getStats()
    except (Thrown, EndpointError):
        return {}


def from_stats(stats: Mapping[str, Mapping[str, Any]]) -> dict[str, Fact]:
    """Facts from `transport` and `candidate-pair` statistics (webrtc-stats)."""
    transport = next((entry for entry in stats.values() if entry.get("type") == "transport"), {})
    return {
        "dtls_version": _version(transport.get("tlsVersion")),
        "cipher": transport.get("dtlsCipher") or None,
        "srtp_profile": transport.get("srtpCipher") or None,
        "ice_pair": ice_pair(stats, transport),
    }


def witnesses(recording: Recording, told: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, Fact]:
    """Whether the capture, the reference peer's trace and everybody's statistics (`told`, by endpoint name) agree."""
    from harness.capture.witnesses import cross_check, disagreements

    comparisons = cross_check(recording, {name: list(stats.values()) for name, stats in told.items()})
    differing = [str(comparison) for comparison in disagreements(comparisons)]
    return {"witnesses": {"compared": len(comparisons), "disagree": differing}}


def _version(text: object) -> str | None:
    return _HEX_VERSIONS.get(text.upper().removeprefix("0X")) if isinstance(text, str) else None


def ice_pair(stats: Mapping[str, Mapping[str, Any]], transport: Mapping[str, Any]) -> str | None:
    """The selected pair: `host 127.0.0.1:40001 - prflx 127.0.0.1:40002 (udp)`, ours first."""
    pair = stats.get(str(transport.get("selectedCandidatePairId", ""))) or _nominated(list(stats.values()))
    if pair is None:
        return None
    local, remote = (stats.get(str(pair.get(side)), {}) for side in ("localCandidateId", "remoteCandidateId"))
    return f"{_candidate(local)} - {_candidate(remote)} ({local.get('protocol', 'udp')})"


def _nominated(stats: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    pairs = [entry for entry in stats if entry.get("type") == "candidate-pair" and entry.get("state") == "succeeded"]
    # Firefox marks the pair it uses `selected`.
    pairs.sort(key=lambda pair: (bool(pair.get("selected")), bool(pair.get("nominated"))), reverse=True)
    return pairs[0] if pairs else None


def _candidate(stats: Mapping[str, Any]) -> str:
    host = str(stats.get("address") or stats.get("ip") or "?")
    return f"{stats.get('candidateType', '?')} {f'[{host}]' if ':' in host else host}:{stats.get('port', '?')}"
