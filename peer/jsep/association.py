"""Which transceiver stands in which m-section (RFC 9429 sections 5.9 and 5.10)."""

from __future__ import annotations

from dataclasses import replace

from peer import sdp
from peer.sdp import Media

from .codecs import kind_of
from .draft import Draft
from .effects import TransceiverCreated, TransceiverDisassociated
from .errors import OperationFailed
from .model import Direction, Encoding, Kind, Section, Transceiver, default_encodings, inherited_extensions
from .session import direction_of, is_rejected

__all__ = ["associate"]


def associate(draft: Draft) -> None:
    """Sections and [[JsepMid]]s of every m-section. An answer changes neither: its offer did."""
    if draft.is_answer:
        draft.sections = [
            replace(section, rejected=is_rejected(block) or section.rejected) if draft.is_final else section
            for section, block in zip(draft.sections, draft.model.media, strict=True)
        ]
        return
    for index, block in enumerate(draft.model.media):
        old = draft.sections[index] if index < len(draft.sections) else None
        section = _section(draft, index, block, old)
        draft.sections[index : index + 1] = [section]


def _section(draft: Draft, index: int, block: Media, old: Section | None) -> Section:
    recycled = old is not None and old.rejected and (block.mid != old.mid or not is_rejected(block))
    if recycled and old is not None:
        _disassociate(draft, old)
    kept = None if old is None or recycled else old
    mid = block.mid or (kept.mid if kept is not None else draft.new_mid())
    key = None if kept is None else kept.transceiver
    kind = kind_of(block)
    if kind is not None and (key is None or draft.local):
        one = _local(draft, index, key) if draft.local else _remote(draft, block, kind)
        if one is not None:
            if one.jsep_mid not in (None, mid):
                raise OperationFailed(f"the transceiver of the m-section {mid!r} is associated with {one.jsep_mid!r}")
            draft.transceivers[one.key] = replace(one, jsep_mid=mid, index=index)
            key = one.key
    transport = None if kept is None else kept.transport
    return Section(mid, block.media, key, transport, is_rejected(block))


def _disassociate(draft: Draft, old: Section) -> None:
    one = None if old.transceiver is None else draft.transceivers.get(old.transceiver)
    if one is not None:
        draft.transceivers[one.key] = replace(one, jsep_mid=None, mid=None, index=None)
        draft.emit(TransceiverDisassociated(one.key))


def _local(draft: Draft, index: int, key: int | None) -> Transceiver | None:
    """The transceiver the offer was created for: the mapping createOffer established."""
    proposed = draft.state.proposed
    wanted = proposed[index].transceiver if index < len(proposed) else key
    one = None if wanted is None else draft.transceivers.get(wanted)
    if wanted is not None and one is None:
        raise OperationFailed("the offer is for a transceiver that is gone")
    return one


def _remote(draft: Draft, block: Media, kind: Kind) -> Transceiver:
    """An addTrack transceiver that waits, or a new one (RFC 9429 section 5.10, W3C step 11.2.5 to 11.2.7)."""
    proposed = _proposed_encodings(draft, block)
    if direction_of(draft.model, block).receives and not is_rejected(block):
        for one in draft.transceivers.values():
            if one.kind is kind and one.add_track and one.jsep_mid is None and not one.stopping and not one.stopped:
                return one
    made = Transceiver(
        draft.new_key(),
        kind,
        Direction.RECVONLY,
        encodings=proposed or default_encodings(kind),
        extensions=inherited_extensions(draft.transceivers.values(), kind),
        remote_made=True,
    )
    draft.emit(TransceiverCreated(made.key))
    return made


def _proposed_encodings(draft: Draft, block: Media) -> tuple[Encoding, ...]:
    return proposed_encodings(block, draft.state.configuration.max_encodings)


def proposed_encodings(block: Media, limit: int) -> tuple[Encoding, ...]:
    """W3C steps 11.2.1 to 11.2.4: what an offer that asks for simulcast proposes to send."""
    asked = block.first(sdp.SIMULCAST)
    if asked is None or not asked.recv:
        return ()
    rids = list(dict.fromkeys(alternatives[0].rid for alternatives in asked.recv))[:limit]
    return tuple(
        Encoding(rid=rid, scale_resolution_down_by=2.0 ** (len(rids) - index - 1)) for index, rid in enumerate(rids)
    )
