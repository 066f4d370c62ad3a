"""Writing descriptions: the lines of a session and of its m-sections, in the order of RFC 9429 section 7's examples."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from peer import sdp
from peer.sdp import Block, Media, SessionDescription

from .codecs import parameters
from .model import (
    Configuration,
    Direction,
    Entropy,
    IceCredentials,
    NegotiatedCodec,
    NegotiatedExtension,
    State,
    Transceiver,
)

__all__ = [
    "ICE_OPTIONS",
    "NO_CANDIDATE",
    "Address",
    "TransportLines",
    "data_section",
    "draw_credentials",
    "lip_sync_groups",
    "media_section",
    "rejected_section",
    "session_block",
    "silence",
]


@dataclass(frozen=True, slots=True)
class Address:
    """What the m-line and the c-line say: the default candidate."""

    port: int
    connection: str


ICE_OPTIONS = ("trickle", "ice2")  # RFC 8840 section 4.1.1, RFC 8445 section 10
NO_CANDIDATE = Address(9, "IN IP4 0.0.0.0")  # RFC 8840 section 4.1.1


@dataclass(frozen=True, slots=True)
class TransportLines:
    """The attributes of categories IDENTICAL and TRANSPORT, which stand only in a section with a transport of its own.

    `candidates` are the values of gathered candidates; `rtcp_*` hold for RTP sections (or data that media is bundled
    into).
    """

    credentials: IceCredentials
    setup: sdp.Setup
    address: Address = NO_CANDIDATE
    candidates: tuple[str, ...] = ()
    ended: bool = False
    rtcp: bool = False
    rtcp_port: bool = True
    rtcp_mux: bool = True
    rtcp_mux_only: bool = False
    rtcp_rsize: bool = True
    tls_id: str | None = None


def draw_credentials(entropy: Entropy) -> IceCredentials:
    """Fresh ICE credentials: 48 and 144 random bits (RFC 8839 section 5.4 asks for 24 and 128)."""
    text = b64encode(entropy(24)).decode()
    return IceCredentials(text[:8], text[8:])


def session_block(
    state: State,
    *,
    groups: Iterable[sdp.Group],
    ice_options: tuple[str, ...],
    allow_mixed: bool,
    identity: str | None,
    shared: Iterable[str] = (),
) -> Block:
    """The session level (RFC 9429 section 5.2.1). `state.version` is the version to write."""
    lines = ["v=0", f"o=- {state.configuration.session_id} {state.version} IN IP4 0.0.0.0", "s=-", "t=0 0"]
    if ice_options:
        lines.append(f"a=ice-options:{' '.join(ice_options)}")
    if identity is not None:
        lines.append(sdp.IDENTITY.line(identity))
    lines += [sdp.GROUP.line(group) for group in groups]
    if allow_mixed:
        lines.append(sdp.EXTMAP_ALLOW_MIXED.line(True))
    lines += shared
    return Block(tuple(lines))


def media_section(
    *,
    media: str,
    proto: str,
    mid: str | None,
    direction: Direction,
    codecs: tuple[NegotiatedCodec, ...],
    extensions: tuple[NegotiatedExtension, ...],
    address: Address,
    stream_ids: tuple[str, ...] | None,
    simulcast: SimulcastLines | None = None,
    bundle_only: bool = False,
    sources: Iterable[str] = (),
    allow_mixed: bool = False,
    bundled_mux: bool = False,
) -> list[str]:
    """An RTP m-section without its transport attributes. `stream_ids` None leaves a=msid out, () says "no stream".

    `bundled_mux`: the section travels with another one and RTCP is multiplexed. a=rtcp-mux need not stand here then
    (RFC 9429 section 5.2.1 would leave it to the tagged section), but Chromium refuses a bundled section without.
    """
    formats = " ".join(str(one.payload_type) for one in codecs)
    lines = _head(media, address, proto, formats, mid)
    lines.append(f"a={direction}")
    lines += [sdp.RTPMAP.line(_rtpmap(one)) for one in codecs]
    lines += [sdp.FMTP.line(sdp.Fmtp(str(one.payload_type), one.codec.fmtp)) for one in codecs if one.codec.fmtp]
    if media == "audio":
        lines.append("a=maxptime:120")
    lines += [sdp.EXTMAP.line(_extmap(one)) for one in extensions]
    if allow_mixed:
        lines.append(sdp.EXTMAP_ALLOW_MIXED.line(True))
    lines += [
        sdp.RTCP_FB.line(sdp.RtcpFeedback(str(one.payload_type), value))
        for one in codecs
        for value in one.codec.feedback
    ]
    if stream_ids is not None:
        # "-" is how RFC 8830 section 2 says that there is no MediaStream
        lines += [sdp.MSID.line(sdp.Msid(stream)) for stream in stream_ids or ("-",)]
    if simulcast is not None:
        lines += simulcast.lines
    lines += sources
    if bundled_mux:
        lines.append(sdp.RTCP_MUX.line(True))
    if bundle_only:
        lines.append(sdp.BUNDLE_ONLY.line(True))
    return lines


@dataclass(frozen=True, slots=True)
class SimulcastLines:
    """The a=rid lines of one direction and, from two rids on, the a=simulcast line (RFC 9429 section 5.2.1)."""

    direction: str
    rids: tuple[str, ...]
    lines: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        lines = [sdp.RID_LINE.line(sdp.Rid(rid, self.direction)) for rid in self.rids]
        if len(self.rids) > 1:
            streams = tuple((sdp.SimulcastStream(rid),) for rid in self.rids)
            value = sdp.Simulcast(send=streams) if self.direction == "send" else sdp.Simulcast(recv=streams)
            lines.append(sdp.SIMULCAST.line(value))
        object.__setattr__(self, "lines", tuple(lines))


def data_section(
    *,
    proto: str,
    formats: tuple[str, ...],
    mid: str | None,
    configuration: Configuration,
    address: Address,
    bundle_only: bool = False,
) -> list[str]:
    """The m-section for data, without its transport attributes (RFC 9429 section 5.2.1, RFC 8841)."""
    lines = _head("application", address, proto, " ".join(formats), mid)
    lines.append(sdp.SCTP_PORT.line(configuration.sctp_port))
    lines.append(sdp.MAX_MESSAGE_SIZE.line(configuration.max_message_size))
    if bundle_only:
        lines.append(sdp.BUNDLE_ONLY.line(True))
    return lines


def rejected_section(media: str, proto: str, formats: tuple[str, ...], mid: str | None) -> Media:
    """An m-section with port zero: nothing but what keeps its place."""
    lines = _head(media, Address(0, NO_CANDIDATE.connection), proto, " ".join(formats), mid)
    return Media((*lines, sdp.INACTIVE.line(True)))


def transport_lines(configuration: Configuration, lines: TransportLines, shared: frozenset[str]) -> list[str]:
    """ICE, DTLS and RTCP attributes, then the candidates gathered so far; `shared` stand at session level already."""
    result = [line for line in security_lines(configuration, lines) if line not in shared]
    if lines.rtcp:
        result += rtcp_lines(lines)
    result += [sdp.CANDIDATE.line(one) for one in lines.candidates]
    if lines.ended:
        result.append(sdp.END_OF_CANDIDATES.line(True))
    return result


def security_lines(configuration: Configuration, lines: TransportLines) -> list[str]:
    """ICE credentials, fingerprints, setup and tls-id of one transport."""
    result = [
        sdp.ICE_UFRAG.line(lines.credentials.ufrag),
        sdp.ICE_PWD.line(lines.credentials.pwd),
        *(sdp.FINGERPRINT.line(one) for one in configuration.fingerprints),
        sdp.SETUP.line(lines.setup),
    ]
    if lines.tls_id is not None:
        result.append(sdp.TLS_ID.line(lines.tls_id))
    return result


def shared_lines(configuration: Configuration, transports: Iterable[TransportLines]) -> list[str]:
    """What may stand at session level: the lines all transports have, where the configuration wants them there."""
    if not configuration.session_level:
        return []
    each = [security_lines(configuration, one) for one in transports]
    return [line for line in (each[0] if each else []) if all(line in other for other in each)]


def rtcp_lines(lines: TransportLines) -> list[str]:
    """How RTCP travels."""
    result = []
    if lines.rtcp_port:
        result.append(sdp.RTCP.line(f"{lines.address.port} {lines.address.connection}"))
    if lines.rtcp_mux:
        result.append(sdp.RTCP_MUX.line(True))
    if lines.rtcp_mux_only:
        result.append(sdp.RTCP_MUX_ONLY.line(True))
    if lines.rtcp_rsize:
        result.append(sdp.RTCP_RSIZE.line(True))
    return result


def _head(media: str, address: Address, proto: str, formats: str, mid: str | None) -> list[str]:
    lines = [f"m={media} {address.port} {proto} {formats}", f"c={address.connection}"]
    if mid is not None:
        lines.append(sdp.MID.line(mid))
    return lines


def _rtpmap(one: NegotiatedCodec) -> sdp.Rtpmap:
    codec = one.codec
    # RFC 8866 section 6.6: the number of channels may be left out when it is one
    channels = str(codec.channels) if codec.channels and codec.channels > 1 else None
    return sdp.Rtpmap(one.payload_type, codec.name, codec.clock_rate, channels)


def _extmap(one: NegotiatedExtension) -> sdp.Extmap:
    return sdp.Extmap(one.id, one.uri, None if one.direction is Direction.SENDRECV else one.direction.value)


def lip_sync_groups(
    sections: Iterable[tuple[str, Transceiver]], kept: Iterable[tuple[str, ...]] = ()
) -> list[sdp.Group]:
    """a=group:LS for every stream that two or more m-sections share (RFC 9429 section 5.2.1).

    `kept` are groups of the most recent answer, which go on with what is left of them (section 5.2.2).
    """
    streams: dict[str, list[str]] = {}
    for mid, transceiver in sections:
        for stream in transceiver.stream_ids:
            streams.setdefault(stream, []).append(mid)
    groups = [tuple(mids) for mids in streams.values() if len(mids) > 1]
    for old in kept:
        if len(old) > 1 and not any(set(old) <= set(group) for group in groups):
            groups.append(old)
    return [sdp.Group("LS", mids) for mids in dict.fromkeys(groups)]


def silence(codecs: tuple[NegotiatedCodec, ...], wished: bool | None) -> tuple[NegotiatedCodec, ...]:
    """Voice activity detection (RFC 9429 section 5.2.3.2): CN formats and Opus's `usedtx`. None changes nothing."""
    if wished is None:
        return codecs
    result = []
    for one in codecs:
        name = one.codec.name.lower()
        if name == "cn" and not wished:
            continue
        if name == "opus":
            rest = {key: value for key, value in parameters(one.codec.fmtp).items() if key != "usedtx"}
            text = ";".join(f"{key}={value}" for key, value in {**rest, "usedtx": str(int(wished))}.items())
            result.append(replace(one, codec=replace(one.codec, fmtp=text)))
        else:
            result.append(one)
    return tuple(result)


def assemble(block: Block, sections: Iterable[Media]) -> SessionDescription:
    """The description, with line numbers as they will be counted when it is parsed."""
    line = len(block.lines) + 1
    numbered = []
    for media in sections:
        numbered.append(replace(media, line=line))
        line += len(media.lines)
    return SessionDescription(block, tuple(numbered))
