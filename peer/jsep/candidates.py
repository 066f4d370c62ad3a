"""Candidates that arrive between descriptions, written into those they belong to.

W3C webrtc-pc "surface the candidate" and addIceCandidate; RFC 8840.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from peer import sdp
from peer.sdp import Media, SessionDescription

from .errors import InvalidState, MalformedCandidate, OperationFailed
from .model import Description, State
from .session import bundles, credentials_of, is_rejected
from .write import NO_CANDIDATE, Address

__all__ = ["add_local_candidate", "add_remote_candidate", "end_local_candidates", "transport_of"]

_Edit = Callable[[SessionDescription, int], SessionDescription]


def transport_of(state: State, mid: str) -> int | None:
    """The key of the transport an m-section runs over, None when it has none."""
    section = state.section(mid)
    return None if section is None else section.transport


# --- ours ---------------------------------------------------------------------------------------------------


def add_local_candidate(state: State, mid: str, candidate: str, ufrag: str) -> State:
    """A gathered candidate enters pending and current local descriptions of its generation (`ufrag`).

    `candidate` is the value of an RTCIceCandidate, "candidate:...". The default candidate on m- and c-line follows
    (RFC 8839 section 4.2.1.2).
    """
    line = f"a={_bare(candidate)}"
    key = transport_of(state, mid)
    bundled = [at for at, section in enumerate(state.sections) if key is not None and section.transport == key]
    return _edit_local(state, mid, ufrag, lambda model, at: _with_default(_insert(model, at, line), at, bundled))


def end_local_candidates(state: State, mid: str, ufrag: str) -> State:
    """Gathering for this generation is complete: a=end-of-candidates (RFC 8840 section 8.2)."""
    return _edit_local(state, mid, ufrag, lambda model, index: _insert(model, index, sdp.END_OF_CANDIDATES.line(True)))


def _edit_local(state: State, mid: str, ufrag: str, edit: _Edit) -> State:
    def edited(description: Description | None) -> Description | None:
        if description is None or description.model is None:
            return description
        index = description.model.index_of(mid)
        if index is None or is_rejected(description.model.media[index]):
            return description
        if description.model.inherited(description.model.media[index], sdp.ICE_UFRAG) != ufrag:
            return description
        return _described(description, edit(description.model, index))

    return replace(state, pending_local=edited(state.pending_local), current_local=edited(state.current_local))


# --- theirs -------------------------------------------------------------------------------------------------


def add_remote_candidate(
    state: State, mid: str | None, index: int | None, candidate: str, ufrag: str | None = None
) -> tuple[State, tuple[tuple[int, str], ...]]:
    """addIceCandidate, steps 4.1 to 4.7: the new state, and what to hand to which transport, as (key, candidate).

    `candidate` is "candidate:..." or "" for end-of-candidates; with neither mid nor index that holds for every
    m-section. What belongs to an ICE restart not yet answered is kept in the description and handed over by `plan`.

    Raises InvalidState without a remote description, OperationFailed for a section or generation that isn't there or a
    candidate that can't be parsed.
    """
    remote = state.remote
    if remote is None or remote.model is None:
        raise InvalidState("there is no remote description")
    indices = _indices(state, remote.model, mid, index)
    text = _bare(candidate)
    is_malformed = bool(text) and not sdp.CANDIDATE.pattern.fullmatch(text.partition(":")[2])
    deliveries: list[tuple[int, str]] = []
    for one in indices:
        section = state.sections[one]
        transceiver = None if section.transceiver is None else state.transceiver(section.transceiver)
        if transceiver is not None and transceiver.stopped:  # step 4.4
            continue
        _check_generation(state, one, ufrag)
        if is_malformed:
            raise MalformedCandidate(f"malformed candidate {candidate!r}")
        state, delivery = _add(state, one, text, ufrag)
        deliveries += delivery
    return state, tuple(deliveries)


def _indices(state: State, model: SessionDescription, mid: str | None, index: int | None) -> list[int]:
    """Steps 4.2 and 4.3."""
    if mid is not None:
        found = next((at for at, section in enumerate(state.sections) if section.mid == mid), None)
        if found is None or found >= len(model.media):
            raise OperationFailed(f"no m-section has the mid {mid!r}")
        return [found]
    if index is not None:
        if index >= len(model.media):
            raise OperationFailed(f"there is no m-section {index}")
        return [index]
    return list(range(len(model.media)))


def _check_generation(state: State, index: int, ufrag: str | None) -> None:
    """Step 4.5: the username fragment must be one of an applied remote description."""
    if ufrag is None:
        return
    known = {_remote_ufrag(description, index) for description in (state.pending_remote, state.current_remote)}
    if ufrag not in known:
        raise OperationFailed(f"no remote description has the username fragment {ufrag!r}")


def _remote_ufrag(description: Description | None, index: int) -> str | None:
    """The username fragment that holds for a section: its own, or that of its bundle's tag."""
    if description is None or description.model is None or index >= len(description.model.media):
        return None
    model = description.model
    own = credentials_of(model, model.media[index])
    credentials = own or credentials_of(model, model.media[_tag(model, index)])
    return None if credentials is None else credentials.ufrag


def _tag(model: SessionDescription, index: int) -> int:
    """The index of the first living section of the bundle a section is in; its own when it is in none."""
    group = next((group for group in bundles(model) if model.media[index].mid in group), ())
    living = {one.mid: at for at, one in enumerate(model.media) if not is_rejected(one)}
    return next((living[mid] for mid in group if mid in living), index)


def _add(state: State, index: int, text: str, ufrag: str | None) -> tuple[State, list[tuple[int, str]]]:
    """Step 4.7: into the descriptions of its generation, and to the transport if that generation is running."""
    line = f"a={text}" if text else sdp.END_OF_CANDIDATES.line(True)
    newest = _remote_ufrag(state.remote, index)
    wanted = ufrag if ufrag is not None else newest

    def edited(description: Description | None) -> Description | None:
        if description is None or description.model is None or _remote_ufrag(description, index) != wanted:
            return description
        return _described(description, _insert(description.model, index, line))

    state = replace(state, pending_remote=edited(state.pending_remote), current_remote=edited(state.current_remote))
    key = state.sections[index].transport
    transport = None if key is None else state.transport(key)
    if transport is None or transport.remote is None or transport.remote.ufrag != wanted:
        return state, []
    if not _speaks_for(state, index):
        return state, []
    return state, [(transport.key, text)]


def _speaks_for(state: State, index: int) -> bool:
    """Whether candidates of a section are its transport's: a bundle's are those of its tag, the others go to waste."""
    remote = state.remote
    return remote is not None and remote.model is not None and _tag(remote.model, index) == index


# --- editing ------------------------------------------------------------------------------------------------


def _bare(candidate: str) -> str:
    return candidate[2:] if candidate.startswith("a=") else candidate


def _described(description: Description, model: SessionDescription) -> Description:
    return Description(description.type, sdp.serialize(model), model)


def _insert(model: SessionDescription, index: int, line: str) -> SessionDescription:
    """The line at the end of a section, once; candidates stay before a=end-of-candidates."""
    media = model.media[index]
    if line in media.lines:
        return model
    end = sdp.END_OF_CANDIDATES.line(True)
    lines = [one for one in media.lines if one != end]
    lines.append(line)
    if end in media.lines:
        lines.append(end)
    return _with_media(model, {index: media.with_lines(lines)})


def _with_media(model: SessionDescription, changed: dict[int, Media]) -> SessionDescription:
    return replace(model, media=tuple(changed.get(at, media) for at, media in enumerate(model.media)))


_DEFAULT_RANK = {"relay": 0, "srflx": 1, "prflx": 2, "host": 3}


def _default(media: Media) -> Address:
    """The candidate most likely to work without ICE: relayed, then reflexive, then host; IPv4 first."""
    fields = [value.split(" ") for value in media.all(sdp.CANDIDATE)]
    usable = [one for one in fields if one[1] == "1" and one[2].lower() == "udp" and not one[4].endswith(".local")]
    if not usable:
        return NO_CANDIDATE
    best = min(usable, key=lambda one: (_DEFAULT_RANK.get(one[7], 4), ":" in one[4]))
    return Address(int(best[5]), f"IN {'IP6' if ':' in best[4] else 'IP4'} {best[4]}")


def _with_default(model: SessionDescription, index: int, bundled: list[int]) -> SessionDescription:
    """The default candidate on the m- and c-line of a section and of those bundled with it (RFC 9143 section 7.1.3)."""
    address = _default(model.media[index])
    changed = {
        at: media.with_lines(_readdressed(media, address))
        for at, media in enumerate(model.media)
        if media.port != 0 and (at == index or at in bundled)
    }
    return _with_media(model, changed)


def _readdressed(media: Media, address: Address) -> list[str]:
    fields = media.fields
    lines = [f"m={fields[0]} {address.port} {' '.join(fields[2:])}"]
    for line in media.lines[1:]:
        if line.startswith("c="):
            lines.append(f"c={address.connection}")
        elif line.startswith("a=rtcp:"):
            lines.append(sdp.RTCP.line(f"{address.port} {address.connection}"))
        else:
            lines.append(line)
    return lines
