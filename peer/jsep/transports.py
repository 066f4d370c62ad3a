"""Which m-section runs over which transport, and what ICE and DTLS are told.

RFC 9429 sections 5.9 to 5.11, RFC 9143 section 7.
"""

from __future__ import annotations

from dataclasses import replace

from peer import sdp
from peer.sdp import Media

from .codecs import kind_of
from .draft import Draft
from .effects import (
    DtlsNegotiated,
    DtlsRestarted,
    GatheringStarted,
    IceRestarted,
    IceRoleSet,
    RemoteCandidatesAdded,
    RemoteCandidatesEnded,
    RemoteIceSet,
    TransportClosed,
    TransportCreated,
)
from .errors import InvalidAccess
from .model import DtlsRole, IceCredentials, IceRole, Transport
from .session import bundles, credentials_of, is_data, is_rejected, media_at
from .write import draw_credentials

__all__ = ["negotiate", "resolve"]


# --- before the media steps: who runs over what -------------------------------------------------------------


def resolve(draft: Draft) -> None:
    """The transport of every section, new ones made, those bundled away let go."""
    if draft.is_answer:
        _resolve_answer(draft)
    else:
        _resolve_offer(draft)


def _resolve_offer(draft: Draft) -> None:
    """A section keeps the transport it has; a new one gets its own, or that of its bundle's tag."""
    waiting = []
    for index, block in enumerate(draft.model.media):
        section = draft.sections[index]
        if is_rejected(block) or not _is_known(block):
            draft.sections[index] = replace(section, transport=None)
        elif section.transport is not None and section.transport in draft.transports:
            continue
        elif _is_carrier(draft, index):
            draft.sections[index] = replace(section, transport=_create(draft, section.mid, block))
        else:
            waiting.append(index)
    for index in waiting:
        tag = _tag(draft, draft.sections[index].mid)
        transport = None if tag is None else draft.sections[tag].transport
        draft.sections[index] = replace(draft.sections[index], transport=transport)


def _is_carrier(draft: Draft, index: int) -> bool:
    """Whether an offered section gets a transport of its own. Of a remote bundle only the tag does: we will bundle."""
    block = draft.model.media[index]
    if draft.local:
        proposed = draft.state.proposed
        return index < len(proposed) and proposed[index].carrier
    return _tag(draft, block.mid) in (None, index)


def _tag(draft: Draft, mid: str | None) -> int | None:
    """The index of the first section of the bundle `mid` is in that lives, None when it is in none.

    A section of a kind that we don't know carries nothing: it is as good as rejected.
    """
    blocks = enumerate(draft.model.media)
    living = {block.mid: index for index, block in blocks if _is_known(block) and not is_rejected(block)}
    for group in bundles(draft.model):
        if mid in group:
            return next((living[one] for one in group if one in living), None)
    return None


def _create(draft: Draft, mid: str, block: Media) -> int:
    drawn = (credentials_of(draft.model, block) if draft.local else None) or _draw(draft)
    # W3C step 11.2.14.6: the offerer controls, but an ice-lite offerer never does (RFC 8445 section 6.1.1)
    controls = draft.local or draft.model.session.has(sdp.ICE_LITE)
    role = IceRole.CONTROLLING if controls else IceRole.CONTROLLED
    key = draft.new_key()
    draft.transports[key] = Transport(key, mid, drawn, ice_role=role)
    draft.emit(TransportCreated(key, mid, drawn), IceRoleSet(key, role))
    return key


def _draw(draft: Draft) -> IceCredentials:
    """Credentials for a transport a remote offer asks for: those of the session where they stand at session level."""
    known = next(iter(draft.transports.values()), None)
    if known is not None and draft.state.configuration.session_level:
        return known.credentials
    return draw_credentials(draft.entropy)


def _resolve_answer(draft: Draft) -> None:
    """Bundled sections move onto the transport of their group's tag (RFC 9429 section 5.11, last paragraphs)."""
    for index, block in enumerate(draft.model.media):
        section = draft.sections[index]
        if is_rejected(block):
            if draft.is_final:
                draft.sections[index] = replace(section, transport=None)
            continue
        tag = _tag(draft, section.mid)
        if tag is not None:
            draft.sections[index] = replace(section, transport=draft.sections[tag].transport)
        elif _was_bundle_only(draft, index):
            raise InvalidAccess(f"the bundle-only m-section {section.mid!r} was accepted outside of a bundle")


def _was_bundle_only(draft: Draft, index: int) -> bool:
    offer = media_at(draft.state.pending_remote if draft.local else draft.state.pending_local, index)
    return offer is not None and offer.has(sdp.BUNDLE_ONLY)


def _is_known(block: Media) -> bool:
    return kind_of(block) is not None or is_data(block)


# --- after the media steps: what ICE and DTLS are told ------------------------------------------------------


def negotiate(draft: Draft) -> None:
    """Local and remote parameters of every transport in use, then the end of those that aren't."""
    for key, index in _carriers(draft).items():
        if draft.local:
            _apply_local(draft, key, index)
        _apply_remote(draft, key, index)
        if draft.is_answer:
            _apply_dtls(draft, key, index)
    _close_unused(draft)


def _carriers(draft: Draft) -> dict[int, int]:
    """Transport -> index of the section whose attributes hold for it: the tag of its bundle, else the only one."""
    carriers: dict[int, int] = {}
    for index, block in enumerate(draft.model.media):
        key = draft.sections[index].transport
        if key is None or is_rejected(block):
            continue
        if key not in carriers or _tag(draft, draft.sections[index].mid) == index:
            carriers[key] = index
    return carriers


def _apply_local(draft: Draft, key: int, index: int) -> None:
    block = draft.model.media[index]
    transport = draft.transports[key]
    credentials = credentials_of(draft.model, block) or transport.credentials
    mid = draft.sections[index].mid
    if not transport.gathering:
        draft.emit(GatheringStarted(key, mid, index, credentials))
    elif credentials != transport.credentials:
        draft.emit(IceRestarted(key, mid, index, credentials))
    draft.transports[key] = replace(transport, credentials=credentials, gathering=True, mid=mid)


def _apply_remote(draft: Draft, key: int, index: int) -> None:
    """The remote side's ICE parameters. An offer's restart waits for our answer, so that it can be taken back."""
    remote = draft.remote
    block = media_at(remote, index)
    if remote is None or block is None or is_rejected(block):
        return
    transport = draft.transports[key]
    credentials = credentials_of(remote, block)
    restarts = transport.remote is not None and credentials != transport.remote
    if credentials is None or (restarts and draft.is_offer):
        return
    fresh = credentials != transport.remote
    if fresh:
        options = remote.inherited(block, sdp.ICE_OPTIONS) or ()
        draft.emit(RemoteIceSet(key, credentials, remote.session.has(sdp.ICE_LITE), options))
        draft.transports[key] = replace(transport, remote=credentials)
    if fresh or not draft.local:
        _deliver_candidates(draft, key, block)


def _deliver_candidates(draft: Draft, key: int, block: Media) -> None:
    candidates = tuple(f"candidate:{value}" for value in block.all(sdp.CANDIDATE))
    if candidates:
        draft.emit(RemoteCandidatesAdded(key, candidates))
    if block.has(sdp.END_OF_CANDIDATES):
        draft.emit(RemoteCandidatesEnded(key))


def dtls_role(draft: Draft, index: int) -> DtlsRole:
    """Our role as an answer has it: who answered "active" sends the ClientHello (RFC 5763 section 5)."""
    tag = _tag(draft, draft.sections[index].mid)
    setup = draft.model.inherited(draft.model.media[index if tag is None else tag], sdp.SETUP)
    return DtlsRole.CLIENT if (setup is sdp.Setup.ACTIVE) is draft.local else DtlsRole.SERVER


def _apply_dtls(draft: Draft, key: int, index: int) -> None:
    """Roles and fingerprints (RFC 9429 section 5.11, RFC 8842 section 5)."""
    remote = draft.remote or draft.model
    theirs = remote.media[index]
    role = dtls_role(draft, index)
    fingerprints = remote.inherited_all(theirs, sdp.FINGERPRINT)
    tls_id = remote.inherited(theirs, sdp.TLS_ID)
    transport = draft.transports[key]
    if transport.dtls_role is None:
        draft.emit(DtlsNegotiated(key, role, fingerprints))
    elif set(fingerprints) != set(transport.fingerprints) or tls_id != transport.tls_id:
        draft.emit(DtlsRestarted(key, role, fingerprints))
    elif role is not transport.dtls_role:
        raise InvalidAccess(f"a DTLS association that goes on can't turn its roles (m-section {index})")
    draft.transports[key] = replace(transport, dtls_role=role, fingerprints=fingerprints, tls_id=tls_id)


def _close_unused(draft: Draft) -> None:
    """What no section runs over any longer ends; while an offer is pending, what a rollback returns to stays."""
    stable = draft.state.stable
    kept = {one.key for one in stable.transports} if stable is not None else set()
    if draft.is_answer and not draft.is_final:
        # a provisional answer frees nothing (RFC 9429 section 4.1.10)
        return
    used = {section.transport for section in draft.sections}
    for key in [key for key in draft.transports if key not in used and key not in kept]:
        draft.emit(TransportClosed(key, discarded=draft.transports[key].dtls_role is None))
        del draft.transports[key]
