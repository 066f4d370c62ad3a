"""The SCTP transport in a description (W3C steps 7, 8, 10; RFC 8841)."""

from __future__ import annotations

from dataclasses import replace

from peer import sdp
from peer.sdp import Media

from .draft import Draft
from .effects import (
    ChannelIdsAssigned,
    MaxMessageSizeUpdated,
    SctpNegotiated,
    SctpTransportCreated,
    SctpTransportRemoved,
)
from .model import SctpParameters
from .session import is_data, is_rejected, media_at
from .transports import dtls_role

__all__ = ["negotiate", "update"]

_DEFAULT_MAX_MESSAGE_SIZE = 65536  # RFC 8841 section 6.1
_DEFAULT_PORT = 5000


def _data_index(draft: Draft) -> int | None:
    """The m-section for data that is not rejected, by index."""
    living = (index for index, media in enumerate(draft.model.media) if is_data(media) and not is_rejected(media))
    return next(living, None)


def _port(media: Media) -> int:
    port = media.first(sdp.SCTP_PORT)
    if port is None:
        # a=sctpmap of older endpoints puts the number into the m-line
        text = media.formats[0]
        port = int(text) if text.isascii() and text.isdigit() and int(text) < 65536 else _DEFAULT_PORT
    return port


def update(draft: Draft) -> None:
    """Steps 7 and 8: an offer that describes an association makes the transport, an answer that doesn't ends it."""
    index = _data_index(draft)
    state = draft.state
    if draft.is_offer and index is not None and state.sctp is None:
        mid, transport = draft.sections[index].mid, draft.transport_at(index)
        made = SctpParameters(draft.new_key(), mid, transport, state.configuration.sctp_port)
        draft.state = replace(draft.state, sctp=made)
        draft.emit(SctpTransportCreated(made.key, made.transport))
    elif draft.is_final and index is None and state.sctp is not None:
        draft.state = replace(state, sctp=None)
        draft.emit(SctpTransportRemoved(state.sctp.key))


def negotiate(draft: Draft) -> None:
    """Step 10, and the association itself (RFC 9429 section 5.11)."""
    index = _data_index(draft)
    state, known = draft.state, draft.state.sctp
    if not draft.is_answer or index is None or known is None:
        return
    theirs = media_at(draft.remote, index) or draft.model.media[index]
    transport = draft.transport_at(index)
    size = theirs.first(sdp.MAX_MESSAGE_SIZE)
    limit = _DEFAULT_MAX_MESSAGE_SIZE if size is None else size
    port = _port(theirs)
    if limit != known.max_message_size:
        draft.emit(MaxMessageSizeUpdated(known.key, limit))
    if port != known.remote_port or transport != known.transport:
        draft.emit(SctpNegotiated(known.key, transport, known.local_port, port, limit))
    draft.state = replace(state, sctp=replace(known, remote_port=port, max_message_size=limit, transport=transport))
    draft.emit(ChannelIdsAssigned(dtls_role(draft, index)))
