"""What W3C and JSEP say becomes of a signalling call: the transition table, and what surrounds it.

The model follows one connection by the types of its descriptions. It doesn't look at SDP: where a remote description
may be refused for its content, it says what may be seen either way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from harness.script import Call, Ref
from peer.jsep import DescriptionType, Side, SignalingState
from peer.jsep.signaling import TRANSITIONS

__all__ = ["CONTENT", "SIDES", "Connection", "Conversation", "Expected"]

_STABLE: Final = SignalingState.STABLE
_HAVE_LOCAL_OFFER: Final = SignalingState.HAVE_LOCAL_OFFER
_CLOSED: Final = SignalingState.CLOSED

#: What a remote description may be refused with for what it says (W3C "set a session description" step 4.5).
CONTENT: Final = frozenset({"InvalidAccessError", "InvalidModificationError", "OperationError", "RTCError"})
_INVALID: Final = frozenset({"InvalidStateError"})
_OFFERING: Final = frozenset({_STABLE, _HAVE_LOCAL_OFFER})
_ANSWERING: Final = frozenset({SignalingState.HAVE_REMOTE_OFFER, SignalingState.HAVE_LOCAL_PRANSWER})
_IMPLICITLY_OFFERING: Final = _OFFERING | {SignalingState.HAVE_REMOTE_PRANSWER}
_OPENING: Final = frozenset({DescriptionType.OFFER, DescriptionType.PRANSWER})
#: Calls that a closed connection refuses and any other one carries out.
_OPEN_ONLY: Final = frozenset({"addTransceiver", "createDataChannel"})


@dataclass(frozen=True, slots=True)
class Expected:
    """`refusals`: names of what may be thrown; empty, it has to succeed. `may_succeed`: it may succeed all the same.

    `passes`: the states it goes through when it succeeds, of which `rolled_back` are there even if it fails.
    `kind`: the type of the description that is given, if one is.
    """

    refusals: frozenset[str] = frozenset()
    may_succeed: bool = True
    passes: tuple[SignalingState, ...] = ()
    rolled_back: tuple[SignalingState, ...] = ()
    clause: str = ""
    kind: DescriptionType | None = None


@dataclass(slots=True)
class Connection:
    """What is known of one connection: its state, and the types of its local and remote descriptions."""

    state: SignalingState = _STABLE
    pending: dict[Side, DescriptionType | None] = field(default_factory=lambda: dict.fromkeys(Side))
    current: dict[Side, DescriptionType | None] = field(default_factory=lambda: dict.fromkeys(Side))

    def spoken(self) -> DescriptionType | None:
        """The type of `localDescription`; None for null."""
        return self.pending[Side.LOCAL] or self.current[Side.LOCAL]

    def expect(self, method: str, kind: DescriptionType | None, *, null: bool = False) -> Expected:
        """What a call comes to. `kind`: of the description it is given; `null`: null was given in its place."""
        if null:
            return Expected(frozenset({"TypeError"}), may_succeed=False)
        judge = _JUDGES.get(method)
        if judge is not None:
            return judge(self, kind)
        if self.state is _CLOSED and method in _OPEN_ONLY:
            return Expected(_INVALID, may_succeed=False)
        return Expected()

    def took(self, method: str, expected: Expected, *, succeeded: bool) -> None:
        """Follow what the connection did."""
        for state in expected.passes if succeeded else expected.rolled_back:
            if expected.kind is DescriptionType.ROLLBACK or state in expected.rolled_back:
                self.pending = dict.fromkeys(Side)
            self.state = state
        if method == "close":
            self.state = _CLOSED
        elif succeeded and expected.may_succeed and expected.kind is not None:
            self._describe(SIDES[method], expected.kind)

    def _describe(self, side: Side, kind: DescriptionType) -> None:
        if kind in _OPENING:
            self.pending[side] = kind
        elif kind is DescriptionType.ANSWER:
            other = Side.REMOTE if side is Side.LOCAL else Side.LOCAL
            self.current = {side: kind, other: DescriptionType.OFFER}
            self.pending = dict.fromkeys(Side)


@dataclass(slots=True)
class Conversation:
    """Connections by name that are given each other's descriptions."""

    connections: dict[str, Connection]

    @classmethod
    def of(cls, names: Iterable[str]) -> Conversation:
        """New connections."""
        return cls({name: Connection() for name in names})

    def expect(self, step: Call) -> Expected:
        """What a call comes to."""
        given, null = step.args[0] if step.args else None, False
        kind: DescriptionType | None = None
        if isinstance(given, Ref):
            kind = self._spoken(given)
            null = kind is None
        elif isinstance(given, Mapping):
            kind = DescriptionType(given["type"]) if "type" in given else None
            # an attribute of null
            null = isinstance(sdp := given.get("sdp"), Ref) and self._spoken(sdp) is None
        return self.connections[step.on].expect(step.method, kind, null=null)

    def _spoken(self, said: Ref) -> DescriptionType | None:
        return self.connections[said.path.partition(".")[0]].spoken()

    def took(self, step: Call, expected: Expected, *, succeeded: bool) -> None:
        """Follow what the connection did."""
        self.connections[step.on].took(step.method, expected, succeeded=succeeded)


def _set(connection: Connection, side: Side, kind: DescriptionType, *, by_content: bool) -> Expected:
    """W3C "set a session description": steps 2 and 4.5.2 for the state, 4.5.3 to 4.5.7 for the content."""
    clause = "W3C-set-a-session-description-4.5.2"
    if connection.state is _CLOSED:
        return Expected(_INVALID, may_succeed=False, clause="W3C-chain-an-operation-2", kind=kind)
    after = TRANSITIONS.get((connection.state, side, kind))
    if after is not None:
        content = CONTENT if by_content and kind is not DescriptionType.ROLLBACK else frozenset()
        passes = () if after is connection.state else (after,)
        return Expected(content, passes=passes, clause="W3C-set-a-session-description-4.7", kind=kind)
    # setRemoteDescription step 3.1.1: an offer that can't be set now takes our own back first
    if side is Side.REMOTE and kind is DescriptionType.OFFER and connection.state is _HAVE_LOCAL_OFFER:
        return Expected(
            CONTENT,
            passes=(_STABLE, SignalingState.HAVE_REMOTE_OFFER),
            rolled_back=(_STABLE,),
            clause="W3C-RTCPeerConnection.setRemoteDescription-3.1.1",
            kind=kind,
        )
    return Expected(_INVALID, may_succeed=False, clause=clause, kind=kind)


def _set_local(connection: Connection, kind: DescriptionType | None) -> Expected:
    """Without a type: an offer or an answer, by the state (setLocalDescription step 4.1)."""
    implicit = DescriptionType.OFFER if connection.state in _IMPLICITLY_OFFERING else DescriptionType.ANSWER
    return _set(connection, Side.LOCAL, kind or implicit, by_content=False)


def _set_remote(connection: Connection, kind: DescriptionType | None) -> Expected:
    return _set(connection, Side.REMOTE, kind or DescriptionType.OFFER, by_content=True)


def _create(states: frozenset[SignalingState], clause: str) -> Callable[[Connection, DescriptionType | None], Expected]:
    def judge(connection: Connection, kind: DescriptionType | None) -> Expected:
        return Expected(clause=clause) if connection.state in states else Expected(_INVALID, False, clause=clause)

    return judge


def _add_candidate(connection: Connection, kind: DescriptionType | None) -> Expected:
    """addIceCandidate step 4.1: InvalidStateError where there is no remote description."""
    clause = "W3C-RTCPeerConnection.addIceCandidate-4.1"
    known = connection.pending[Side.REMOTE] or connection.current[Side.REMOTE]
    if connection.state is _CLOSED or known is None:
        return Expected(_INVALID, may_succeed=False, clause=clause)
    return Expected(clause=clause)


SIDES: Final[Mapping[str, Side]] = {"setLocalDescription": Side.LOCAL, "setRemoteDescription": Side.REMOTE}
_JUDGES: Final[Mapping[str, Callable[[Connection, DescriptionType | None], Expected]]] = {
    "setLocalDescription": _set_local,
    "setRemoteDescription": _set_remote,
    "createOffer": _create(_OFFERING, "W3C-RTCPeerConnection.createOffer-3"),
    "createAnswer": _create(_ANSWERING, "W3C-RTCPeerConnection.createAnswer-3"),
    "addIceCandidate": _add_candidate,
}
