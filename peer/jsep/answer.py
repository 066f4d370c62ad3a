"""createAnswer (RFC 9429 section 5.3): every offered m-section gets its counterpart, accepted or rejected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from peer import sdp
from peer.sdp import Media, SessionDescription

from .codecs import answered, codecs_of, parameters, wanted
from .errors import InvalidState
from .model import (
    BundlePolicy,
    Creation,
    Description,
    DescriptionType,
    Direction,
    DtlsRole,
    Entropy,
    IceCredentials,
    NegotiatedCodec,
    NegotiatedExtension,
    Options,
    SignalingState,
    State,
    Transceiver,
    Transport,
)
from .offer import basis
from .session import (
    bundles,
    credentials_of,
    direction_of,
    extensions_of,
    gathered,
    is_data,
    is_rejected,
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
    media_section,
    rejected_section,
    session_block,
    shared_lines,
    silence,
    transport_lines,
)

__all__ = ["create_answer", "setup_in_answer"]


@dataclass(frozen=True, slots=True)
class _Slot:
    """One offered m-section and what we have for it. `codecs` is empty for data."""

    index: int
    offer: Media
    mid: str
    transceiver: Transceiver | None
    codecs: tuple[NegotiatedCodec, ...] = ()
    rejected: bool = False


def create_answer(state: State, options: Options | None = None, *, entropy: Entropy) -> Creation:
    """The answer to the pending remote offer, and the state that remembers it.

    Raises InvalidState outside "have-remote-offer" and "have-local-pranswer" (W3C "create an answer", step 1).
    """
    options = options or Options()
    offer = state.pending_remote
    if (
        state.signaling not in (SignalingState.HAVE_REMOTE_OFFER, SignalingState.HAVE_LOCAL_PRANSWER)
        or offer is None
        or offer.model is None
    ):
        raise InvalidState(f"no answer can be created in {state.signaling!r}")
    versioned = replace(state, version=state.version + 1)
    model = _Writer(versioned, offer.model, options, entropy).write()
    description = Description(DescriptionType.ANSWER, sdp.serialize(model), model)
    return Creation(description, replace(versioned, last_created_answer=description.sdp, basis=basis(state)))


def setup_in_answer(offered: sdp.Setup | None, role: DtlsRole | None, liked: DtlsRole) -> sdp.Setup:
    """a=setup of an answer: as the association runs, as the offer demands, else as we like (RFC 9429 section 5.3)."""
    forced = {sdp.Setup.ACTIVE: DtlsRole.SERVER, sdp.Setup.PASSIVE: DtlsRole.CLIENT}
    chosen = role or (forced.get(offered, liked) if offered is not None else liked)
    return sdp.Setup.ACTIVE if chosen is DtlsRole.CLIENT else sdp.Setup.PASSIVE


class _Writer:
    """Writes one answer. Lives for one call."""

    def __init__(self, state: State, offer: SessionDescription, options: Options, entropy: Entropy) -> None:
        self._state = state
        self._offer = offer
        self._options = options
        self._entropy = entropy
        self._slots = self._rejections([self._slot(index, media) for index, media in enumerate(offer.media)])
        self._groups = self._surviving_groups()
        self._drawn: IceCredentials | None = None
        self._transports = {slot.index: self._transport(slot) for slot in self._slots if self._carries(slot)}

        self._shared = shared_lines(state.configuration, self._transports.values())

    def write(self) -> SessionDescription:
        offer = self._offer
        offered = {option for options in self._all_ice_options() for option in options}
        block = session_block(
            self._state,
            groups=[*(sdp.Group("BUNDLE", mids) for mids in self._groups), *self._lip_sync()],
            ice_options=_ice_options(offered),
            allow_mixed=offer.session.has(sdp.EXTMAP_ALLOW_MIXED),
            identity=self._options.identity,
            shared=self._shared,
        )
        return assemble(block, [self._section(slot) for slot in self._slots])

    def _all_ice_options(self) -> Iterable[tuple[str, ...]]:
        for block in (self._offer.session, *self._offer.media):
            yield from block.all(sdp.ICE_OPTIONS)

    # what is accepted

    def _slot(self, index: int, media: Media) -> _Slot:
        section = self._state.sections[index]
        transceiver = None if section.transceiver is None else self._state.transceiver(section.transceiver)
        if is_rejected(media) or (is_data(media) and section.transport is None):
            return _Slot(index, media, section.mid, transceiver, rejected=True)
        if is_data(media):
            return _Slot(index, media, section.mid, None)
        if transceiver is None or transceiver.stopped:
            return _Slot(index, media, section.mid, transceiver, rejected=True)
        codecs = self._codecs(media, transceiver)
        return _Slot(index, media, section.mid, transceiver, codecs, rejected=not codecs)

    def _codecs(self, media: Media, transceiver: Transceiver) -> tuple[NegotiatedCodec, ...]:
        capabilities = self._state.configuration.capabilities(transceiver.kind)
        theirs = codecs_of(media)
        ours = wanted(transceiver, capabilities, transceiver.direction)
        codecs = answered(ours, theirs, preferred=bool(transceiver.preferred_codecs))
        return _bilateral_silence(codecs, theirs, self._options.voice_activity_detection)

    def _rejections(self, slots: list[_Slot]) -> list[_Slot]:
        """Sections the bundle policy leaves no transport, and bundles whose tag is gone (RFC 9429 section 5.3.1)."""
        group_of = {mid: group for group in bundles(self._offer) for mid in group}
        policy = self._state.configuration.bundle_policy
        first_of: dict[str, _Slot] = {}
        result = []
        for slot in slots:
            key = "" if policy is BundlePolicy.MAX_BUNDLE else slot.offer.media
            # a section with port zero can't be the one that policy keeps
            first = slot if slot.rejected else first_of.setdefault(key, slot)
            group = group_of.get(slot.mid)
            alone = first is not slot and (group is None or first.mid not in group)
            refused = slot.rejected or (alone and policy is not BundlePolicy.MAX_COMPAT)
            # RFC 9143 section 6: accepted in a bundle or not at all
            refused = refused or (group is None and slot.offer.has(sdp.BUNDLE_ONLY))
            result.append(replace(slot, rejected=refused))
        gone = {slot.mid for slot in result if slot.rejected}
        orphans = {mid for mid, group in group_of.items() if group[0] in gone}
        return [replace(slot, rejected=slot.rejected or slot.mid in orphans) for slot in result]

    def _surviving_groups(self) -> list[tuple[str, ...]]:
        alive = {slot.mid for slot in self._slots if not slot.rejected and slot.offer.mid is not None}
        groups = [tuple(mid for mid in group if mid in alive) for group in bundles(self._offer)]
        return [group for group in groups if group]

    def _carries(self, slot: _Slot) -> bool:
        """Whether the section carries its transport's attributes: it is not bundled into another one."""
        return not slot.rejected and not any(slot.mid in group and slot.mid != group[0] for group in self._groups)

    def _tag(self, slot: _Slot) -> _Slot:
        group = next((group for group in self._groups if slot.mid in group), None)
        return slot if group is None else next(other for other in self._slots if other.mid == group[0])

    # transports

    def _transport(self, slot: _Slot) -> TransportLines:
        credentials = self._credentials(slot)
        transport = self._transport_slots(slot)
        found = gathered(self._state, slot.mid if transport is None else transport.mid, credentials)
        offer = slot.offer
        rtcp_mux = offer.has(sdp.RTCP_MUX)
        return TransportLines(
            credentials,
            setup_in_answer(
                self._offer.inherited(offer, sdp.SETUP),
                self._continued_role(slot, transport),
                self._state.configuration.dtls_setup,
            ),
            found.address,
            found.candidates,
            found.ended,
            rtcp=slot.transceiver is not None or rtcp_mux,
            rtcp_port=not rtcp_mux,
            rtcp_mux=rtcp_mux,
            rtcp_mux_only=offer.has(sdp.RTCP_MUX_ONLY),
            rtcp_rsize=offer.has(sdp.RTCP_RSIZE),
            tls_id=None if self._offer.inherited(offer, sdp.TLS_ID) is None else self._state.configuration.tls_id,
        )

    def _transport_slots(self, slot: _Slot) -> Transport | None:
        key = self._state.sections[slot.index].transport
        return None if key is None else self._state.transport(key)

    def _credentials(self, slot: _Slot) -> IceCredentials:
        """Ours as they are, or new ones where the offer restarts ICE (RFC 9429 section 5.3.2)."""
        transport = self._transport_slots(slot)
        theirs = credentials_of(self._offer, slot.offer)
        if transport is not None and (transport.remote is None or theirs == transport.remote):
            return transport.credentials
        if self._drawn is None or not self._state.configuration.session_level:
            self._drawn = draw_credentials(self._entropy)
        return self._drawn

    def _continued_role(self, slot: _Slot, transport: Transport | None) -> DtlsRole | None:
        """Our DTLS role when the offer goes on with the association there is (RFC 8842 section 5.3)."""
        if transport is None or transport.dtls_role is None:
            return None
        fingerprints = self._offer.inherited_all(slot.offer, sdp.FINGERPRINT)
        tls_id = self._offer.inherited(slot.offer, sdp.TLS_ID)
        same = set(fingerprints) == set(transport.fingerprints) and tls_id == transport.tls_id
        return transport.dtls_role if same else None

    # sections

    def _section(self, slot: _Slot) -> Media:
        offer = slot.offer
        if slot.rejected:
            return rejected_section(offer.media, offer.proto, offer.formats, offer.mid)
        lines = self._data(slot) if slot.transceiver is None else self._rtp(slot, slot.transceiver)
        if slot.index in self._transports:
            lines += transport_lines(self._state.configuration, self._transports[slot.index], frozenset(self._shared))
        return Media(tuple(lines))

    def _address(self, slot: _Slot) -> Address:
        carrier = self._transports.get(self._tag(slot).index)
        return carrier.address if carrier is not None else NO_CANDIDATE

    def _data(self, slot: _Slot) -> list[str]:
        return data_section(
            proto=slot.offer.proto,
            formats=slot.offer.formats,
            mid=slot.offer.mid,
            configuration=self._state.configuration,
            address=self._address(slot),
        )

    def _rtp(self, slot: _Slot, transceiver: Transceiver) -> list[str]:
        offer = slot.offer
        direction = direction_of(self._offer, offer).reversed & transceiver.direction
        stream_ids = self._stream_ids(slot, transceiver, direction)
        return media_section(
            media=offer.media,
            proto=offer.proto,
            mid=offer.mid,
            direction=direction,
            codecs=slot.codecs,
            extensions=self._extensions(offer, transceiver),
            address=self._address(slot),
            stream_ids=stream_ids,
            simulcast=_simulcast(offer, transceiver, direction),
            sources=source_lines(self._state.configuration, transceiver, slot.codecs, named=stream_ids is not None),
            allow_mixed=offer.has(sdp.EXTMAP_ALLOW_MIXED),
            bundled_mux=slot.index not in self._transports and self._tag_muxes(slot),
        )

    def _tag_muxes(self, slot: _Slot) -> bool:
        """Whether a bundled section says a=rtcp-mux: browsers want it there (see `Configuration.session_level`)."""
        if not self._state.configuration.session_level:
            return False
        return slot.offer.has(sdp.RTCP_MUX) or self._tag(slot).offer.has(sdp.RTCP_MUX)

    def _stream_ids(self, slot: _Slot, transceiver: Transceiver, direction: Direction) -> tuple[str, ...] | None:
        """RFC 9429 section 5.3.2: once said, a=msid stays, whatever the direction becomes."""
        current = media_at(self._state.current_local, slot.index)
        said = current is not None and current.mid == slot.offer.mid and current.count(sdp.MSID) > 0
        return transceiver.stream_ids if direction.sends or said else None

    def _extensions(self, offer: Media, transceiver: Transceiver) -> tuple[NegotiatedExtension, ...]:
        """Those of the offer we want, under its ids, in a direction that answers the offered (RFC 8285 section 7)."""
        ours = {one.uri: one.direction for one in self._state.extensions(transceiver)}
        return tuple(
            replace(row, direction=row.direction.reversed & ours[row.uri])
            for row in extensions_of(self._offer, offer)
            if row.uri in ours
        )

    def _lip_sync(self) -> list[sdp.Group]:
        """RFC 9429 section 5.3.1: groups of the offer whose transceivers share a stream, or have none."""
        alive = {slot.mid: slot.transceiver for slot in self._slots if slot.transceiver and not slot.rejected}
        result: list[sdp.Group] = []
        for group in self._offer.groups:
            if group.semantics == "LS":
                members = [(mid, set(alive[mid].stream_ids)) for mid in group.mids if mid in alive]
                result += [sdp.Group("LS", mids) for mids in _in_sync(members)]
        return result


def _ice_options(offered: set[str]) -> tuple[str, ...]:
    """None where none was offered (RFC 9429 section 5.3.1); ice2 wherever there is a line (RFC 8445 section 10)."""
    if "trickle" in offered:
        return ICE_OPTIONS
    return ("ice2",) if "ice2" in offered else ()


def _in_sync(members: list[tuple[str, set[str]]]) -> list[tuple[str, ...]]:
    """The mids that share a stream, together with those that have none to share; two at least."""
    streams = sorted({stream for _, own in members for stream in own}) or [""]
    groups = (tuple(mid for mid, own in members if stream in own or not own) for stream in streams)
    return list(dict.fromkeys(group for group in groups if len(group) > 1))


def _bilateral_silence(
    codecs: tuple[NegotiatedCodec, ...], theirs: tuple[NegotiatedCodec, ...], wished: bool | None
) -> tuple[NegotiatedCodec, ...]:
    """RFC 9429 section 5.3.3.1: per codec, silence suppression only where the offer has it too."""
    offered = {one.payload_type: parameters(one.codec.fmtp).get("usedtx") == "1" for one in theirs}
    result: list[NegotiatedCodec] = []
    for one in codecs:
        name = one.codec.name.lower()
        if name == "opus" and (wished is not None or offered.get(one.payload_type)):
            result += silence((one,), wished is not False and offered.get(one.payload_type, False))
        elif name != "cn" or wished is not False:
            result.append(one)
    return tuple(result)


def _simulcast(offer: Media, transceiver: Transceiver, direction: Direction) -> SimulcastLines | None:
    """W3C createAnswer, final steps, step 3.2: what the offer asks to receive and we have encodings for."""
    asked = offer.first(sdp.SIMULCAST)
    if asked is None or not asked.recv or not direction.sends:
        return None
    ours = {encoding.rid for encoding in transceiver.encodings}
    first = dict.fromkeys(alternatives[0].rid for alternatives in asked.recv)
    rids = tuple(rid for rid in first if rid in ours)
    return SimulcastLines("send", rids) if rids else None
