"""Reading the session as negotiated so far: what the offer, the answer and their application all have to look up."""

from __future__ import annotations

from dataclasses import dataclass

from peer import sdp
from peer.sdp import Media, SessionDescription

from .codecs import PayloadTypes, codecs_of, kind_of
from .model import (
    Description,
    DescriptionType,
    Direction,
    HeaderExtension,
    IceCredentials,
    NegotiatedCodec,
    NegotiatedExtension,
    State,
)
from .write import NO_CANDIDATE, Address

__all__ = [
    "ExtensionIds",
    "Gathered",
    "bundled_has",
    "bundles",
    "credentials_in",
    "credentials_of",
    "direction_of",
    "extensions_of",
    "free_mids",
    "gathered",
    "is_data",
    "is_rejected",
    "known_payload_types",
    "last_answer",
    "local_media",
    "media_at",
]

_DATA_PROTOCOLS = frozenset({"UDP/DTLS/SCTP", "TCP/DTLS/SCTP", "DTLS/SCTP"})  # RFC 9429 section 5.1.2


def is_data(media: Media) -> bool:
    """Whether an m-section is for data channels (RFC 8841 section 4, and the form older endpoints use)."""
    return (
        media.media == "application"
        and media.proto in _DATA_PROTOCOLS
        and ("webrtc-datachannel" in media.formats or media.proto == "DTLS/SCTP")
    )


def is_rejected(media: Media) -> bool:
    """Port zero, and not because the section is bundle-only (RFC 3264 section 6, RFC 9143 section 6)."""
    return media.port == 0 and not media.has(sdp.BUNDLE_ONLY)


def bundles(model: SessionDescription) -> list[tuple[str, ...]]:
    """The mids of each BUNDLE group, tag first.

    RFC 5888 section 6: a group that names a mid of no m-section is as if it weren't there, and where an m-section has
    no mid nothing is grouped.
    """
    mids = [media.mid for media in model.media]
    if None in mids:
        return []
    groups = (group.mids for group in model.groups if group.semantics == "BUNDLE" and group.mids)
    return [group for group in groups if all(mid in mids for mid in group)]


def last_answer(state: State) -> SessionDescription | None:
    """The most recent final answer, from whichever side."""
    for description in (state.current_local, state.current_remote):
        if description is not None and description.type is DescriptionType.ANSWER:
            return description.model
    return None


def media_at(description: Description | SessionDescription | None, index: int) -> Media | None:
    """The m-section at an index, None when there is no such description or section."""
    model = description.model if isinstance(description, Description) else description
    if model is None or index >= len(model.media):
        return None
    return model.media[index]


def local_media(state: State, index: int) -> Media | None:
    """Our newest words about an m-section."""
    return media_at(state.pending_local, index) or media_at(state.current_local, index)


# --- ICE ----------------------------------------------------------------------------------------------------


def credentials_of(model: SessionDescription, media: Media) -> IceCredentials | None:
    """The ICE credentials that hold for a section; None when they stand neither in it nor at session level."""
    ufrag = model.inherited(media, sdp.ICE_UFRAG)
    pwd = model.inherited(media, sdp.ICE_PWD)
    return IceCredentials(ufrag, pwd) if ufrag is not None and pwd is not None else None


def credentials_in(description: Description | None) -> frozenset[IceCredentials]:
    """All ICE credentials of a description."""
    if description is None or description.model is None:
        return frozenset()
    found = (credentials_of(description.model, media) for media in description.model.media)
    return frozenset(one for one in found if one is not None)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Candidates of one gathering phase, and the default one."""

    candidates: tuple[str, ...] = ()
    ended: bool = False
    address: Address = NO_CANDIDATE


def gathered(state: State, mid: str, credentials: IceCredentials) -> Gathered:
    """What was gathered for an m-section under these credentials, out of our descriptions (RFC 9429 section 5.2.2)."""
    for description in (state.pending_local, state.current_local):
        model = None if description is None else description.model
        for media in model.media if model is not None else ():
            if media.mid == mid and model is not None and credentials_of(model, media) == credentials:
                return Gathered(
                    media.all(sdp.CANDIDATE),
                    media.has(sdp.END_OF_CANDIDATES),
                    Address(media.port or NO_CANDIDATE.port, media.find("c=") or NO_CANDIDATE.connection),
                )
    return Gathered()


# --- numbers that mean the same all through a session -------------------------------------------------------


def known_payload_types(state: State) -> PayloadTypes:
    """Payload types by format: as in our current description first, then as ever since."""
    ours: list[NegotiatedCodec] = []
    for description in (state.pending_local, state.current_local):
        if description is not None and description.model is not None:
            for media in description.model.media:
                if kind_of(media) is not None:
                    ours += codecs_of(media)
    return PayloadTypes.of((*ours, *state.payload_types))


@dataclass(slots=True)
class ExtensionIds:
    """RTP header extension ids: one meaning each, in all of a bundle (RFC 9143 section 10.3)."""

    given: dict[str, int]

    @classmethod
    def of(cls, state: State) -> ExtensionIds:
        given: dict[str, int] = {}
        for description in (state.local, state.remote):
            for media in description.model.media if description and description.model else ():
                for row in media.all(sdp.EXTMAP):
                    given.setdefault(row.uri, row.id)
        return cls(given)

    def assign(self, extension: HeaderExtension) -> NegotiatedExtension:
        if extension.uri not in self.given:
            used = set(self.given.values())
            # 15 is reserved in the one-byte form, ids above it need the two-byte form (RFC 8285 section 4)
            free = (one for one in (extension.id, *range(1, 15), *range(16, 256)) if one not in used)
            self.given[extension.uri] = next(free)
        return NegotiatedExtension(self.given[extension.uri], extension.uri, direction=extension.direction)


def free_mids(state: State) -> list[str]:
    """Names for new m-sections: a counter per connection, past everything in use (RFC 9429 section 5.2.1)."""
    used = {section.mid for section in state.sections}
    for description in (state.current_local, state.current_remote, state.pending_local, state.pending_remote):
        for media in description.model.media if description and description.model else ():
            used.add(media.mid or "")
    wanted = len(state.transceivers) + 1
    names: list[str] = []
    number = state.next_mid
    while len(names) < wanted:
        if str(number) not in used:
            names.append(str(number))
        number += 1
    return names


def extensions_of(model: SessionDescription, media: Media) -> tuple[NegotiatedExtension, ...]:
    """The header extensions of a section, its own or the session's (RFC 8285 section 8)."""
    return tuple(
        NegotiatedExtension(row.id, row.uri, direction=Direction(row.direction or "sendrecv"))
        for row in model.inherited_all(media, sdp.EXTMAP)
    )


def bundled_has(model: SessionDescription, media: Media, attribute: sdp.Attribute[bool]) -> bool:
    """Whether a flag holds for a section: its own, or that of its bundle's tag (RFC 9143 section 7.1.3)."""
    group = next((group for group in bundles(model) if media.mid in group), ())
    tag = next((one for one in model.media if one.mid in group and not is_rejected(one)), media)
    return media.has(attribute) or tag.has(attribute)


_DIRECTION_ROWS = tuple((row, Direction(row.name)) for row in sdp.DIRECTIONS)


def direction_of(model: SessionDescription, media: Media) -> Direction:
    """The direction of a section as its author means it; sendrecv where nothing is said (RFC 8866 section 6.7)."""
    for block in (media, model.session):
        for row, direction in _DIRECTION_ROWS:
            if block.has(row):
                return direction
    return Direction.SENDRECV
