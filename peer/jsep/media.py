"""The media steps of a description: W3C "set a session description", step 11, one function for each side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from peer import sdp
from peer.sdp import Media, SessionDescription

from .association import proposed_encodings
from .codecs import answered, codecs_of, is_media, kind_of, matches, parameters
from .draft import Draft
from .effects import ReceiverNegotiated, SenderNegotiated, TransceiverAssociated, TransportAssigned
from .model import (
    Codec,
    Direction,
    Encoding,
    MediaParameters,
    NegotiatedCodec,
    Transceiver,
)
from .session import bundled_has, direction_of, extensions_of, is_rejected, media_at

__all__ = ["apply", "formats_of", "settle_codecs"]


def apply(draft: Draft) -> None:
    """Step 11 for every m-section that has a transceiver."""
    step = _local if draft.local else _remote
    for index, block in enumerate(draft.model.media):
        key = draft.sections[index].transceiver
        one = None if key is None else draft.transceivers.get(key)
        if one is not None:
            one = step(draft, index, block, one)
            draft.transceivers[one.key] = _settle_extensions(draft, block, one) if draft.is_final else one


def formats_of(block: Media) -> tuple[NegotiatedCodec, ...]:
    """The formats of an RTP section, nothing for others."""
    return codecs_of(block) if kind_of(block) is not None else ()


# --- step 11.1: a local description -------------------------------------------------------------------------


def _local(draft: Draft, index: int, block: Media, one: Transceiver) -> Transceiver:
    if one.mid is None:
        one = _set_mid(draft, one)
    if one.stopped:
        return one
    one = _set_transport(draft, index, one)
    direction = Direction.INACTIVE if is_rejected(block) else direction_of(draft.model, block)
    one = replace(one, receptive=direction.receives)
    theirs = media_at(draft.state.remote, index) if draft.is_answer else None
    one = replace(one, receive=_receive_parameters(draft.model, block, theirs, direction))
    draft.emit(ReceiverNegotiated(one.key))
    if draft.is_answer:
        one = _prune_encodings(one, _sent_rids(block.first(sdp.SIMULCAST), local=True))
        one = replace(one, send=_send_parameters(draft, one, theirs or block, block))
        draft.emit(SenderNegotiated(one.key))
        if not direction.receives and one.fired_direction is not None and one.fired_direction.receives:
            one, _ = draft.set_remote_streams(one, ())
            draft.mute(one.key)
        one = replace(one, current_direction=direction, fired_direction=direction)
    # W3C stops a transceiver only when the other side rejects it. One that we reject is as dead: only another one can
    # have its m-section, and it would ask for negotiation for ever (W3C "check if negotiation is needed", step 5.3.3)
    return draft.stop(one) if draft.is_final and is_rejected(block) else one


# --- step 11.2: a remote description ------------------------------------------------------------------------


def _remote(draft: Draft, index: int, block: Media, one: Transceiver) -> Transceiver:
    rejected = is_rejected(block)
    if draft.is_offer:
        one = _propose_encodings(draft, block, one)
    elif len(one.encodings) > 1:
        one = _prune_encodings(one, _sent_rids(block.first(sdp.SIMULCAST), local=False))
    if one.mid is None:
        one = _set_mid(draft, one)
    direction = Direction.INACTIVE if rejected else direction_of(draft.model, block).reversed
    msids = _msids(draft, block) if direction.receives else ()
    one = draft.process_remote_tracks(one, direction, msids)
    ours = media_at(draft.state.local, index) if draft.is_answer else None
    one = replace(one, receive=_remote_receive(draft, one, block, ours, direction))
    draft.emit(ReceiverNegotiated(one.key))
    if draft.is_answer and not rejected:
        one = replace(one, send=_send_parameters(draft, one, block, ours), current_direction=direction)
        draft.emit(SenderNegotiated(one.key))
        one = _set_transport(draft, index, one)
    elif draft.is_answer:
        one = replace(one, current_direction=direction)
    if rejected and not one.stopped:
        one = draft.stop(one)
    return one


def _set_mid(draft: Draft, one: Transceiver) -> Transceiver:
    mid = one.jsep_mid or ""
    draft.emit(TransceiverAssociated(one.key, mid))
    return replace(one, mid=mid)


def _set_transport(draft: Draft, index: int, one: Transceiver) -> Transceiver:
    """Steps 11.1.1.4 to 11.1.1.7 and 11.2.14.3 to 11.2.14.5.

    An answer bundles, so it may move what an offer set. W3C's text sets the answerer's transports nowhere, as its
    transceivers were associated by the remote offer; they are set with our answer.
    """
    transport = draft.sections[index].transport
    if transport is None or transport == one.transport or (draft.is_offer and one.transport is not None):
        return one
    draft.emit(TransportAssigned(one.key, transport))
    return replace(one, transport=transport)


def _msids(draft: Draft, block: Media) -> tuple[str, ...]:
    """The streams a section names; without any a=msid, one default stream for the session (RFC 9429 section 5.8.2)."""
    named = block.all(sdp.MSID)
    if named:
        return tuple(one.stream for one in named if one.stream != "-")
    if draft.state.default_stream is None:
        draft.state = replace(draft.state, default_stream=draft.entropy(16).hex())
    return (draft.state.default_stream or "",)


# --- encodings ----------------------------------------------------------------------------------------------


def _propose_encodings(draft: Draft, block: Media, one: Transceiver) -> Transceiver:
    """Step 11.2.6: an offer to receive simulcast reaches a sender that has no envelope yet."""
    proposed = proposed_encodings(block, draft.state.configuration.max_encodings)
    if proposed and len(one.encodings) == 1 and one.encodings[0].rid is None:
        return replace(one, encodings=proposed)
    return one


def _sent_rids(value: sdp.Simulcast | None, *, local: bool) -> set[str]:
    """The rids of the layers a description leaves us to send."""
    streams = () if value is None else value.send if local else value.recv
    return {one.rid for alternatives in streams for one in alternatives}


def _prune_encodings(one: Transceiver, rids: set[str]) -> Transceiver:
    """Steps 11.1.7.1 and 11.2.8: without any negotiated layer the first encoding goes on alone."""
    if len(one.encodings) < 2:
        return one
    kept = tuple(encoding for encoding in one.encodings if encoding.rid in rids)
    return replace(one, encodings=kept or one.encodings[:1])


def settle_codecs(one: Transceiver) -> Transceiver:
    """Step 14.2: an encoding loses the codec it asked for when that was not negotiated."""
    codecs = one.send.codecs
    if not codecs:
        return one
    settled = tuple(_settled(encoding, codecs) for encoding in one.encodings)
    return replace(one, encodings=settled) if settled != one.encodings else one


def _settled(encoding: Encoding, codecs: tuple[NegotiatedCodec, ...]) -> Encoding:
    if encoding.codec is None or any(matches(one.codec, encoding.codec) for one in codecs):
        return encoding
    return replace(encoding, codec=None)


# --- negotiated parameters ----------------------------------------------------------------------------------


def _receive_parameters(
    model: SessionDescription, ours: Media, theirs: Media | None, direction: Direction
) -> MediaParameters:
    """What our own description makes us ready to receive; nothing where we don't (W3C step 11.1.6)."""
    return MediaParameters(
        codecs=codecs_of(ours) if direction.receives else (),
        extensions=tuple(row for row in extensions_of(model, ours) if row.direction.receives),
        rids=_offered_rids(theirs),
        reduced_size_rtcp=bundled_has(model, ours, sdp.RTCP_RSIZE),
        rtcp_mux=bundled_has(model, ours, sdp.RTCP_MUX),
        ptime=_milliseconds(ours.first(sdp.PTIME)),
        maxptime=_milliseconds(ours.first(sdp.MAXPTIME)),
        ssrcs=_ssrcs(theirs),
        ssrc_groups=theirs.all(sdp.SSRC_GROUP) if theirs else (),
        extmap_allow_mixed=_allows_mixed(model, ours),
    )


def _remote_receive(
    draft: Draft, one: Transceiver, theirs: Media, ours: Media | None, direction: Direction
) -> MediaParameters:
    """What a remote description leaves of it: our payload types where we offered, theirs where we will answer."""
    if ours is not None:
        remote = codecs_of(theirs)
        common = tuple(mine for mine in codecs_of(ours) if _in(mine, remote))
    else:
        common = _supported(draft, one, theirs)
    known = _implemented(draft, one)
    said = extensions_of(draft.model, theirs)
    return MediaParameters(
        codecs=common if direction.receives else (),
        extensions=tuple(row for row in said if row.direction.sends and known[row.uri].receives),
        rids=_offered_rids(theirs),
        reduced_size_rtcp=bundled_has(draft.model, theirs, sdp.RTCP_RSIZE),
        rtcp_mux=bundled_has(draft.model, theirs, sdp.RTCP_MUX),
        ssrcs=_ssrcs(theirs),
        ssrc_groups=theirs.all(sdp.SSRC_GROUP) if theirs else (),
        extmap_allow_mixed=_allows_mixed(draft.model, theirs),
    )


def _send_parameters(draft: Draft, one: Transceiver, theirs: Media, ours: Media | None) -> MediaParameters:
    """What we send with after an answer: the remote side's payload types, in its order (RFC 9429 section 5.11)."""
    mine = codecs_of(ours) if ours is not None else ()
    remote = _supported(draft, one, theirs)
    codecs = _as_said(theirs, (codec for codec in remote if not mine or _in(codec, mine)))
    known = _implemented(draft, one)
    model = draft.remote or draft.model
    said = extensions_of(model, theirs)
    return MediaParameters(
        codecs=codecs,
        extensions=tuple(row for row in said if row.direction.receives and known[row.uri].sends),
        rids=tuple(encoding.rid for encoding in one.encodings if encoding.rid is not None),
        paused_rids=_paused(theirs.first(sdp.SIMULCAST)),
        reduced_size_rtcp=bundled_has(model, theirs, sdp.RTCP_RSIZE),
        rtcp_mux=bundled_has(model, theirs, sdp.RTCP_MUX),
        max_bitrate=_max_bitrate(theirs),
        total_bitrate=_total_bitrate(model),
        ptime=_milliseconds(theirs.first(sdp.PTIME)),
        maxptime=_milliseconds(theirs.first(sdp.MAXPTIME)),
        silence_suppression=_suppresses(codecs, codecs_of(theirs), mine),
        extmap_allow_mixed=_allows_mixed(model, theirs),
    )


def _supported(draft: Draft, one: Transceiver, theirs: Media) -> tuple[NegotiatedCodec, ...]:
    return answered(draft.state.configuration.capabilities(one.kind).codecs, codecs_of(theirs), preferred=False)


def _as_said(theirs: Media, codecs: Iterable[NegotiatedCodec]) -> tuple[NegotiatedCodec, ...]:
    """W3C RTCRtpCodecParameters: a sender's sdpFmtpLine is the remote description's: what that side likes to get."""
    said = {one.payload_type: one.codec.fmtp for one in codecs_of(theirs)}
    return tuple(replace(one, codec=replace(one.codec, fmtp=said[one.payload_type])) for one in codecs)


def _in(one: NegotiatedCodec, others: tuple[NegotiatedCodec, ...]) -> bool:
    """Whether a format is among others; an rtx one is where any rtx is, for its numbers are the other side's."""
    name = one.codec.name.lower()
    if name in ("rtx", "red"):
        return any(other.codec.name.lower() == name for other in others)
    return any(matches(one.codec, other.codec) for other in others)


def _implemented(draft: Draft, one: Transceiver) -> defaultdict[str, Direction]:
    """What we do with each header extension; those we don't want are inactive."""
    known = draft.state.extensions(one)
    return defaultdict(lambda: Direction.INACTIVE, {row.uri: row.direction for row in known})


def _settle_extensions(draft: Draft, block: Media, one: Transceiver) -> Transceiver:
    """WebRTC Extensions, "RTP header extension control": an answer's lines are what is negotiated, and goes on."""
    said = {row.uri: row.direction for row in extensions_of(draft.model, block)}
    left = tuple(
        replace(row, direction=said[row.uri] if draft.local else said[row.uri].reversed)
        for row in draft.state.extensions(one)
        if row.uri in said
    )
    return replace(one, extensions=left, negotiated_extensions=left)


def _allows_mixed(model: SessionDescription, block: Media) -> bool:
    return block.has(sdp.EXTMAP_ALLOW_MIXED) or model.session.has(sdp.EXTMAP_ALLOW_MIXED)


def _ssrcs(block: Media | None) -> tuple[int, ...]:
    return tuple(dict.fromkeys(row.ssrc for row in (block.all(sdp.SSRC_ATTRIBUTE) if block else ())))


def _offered_rids(block: Media | None) -> tuple[str, ...]:
    """The encodings the other side would send: a JSEP answer takes none (RFC 9429 section 3.7), an altered one may."""
    value = block.first(sdp.SIMULCAST) if block else None
    return tuple(one.rid for streams in (value.send if value else ()) for one in streams)


def _paused(value: sdp.Simulcast | None) -> tuple[str, ...]:
    return tuple(one.rid for streams in (value.recv if value else ()) for one in streams if one.paused)


def _milliseconds(value: float | None) -> int | None:
    return None if value is None else round(value)


def _max_bitrate(block: Media) -> int | None:
    """TIAS in bit/s, else what RFC 9429 section 5.10 derives from AS in kbit/s."""
    tias, application = block.find("b=TIAS:"), block.find("b=AS:")
    if tias is not None:
        return int(tias)
    if application is None:
        return None
    return max(0, round(int(application) * 1000 * 0.95) - 50 * 40 * 8)


def _total_bitrate(model: SessionDescription) -> int | None:
    """CT of the session, in kbit/s (RFC 8866 section 5.8). An m-section's says nothing (RFC 9429 section 5.10)."""
    total = model.session.find("b=CT:")
    return None if total is None else int(total) * 1000


def _suppresses(
    codecs: tuple[NegotiatedCodec, ...], theirs: tuple[NegotiatedCodec, ...], ours: tuple[NegotiatedCodec, ...]
) -> bool:
    """Both sides want silence suppression for the format we will send (RFC 9429 section 5.11)."""
    first = next((one.codec for one in codecs if is_media(one.codec)), None)
    if first is None:
        return False
    if first.name.lower() == "opus":
        return all(_wants_dtx(first, side) for side in (theirs, ours))
    return all(_has_comfort_noise(first.clock_rate, side) for side in (theirs, ours))


def _wants_dtx(codec: Codec, side: tuple[NegotiatedCodec, ...]) -> bool:
    same = (one.codec for one in side if matches(one.codec, codec))
    return any(parameters(one.fmtp).get("usedtx") == "1" for one in same)


def _has_comfort_noise(clock_rate: int, side: tuple[NegotiatedCodec, ...]) -> bool:
    return any(one.codec.name.lower() == "cn" and one.codec.clock_rate == clock_rate for one in side)
