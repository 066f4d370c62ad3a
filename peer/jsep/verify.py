"""Whether the contents of a description make sense (RFC 9429 section 5.8.3): a table of checks that yield complaints.

The parser has judged the syntax before; here everything raises InvalidAccess (W3C "set a session description", step
4.6.4 to 4.6.6). The first complaint wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from peer import sdp
from peer.sdp import Media, SessionDescription

from .codecs import codecs_of, kind_of
from .errors import InvalidAccess
from .model import Description, DescriptionType, DtlsRole, RtcpMuxPolicy, Side, State
from .session import bundles, credentials_of, direction_of, is_data, is_rejected, media_at

__all__ = ["verify"]

_UFRAG_LENGTHS, _PWD_LENGTHS = range(4, 257), range(22, 257)  # RFC 8839 section 5.4
_ANSWERS = (DescriptionType.ANSWER, DescriptionType.PRANSWER)


@dataclass(frozen=True, slots=True)
class _Case:
    """A description to be judged. `offer` is what it answers, None when it is an offer itself."""

    state: State
    side: Side
    type: DescriptionType
    model: SessionDescription
    offer: Description | None

    @property
    def alive(self) -> list[tuple[int, Media]]:
        return [(index, media) for index, media in enumerate(self.model.media) if not is_rejected(media)]


def verify(state: State, side: Side, kind: DescriptionType, model: SessionDescription) -> None:
    """Raises InvalidAccess when the contents of a description are invalid for this connection."""
    offer = None
    if kind in _ANSWERS:
        offer = state.pending_remote if side is Side.LOCAL else state.pending_local
    case = _Case(state, side, kind, model, offer)
    checks = _COMMON + (_OF_ANSWERS if offer is not None else _OF_OFFERS) + (_REMOTE if side is Side.REMOTE else ())
    for check in checks:
        for complaint in check(case):
            raise InvalidAccess(complaint)


# --- inside the description ---------------------------------------------------------------------------------


def _single_attributes(case: _Case) -> Iterator[str]:
    for block in (case.model.session, *case.model.media):
        for attribute in sdp.ATTRIBUTES.values():
            if attribute.single and block.count(attribute) > 1:
                yield f"a={attribute.name} stands more than once (line {block.line} on)"
        if sum(block.has(row) for row in sdp.DIRECTIONS) > 1:
            yield f"two directions (line {block.line} on)"


def _mids(case: _Case) -> Iterator[str]:
    mids = [media.mid for media in case.model.media if media.mid is not None]
    if len(set(mids)) != len(mids):
        yield "a mid stands twice"
    grouped: set[str] = set()
    for group in bundles(case.model):
        for mid in group:
            if mid in grouped:
                yield f"the mid {mid!r} is bundled twice"
            grouped.add(mid)


def _bundle_of(case: _Case, media: Media) -> tuple[str, ...]:
    return next((group for group in bundles(case.model) if media.mid in group), ())


def _tag_of(case: _Case, media: Media) -> Media:
    """The section whose transport attributes hold for this one: its bundle's tag, for we always bundle; else itself.

    What a bundled section says of its own is not looked at: Chromium repeats a=ice-ufrag there, but no a=fingerprint.
    """
    living = {other.mid: other for _, other in case.alive}
    return next((living[mid] for mid in _bundle_of(case, media) if mid in living), media)


def _ice(case: _Case) -> Iterator[str]:
    for _, media in case.alive:
        if not _is_known(media):
            continue
        credentials = credentials_of(case.model, _tag_of(case, media))
        if credentials is None:
            yield f"no ICE credentials for the m-section at line {media.line}"
        elif len(credentials.ufrag) not in _UFRAG_LENGTHS or len(credentials.pwd) not in _PWD_LENGTHS:
            yield f"ICE credentials of a wrong length for the m-section at line {media.line}"


def _dtls(case: _Case) -> Iterator[str]:
    for _, media in case.alive:
        if not _is_known(media):
            continue
        tag = _tag_of(case, media)
        if not case.model.inherited_all(tag, sdp.FINGERPRINT):
            yield f"no fingerprint for the m-section at line {media.line}"
        setup = case.model.inherited(tag, sdp.SETUP)
        if setup is None:
            yield f"no a=setup for the m-section at line {media.line}"
        # RFC 5763 section 5
        if setup is sdp.Setup.HOLDCONN or (case.type in _ANSWERS and setup is sdp.Setup.ACTPASS):
            yield f"a=setup:{setup} in an {case.type}"


def _prohibited(case: _Case) -> Iterator[str]:
    for block in (case.model.session, *case.model.media):
        for attribute in (sdp.CRYPTO, sdp.KEY_MGMT):
            if block.count(attribute):
                yield f"a={attribute.name} is prohibited (line {block.line} on)"


def _rtcp_mux(case: _Case) -> Iterator[str]:
    required = case.state.configuration.rtcp_mux_policy is RtcpMuxPolicy.REQUIRE
    for _, media in case.alive:
        if kind_of(media) is None:
            continue
        muxed = media.has(sdp.RTCP_MUX) or _tag_of(case, media).has(sdp.RTCP_MUX)
        # a bundle whose tag is a data section needs no a=rtcp-mux there: bundling itself demands it (RFC 9143 section
        # 9.3)
        muxed = muxed or kind_of(_tag_of(case, media)) is None
        if required and not muxed:
            yield f"RTP and RTCP are not multiplexed in the m-section at line {media.line}"
        if media.has(sdp.RTCP_MUX_ONLY) and not media.has(sdp.RTCP_MUX):
            yield f"a=rtcp-mux-only without a=rtcp-mux (line {media.line} on)"


def _simulcast(case: _Case) -> Iterator[str]:
    for media in case.model.media:
        value = media.first(sdp.SIMULCAST)
        if value is None:
            continue
        for direction, streams in (("send", value.send), ("recv", value.recv)):
            known = {rid.id for rid in media.all(sdp.RID_LINE) if rid.direction == direction}
            for stream in (one for alternatives in streams for one in alternatives):
                if stream.rid not in known:
                    yield f"a=simulcast names the rid {stream.rid!r} of no a=rid line"


def _formats(case: _Case) -> Iterator[str]:
    for _, media in case.alive:
        if kind_of(media) is None:
            continue
        numbers = {int(text) for text in media.formats}
        for one in codecs_of(media):
            # RFC 9429 section 5.10: "if any referenced primary payload types are not present, this MUST result in an
            # error"
            if one.codec.name.lower() == "rtx" and one.associated not in numbers:
                yield f"rtx format {one.payload_type} repairs a format that isn't there"
        ids = [row.id for row in media.all(sdp.EXTMAP)]
        if len(set(ids)) != len(ids):
            yield f"two header extensions share an id (line {media.line} on)"


def _bundle_numbers(case: _Case) -> Iterator[str]:
    """In one bundle a payload type and an extension id mean one thing (RFC 9143 sections 10.1.2 and 10.3)."""
    by_mid = {media.mid: media for _, media in case.alive if kind_of(media) is not None}
    for group in bundles(case.model):
        formats: dict[int, tuple[object, ...]] = {}
        extensions: dict[int, str] = {}
        for media in (by_mid[mid] for mid in group if mid in by_mid):
            for row in media.all(sdp.RTPMAP):
                meaning = (media.media, row.name.lower(), row.clock_rate, row.parameters or "1")
                if formats.setdefault(row.payload_type, meaning) != meaning:
                    yield f"payload type {row.payload_type} means two formats in one bundle"
            for extension in media.all(sdp.EXTMAP):
                if extensions.setdefault(extension.id, extension.uri) != extension.uri:
                    yield f"extension id {extension.id} means two extensions in one bundle"


def _sctp(case: _Case) -> Iterator[str]:
    for _, media in case.alive:
        if is_data(media) and media.first(sdp.SCTP_PORT) is None and not media.count(sdp.SCTPMAP):
            yield f"no a=sctp-port (line {media.line} on)"


def _is_known(media: Media) -> bool:
    return kind_of(media) is not None or is_data(media)


# --- against what was before --------------------------------------------------------------------------------


def _continues(case: _Case) -> Iterator[str]:
    """A new offer keeps every m-section in its place (RFC 3264 section 8), as if the one before had been answered."""
    sections = case.state.sections
    if len(case.model.media) < len(sections):
        yield f"{len(case.model.media)} m-sections where there were {len(sections)}"
    for section, media in zip(sections, case.model.media, strict=False):
        if section.rejected:
            continue
        if media.mid is not None and media.mid != section.mid:
            yield f"the m-section {section.mid!r} became {media.mid!r}"
        if media.media != section.media:
            yield f"the m-section {section.mid!r} was {section.media}, is {media.media}"


def _dtls_continues(case: _Case) -> Iterator[str]:
    """Another fingerprint or tls-id is another DTLS association: that needs an ICE restart (RFC 9429 section 5.8.3)."""
    for index, media in case.alive:
        section = case.state.sections[index] if index < len(case.state.sections) else None
        transport = None if section is None or section.transport is None else case.state.transport(section.transport)
        if transport is None or transport.dtls_role is None:
            continue
        tag = _tag_of(case, media)
        fingerprints = set(case.model.inherited_all(tag, sdp.FINGERPRINT))
        same = fingerprints == set(transport.fingerprints)
        same = same and case.model.inherited(tag, sdp.TLS_ID) == transport.tls_id
        if not same and credentials_of(case.model, tag) == transport.remote:
            yield f"a new DTLS association without an ICE restart (line {media.line} on)"
        # an answer's role is judged where it is applied; an offer may leave it open
        theirs = sdp.Setup.PASSIVE if transport.dtls_role is DtlsRole.CLIENT else sdp.Setup.ACTIVE
        setup = case.model.inherited(tag, sdp.SETUP)
        if same and case.type is DescriptionType.OFFER and setup not in (sdp.Setup.ACTPASS, theirs):
            yield f"a=setup:{setup} turns the roles of a DTLS association that goes on (line {media.line} on)"


def _mux_continues(case: _Case) -> Iterator[str]:
    """RTP/RTCP multiplexing is not taken back (RFC 9429 section 5.8.3)."""
    before = case.state.current_remote
    for index, media in case.alive:
        old = media_at(before, index)
        if old is None or is_rejected(old) or old.mid != media.mid or kind_of(media) is None:
            continue
        if old.has(sdp.RTCP_MUX) and not (media.has(sdp.RTCP_MUX) or _tag_of(case, media).has(sdp.RTCP_MUX)):
            yield f"a=rtcp-mux was taken back (line {media.line} on)"


def _pairs(case: _Case) -> Iterable[tuple[Media, Media]]:
    offer = case.offer.model if case.offer else None
    return zip(offer.media if offer else (), case.model.media, strict=False)


def _same_sections(case: _Case) -> Iterator[str]:
    """An answer mirrors its offer (RFC 3264 section 6)."""
    offered = len(case.offer.model.media) if case.offer and case.offer.model else 0
    if len(case.model.media) != offered:
        yield f"{len(case.model.media)} m-sections answer {offered}"
    for offer, answer in _pairs(case):
        if (offer.media, offer.proto) != (answer.media, answer.proto):
            yield f"{answer.media} {answer.proto} answers {offer.media} {offer.proto} (line {answer.line})"
        if answer.mid is not None and answer.mid != offer.mid:
            yield f"the mid {answer.mid!r} answers {offer.mid!r}"
        if is_rejected(offer) and answer.port != 0:
            yield f"a rejected m-section was accepted (line {answer.line})"


def _directions(case: _Case) -> Iterator[str]:
    """An answer sends where the offer receives, and receives where it sends (RFC 3264 section 6.1)."""
    offered = case.offer.model if case.offer else None
    for offer, answer in _pairs(case):
        if offered is None or is_rejected(answer) or kind_of(answer) is None:
            continue
        asked, said = direction_of(offered, offer), direction_of(case.model, answer)
        if said & asked.reversed is not said:
            yield f"a={said} answers a={asked} (line {answer.line} on)"


def _answer_fits(case: _Case) -> Iterator[str]:
    for offer, answer in _pairs(case):
        if is_rejected(answer) or kind_of(answer) is None:
            continue
        # RFC 9429 section 5.11: feedback that wasn't offered indicates a negotiation problem
        asked = {row.value.partition(" ")[0] for row in offer.all(sdp.RTCP_FB)}
        for row in answer.all(sdp.RTCP_FB):
            if row.value.partition(" ")[0] not in asked:
                yield f"a=rtcp-fb:{row} was not offered (line {answer.line} on)"
        # W3C step 4.6.5: an answer that renegotiates rids
        offered = {rid.id for rid in offer.all(sdp.RID_LINE) if rid.direction == "send"}
        for rid in answer.all(sdp.RID_LINE):
            if rid.direction == "recv" and offered and rid.id not in offered:
                yield f"the rid {rid.id!r} was not offered"


def _answer_bundles(case: _Case) -> Iterator[str]:
    """A group of an answer is part of a group of its offer (RFC 9143 section 7.3)."""
    offered = bundles(case.offer.model) if case.offer and case.offer.model else []
    for group in bundles(case.model):
        if not any(set(group) <= set(one) for one in offered):
            yield f"the bundle {' '.join(group)!r} was not offered"


def _ice_restart_answered(case: _Case) -> Iterator[str]:
    """New credentials in an answer if, and only if, the offer restarted ICE (RFC 9429 section 5.10)."""
    state, model = case.state, case.model
    for index, media in case.alive if case.side is Side.REMOTE else ():
        theirs_before = _before(state.current_remote, index, media)
        ours_before = _before(state.current_local, index, media)
        ours_now = _before(state.pending_local, index, media)
        theirs_now = credentials_of(model, media)
        if None in (theirs_before, ours_before, ours_now, theirs_now):
            continue
        restarted, changed = ours_before != ours_now, theirs_before != theirs_now
        if restarted and not changed:
            yield f"an ICE restart was answered with the old credentials (line {media.line} on)"
        if changed and not restarted:
            yield f"new ICE credentials without an ICE restart (line {media.line} on)"


def _before(description: Description | None, index: int, media: Media) -> object:
    old = media_at(description, index)
    if old is None or description is None or description.model is None or is_rejected(old) or old.mid != media.mid:
        return None
    return credentials_of(description.model, old)


_Check = Callable[[_Case], Iterator[str]]
_COMMON: tuple[_Check, ...] = (_single_attributes, _mids, _simulcast, _formats, _bundle_numbers, _sctp)
_REMOTE: tuple[_Check, ...] = (_rtcp_mux, _ice, _dtls, _prohibited, _mux_continues, _dtls_continues)
_OF_OFFERS: tuple[_Check, ...] = (_continues,)
_OF_ANSWERS: tuple[_Check, ...] = (_same_sections, _directions, _answer_fits, _answer_bundles, _ice_restart_answered)
