"""createOffer (RFC 9429 section 5.2): a layout of m-sections, who carries a transport, then the lines of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from peer import sdp
from peer.sdp import Media, SessionDescription

from .capabilities import REPAIRED_RID_URI, RID_URI
from .codecs import PayloadTypes, PayloadTypesExhausted, codecs_of, offered, wanted
from .errors import InvalidState, OperationFailed
from .model import (
    BundlePolicy,
    Creation,
    Description,
    DescriptionType,
    Entropy,
    IceCredentials,
    NegotiatedCodec,
    NegotiatedExtension,
    Options,
    Proposal,
    RtcpMuxPolicy,
    SignalingState,
    State,
    Transceiver,
)
from .session import (
    ExtensionIds,
    credentials_of,
    free_mids,
    gathered,
    is_rejected,
    known_payload_types,
    last_answer,
    local_media,
    media_at,
)
from .sources import source_lines
from .write import (
    ICE_OPTIONS,
    NO_CANDIDATE,
    Address,
    SimulcastLines,
    TransportLines,
    assemble,
    data_section,
    draw_credentials,
    lip_sync_groups,
    media_section,
    rejected_section,
    session_block,
    shared_lines,
    silence,
    transport_lines,
)

__all__ = ["create_offer"]

_LAYER_URIS = (RID_URI, REPAIRED_RID_URI)
_DATA_PROTO, _RTP_PROTO = "UDP/DTLS/SCTP", "UDP/TLS/RTP/SAVPF"


@dataclass(slots=True)
class _Slot:
    """One m-section to be: what stands at this index, and how it travels."""

    index: int
    mid: str
    media: str
    transceiver: Transceiver | None = None
    rejected: bool = False
    transport: int | None = None
    answered: Media | None = None
    bundle_only: bool = False
    carrier: bool = False


def create_offer(state: State, options: Options | None = None, *, entropy: Entropy) -> Creation:
    """The offer for the connection as it is, and the state that remembers it.

    Raises InvalidState outside "stable" and "have-local-offer" (W3C "create an offer", step 1), OperationFailed when
    there are more formats than payload types.
    """
    options = options or Options()
    if state.signaling not in (SignalingState.STABLE, SignalingState.HAVE_LOCAL_OFFER):
        raise InvalidState(f"no offer can be created in {state.signaling!r}")
    slots = _layout(state)
    groups = _bundle(state, slots)
    versioned = replace(state, version=state.version + 1)
    writer = _Writer(versioned, options, entropy, slots, groups)
    model = writer.write()
    description = Description(DescriptionType.OFFER, sdp.serialize(model), model)
    proposed = tuple(Proposal(slot.transceiver.key if slot.transceiver else None, slot.carrier) for slot in slots)
    return Creation(
        description,
        replace(versioned, last_created_offer=description.sdp, proposed=proposed, basis=basis(state)),
    )


def basis(state: State) -> tuple[object, ...]:
    """Everything an offer or answer is made from: when it differs, the last one made no longer represents us."""
    return (
        state.signaling,
        state.transceivers,
        state.has_data_channel,
        state.credentials_to_replace,
        state.ice_changed,
        state.sections,
        state.current_local,
        state.current_remote,
        state.pending_local,
        state.pending_remote,
    )


# --- layout: what stands where ------------------------------------------------------------------------------


def _layout(state: State) -> list[_Slot]:
    """The m-sections in order: old ones, recycled or rejected as need be, then new ones (RFC 9429 section 5.2.2)."""
    answer = last_answer(state)
    slots = [_existing(state, index, answer) for index in range(len(state.sections))]
    names = iter(free_mids(state))
    fresh = [one for one in state.transceivers if one.jsep_mid is None and not one.stopping and not one.stopped]
    if state.configuration.always_negotiates_data and not slots:
        slots = [_Slot(0, next(names), "application")]
    recyclable = iter([slot.index for slot in slots if slot.rejected and _is_recyclable(state, slot.index)])
    for transceiver in fresh:
        index = next(recyclable, len(slots))
        slots[index : index + 1] = [_Slot(index, next(names), transceiver.kind, transceiver)]
    if state.has_data_channel and not any(slot.media == "application" and not slot.rejected for slot in slots):
        index = next(recyclable, len(slots))
        slots[index : index + 1] = [_Slot(index, next(names), "application")]
    return slots


def _is_recyclable(state: State, index: int) -> bool:
    """Whether a current description has a zero port there: a pending one might be taken back."""
    current = (media_at(state.current_local, index), media_at(state.current_remote, index))
    return any(media is not None and is_rejected(media) for media in current)


def _existing(state: State, index: int, answer: SessionDescription | None) -> _Slot:
    section = state.sections[index]
    transceiver = None if section.transceiver is None else state.transceiver(section.transceiver)
    gone = section.media != "application" and (transceiver is None or transceiver.stopping or transceiver.stopped)
    answered = media_at(answer, index)
    slot = _Slot(index, section.mid, section.media, transceiver, section.rejected or gone, section.transport)
    if answered is not None and answered.port != 0 and answered.mid in (slot.mid, None):
        slot.answered = answered
    return slot


# --- bundle: who carries a transport ------------------------------------------------------------------------


def _bundle(state: State, slots: list[_Slot]) -> list[tuple[str, ...]]:
    """The BUNDLE groups; marks the slots that carry a transport's attributes (RFC 9429 sections 5.2.1, 5.2.2)."""
    alive = [slot for slot in slots if not slot.rejected]
    answer = last_answer(state)
    if answer is None:
        _mark_by_policy(state.configuration.bundle_policy, alive)
        return [tuple(slot.mid for slot in alive)] if alive else []
    by_mid = {slot.mid: slot for slot in alive if slot.answered is not None}
    old = [tuple(mid for mid in group.mids if mid in by_mid) for group in answer.groups if group.semantics == "BUNDLE"]
    groups = [group for group in old if group]
    bundled = {mid for group in groups for mid in group}
    for slot in alive:
        # what was negotiated on its own stays so; the first of each group speaks for the group
        slot.carrier = slot.answered is not None and slot.mid not in bundled
    for group in groups:
        by_mid[group[0]].carrier = True
    new = [slot for slot in alive if slot.answered is None]
    if groups:
        # RFC 9143 section 7.6, and what RFC 9429's own example does: new sections join the bundle there is
        tag = by_mid[groups[0][0]]
        for slot in new:
            slot.transport = tag.transport
        groups[0] = (*groups[0], *(slot.mid for slot in new))
    elif new:
        for slot in new:
            slot.carrier = True
        groups.append(tuple(slot.mid for slot in new))
    return groups


def _mark_by_policy(policy: BundlePolicy, alive: list[_Slot]) -> None:
    seen: set[str] = set()
    for position, slot in enumerate(alive):
        first = position == 0 or (policy is BundlePolicy.BALANCED and slot.media not in seen)
        slot.carrier = first or policy is BundlePolicy.MAX_COMPAT
        slot.bundle_only = not slot.carrier
        seen.add(slot.media)


# --- lines --------------------------------------------------------------------------------------------------


class _Writer:
    """Writes one offer. Lives for one call."""

    def __init__(
        self, state: State, options: Options, entropy: Entropy, slots: list[_Slot], groups: list[tuple[str, ...]]
    ) -> None:
        self._state = state
        self._options = options
        self._entropy = entropy
        self._slots = slots
        self._groups = groups
        self._payload_types: PayloadTypes = known_payload_types(state)
        self._extensions = ExtensionIds.of(state)
        self._drawn: IceCredentials | None = None
        self._transports = {slot.mid: self._transport(slot) for slot in slots if slot.carrier and not slot.rejected}
        self._shared = shared_lines(state.configuration, self._transports.values())

    def write(self) -> SessionDescription:
        sections = [self._section(slot) for slot in self._slots]
        groups = [sdp.Group("BUNDLE", mids) for mids in self._groups] + self._lip_sync()
        block = session_block(
            self._state,
            groups=groups,
            ice_options=ICE_OPTIONS,
            allow_mixed=True,
            identity=self._options.identity,
            shared=self._shared,
        )
        return assemble(block, sections)

    def _lip_sync(self) -> list[sdp.Group]:
        living = {slot.mid: slot.transceiver for slot in self._slots if slot.transceiver and not slot.rejected}
        answer = last_answer(self._state)
        kept = [
            tuple(mid for mid in group.mids if mid in living)
            for group in (answer.groups if answer else ())
            if group.semantics == "LS"
        ]
        return lip_sync_groups(living.items(), kept)

    # transports

    def _transport(self, slot: _Slot) -> TransportLines:
        """The transport attributes a carrier writes: as they were, or fresh for a new transport or an ICE restart."""
        credentials = self._credentials(slot)
        transport = None if slot.transport is None else self._state.transport(slot.transport)
        found = gathered(self._state, slot.mid if transport is None else transport.mid, credentials)
        answered = slot.answered
        media_in_bundle = any(
            other.media != "application" and not other.rejected and self._tag(other) == slot.mid
            for other in self._slots
        )
        return TransportLines(
            credentials,
            sdp.Setup.ACTPASS,
            found.address,
            found.candidates,
            found.ended,
            rtcp=media_in_bundle,
            rtcp_mux=answered is None or answered.media == "application" or answered.has(sdp.RTCP_MUX),
            rtcp_mux_only=answered is None and self._state.configuration.rtcp_mux_policy is RtcpMuxPolicy.REQUIRE,
            rtcp_rsize=answered is None or answered.media == "application" or answered.has(sdp.RTCP_RSIZE),
            tls_id=self._state.configuration.tls_id,
            rtcp_port=answered is None or not answered.has(sdp.RTCP_MUX),
        )

    def _credentials(self, slot: _Slot) -> IceCredentials:
        transport = None if slot.transport is None else self._state.transport(slot.transport)
        if transport is None:
            return self._session_credentials() or self._draw()
        replaced = self._state.credentials_to_replace
        if slot.answered is None:
            # offered and not answered: not connected, so there is nothing to restart (RFC 9429 section 5.2.3.1)
            return self._draw() if transport.credentials in replaced else transport.credentials
        if self._options.ice_restart or self._state.ice_changed:
            return self._draw()
        if replaced:
            return self._draw() if transport.credentials in replaced else transport.credentials
        # W3C RTCOfferOptions.iceRestart: without it, the credentials of currentLocalDescription
        current = media_at(self._state.current_local, slot.index)
        model = self._state.current_local.model if self._state.current_local else None
        said = credentials_of(model, current) if model is not None and current is not None else None
        return said or transport.credentials

    def _draw(self) -> IceCredentials:
        """Fresh credentials; one set for the whole offer where they stand at session level."""
        if self._drawn is None or not self._state.configuration.session_level:
            self._drawn = draw_credentials(self._entropy)
        return self._drawn

    def _session_credentials(self) -> IceCredentials | None:
        """Where they stand at session level, a new transport takes those the session has."""
        if not self._state.configuration.session_level or self._drawn is not None:
            return None
        living = (slot for slot in self._slots if slot.carrier and not slot.rejected and slot.transport is not None)
        return next((self._credentials(slot) for slot in living), None)

    def _tag(self, slot: _Slot) -> str:
        """The mid of the section that carries this one's transport."""
        if slot.carrier:
            return slot.mid
        return next(group[0] for group in self._groups if slot.mid in group)

    def _address(self, slot: _Slot) -> Address:
        if slot.bundle_only:
            return Address(0, NO_CANDIDATE.connection)
        return self._transports[self._tag(slot)].address

    # sections

    def _section(self, slot: _Slot) -> Media:
        if slot.rejected:
            old = local_media(self._state, slot.index)
            formats, proto = (old.formats, old.proto) if old else (("0",), _RTP_PROTO)
            return rejected_section(slot.media, proto, formats, slot.mid)
        lines = self._data(slot) if slot.transceiver is None else self._rtp(slot, slot.transceiver)
        if slot.carrier:
            lines += transport_lines(self._state.configuration, self._transports[slot.mid], frozenset(self._shared))
        return Media(tuple(lines))

    def _data(self, slot: _Slot) -> list[str]:
        return data_section(
            proto=_DATA_PROTO,
            formats=("webrtc-datachannel",),
            mid=slot.mid,
            configuration=self._state.configuration,
            address=self._address(slot),
            bundle_only=slot.bundle_only,
        )

    def _rtp(self, slot: _Slot, transceiver: Transceiver) -> list[str]:
        codecs, stream_ids = self._codecs(slot, transceiver), self._stream_ids(slot, transceiver)
        return media_section(
            media=slot.media,
            proto=_RTP_PROTO,
            mid=slot.mid,
            direction=transceiver.direction,
            codecs=codecs,
            extensions=self._header_extensions(slot, transceiver),
            address=self._address(slot),
            stream_ids=stream_ids,
            simulcast=_simulcast(transceiver),
            sources=source_lines(self._state.configuration, transceiver, codecs, named=stream_ids is not None),
            bundle_only=slot.bundle_only,
            bundled_mux=not slot.carrier and self._bundled_mux(slot),
        )

    def _bundled_mux(self, slot: _Slot) -> bool:
        """Whether a bundled section says a=rtcp-mux: browsers want it there (see `Configuration.session_level`)."""
        return self._state.configuration.session_level and self._transports[self._tag(slot)].rtcp_mux

    def _stream_ids(self, slot: _Slot, transceiver: Transceiver) -> tuple[str, ...] | None:
        """RFC 9429 section 5.2.2: once said, a=msid stays, whatever the direction becomes."""
        current = media_at(self._state.current_local, slot.index)
        said = slot.answered is not None and current is not None and current.count(sdp.MSID) > 0
        return transceiver.stream_ids if transceiver.direction.sends or said else None

    def _codecs(self, slot: _Slot, transceiver: Transceiver) -> tuple[NegotiatedCodec, ...]:
        capabilities = self._state.configuration.capabilities(transceiver.kind)
        chosen = wanted(transceiver, capabilities, transceiver.direction)
        before = codecs_of(slot.answered) if slot.answered is not None else ()
        try:
            listed = offered(chosen, self._payload_types, before=before, reorder=not transceiver.preferred_codecs)
        except PayloadTypesExhausted as error:
            raise OperationFailed(str(error)) from error
        listed = silence(listed, self._options.voice_activity_detection)
        return tuple(_feedback_as_answered(one, before) for one in listed)

    def _header_extensions(self, slot: _Slot, transceiver: Transceiver) -> tuple[NegotiatedExtension, ...]:
        """Those the transceiver negotiates, after an answer what it left of them; with layers, their names."""
        wanted = {one.uri: one for one in self._state.extensions(transceiver)}
        implemented = self._state.configuration.capabilities(transceiver.kind).extensions
        if slot.answered is None and _simulcast(transceiver) is not None:
            # RFC 8853 section 5.2: layers are told apart by them, though an answer to another section was without
            wanted = {one.uri: one for one in implemented if one.uri in _LAYER_URIS} | wanted
        return tuple(self._extensions.assign(wanted[one.uri]) for one in implemented if one.uri in wanted)


def _feedback_as_answered(one: NegotiatedCodec, before: Iterable[NegotiatedCodec]) -> NegotiatedCodec:
    """A format that was answered keeps the feedback it was answered with (RFC 9429 section 5.2.2)."""
    for old in before:
        if old.payload_type == one.payload_type:
            feedback = tuple(value for value in one.codec.feedback if value in old.codec.feedback)
            return replace(one, codec=replace(one.codec, feedback=feedback))
    return one


def _simulcast(transceiver: Transceiver) -> SimulcastLines | None:
    """W3C createOffer, final steps, step 3.3: from two encodings on."""
    rids = tuple(encoding.rid for encoding in transceiver.encodings if encoding.rid is not None)
    if transceiver.direction.sends and len(transceiver.encodings) > 1 and rids:
        return SimulcastLines("send", rids)
    return None
