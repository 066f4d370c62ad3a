"""The states of an association and what a chunk means in each: RFC 9260 section 4, as a table.

          connect()                COOKIE ACK
    CLOSED ------> COOKIE_WAIT ------> COOKIE_ECHOED ------> ESTABLISHED
       |             INIT ACK                                  |      |
       +---------------- a valid COOKIE ECHO ------------------+      | SHUTDOWN
                                                  shutdown()   |      |
              SHUTDOWN_SENT <--- all acknowledged --- SHUTDOWN_PENDING|
                    | SHUTDOWN ACK                                    v
                    v                          all acknowledged   SHUTDOWN_RECEIVED
                 CLOSED <--- SHUTDOWN COMPLETE --- SHUTDOWN_ACK_SENT <---+

In WebRTC both ends call `connect`, so the ordinary start is the collision of section 5.2.1: INIT meets INIT.
A chunk without an entry for the present state is discarded, as the RFC says of each of them.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from peer.wire.sctp import ChunkType

__all__ = ["ACCEPTS_DATA", "ACTIONS", "MAY_SEND_DATA", "Action", "State"]


class State(StrEnum):
    CLOSED = "closed"
    COOKIE_WAIT = "cookie-wait"
    COOKIE_ECHOED = "cookie-echoed"
    ESTABLISHED = "established"
    SHUTDOWN_PENDING = "shutdown-pending"
    SHUTDOWN_SENT = "shutdown-sent"
    SHUTDOWN_RECEIVED = "shutdown-received"
    SHUTDOWN_ACK_SENT = "shutdown-ack-sent"


class Action(StrEnum):
    """What to do with a chunk; each is a method of the association."""

    ANSWER_INIT = "answer-init"  # 5.1 B, 5.2.1, 5.2.2
    ECHO_COOKIE = "echo-cookie"  # 5.1 C
    ACCEPT_COOKIE = "accept-cookie"  # 5.1 D, 5.2.4
    ESTABLISH = "establish"  # 5.1 E
    ANSWER_HEARTBEAT = "answer-heartbeat"  # 8.3
    CONCLUDE_HEARTBEAT = "conclude-heartbeat"  # 8.3
    FALL = "fall"  # 9.1
    RECEIVE_ERROR = "receive-error"  # 5.2.6, 3.3.10
    BEGIN_SHUTDOWN = "begin-shutdown"  # 9.2: from ESTABLISHED to SHUTDOWN-RECEIVED
    NOTE_SHUTDOWN = "note-shutdown"  # 9.2: once more
    ANSWER_SHUTDOWN = "answer-shutdown"  # 9.2: both ends shut down
    REPEAT_SHUTDOWN_ACK = "repeat-shutdown-ack"  # 9.2
    COMPLETE_SHUTDOWN = "complete-shutdown"  # 9.2: SHUTDOWN COMPLETE goes out
    COMPLETE_STRAY_SHUTDOWN = "complete-stray-shutdown"  # 8.4 (5), 8.5.1 E
    CLOSE = "close"  # 9.2
    SKIP = "skip"  # RFC 3758 section 3.6, RFC 8260 section 2.3
    RECONFIGURE = "reconfigure"  # RFC 6525


_OPEN = (
    State.ESTABLISHED,
    State.SHUTDOWN_PENDING,
    State.SHUTDOWN_SENT,
    State.SHUTDOWN_RECEIVED,
    State.SHUTDOWN_ACK_SENT,
)
_STARTING = (State.COOKIE_WAIT, State.COOKIE_ECHOED)
_ALIVE = (*_STARTING, *_OPEN)

ACCEPTS_DATA = frozenset({State.ESTABLISHED, State.SHUTDOWN_PENDING, State.SHUTDOWN_SENT})
"""Where DATA is taken. A peer that sent SHUTDOWN has none left (section 9.2)."""

MAY_SEND_DATA = frozenset({State.ESTABLISHED, State.SHUTDOWN_PENDING, State.SHUTDOWN_RECEIVED})
"""Where queued DATA leaves."""


def _everywhere(states: tuple[State, ...], action: Action) -> dict[State, Action]:
    return dict.fromkeys(states, action)


ACTIONS: MappingProxyType[int, dict[State, Action]] = MappingProxyType(
    {
        ChunkType.INIT: {
            **_everywhere((State.CLOSED, *_ALIVE), Action.ANSWER_INIT),
            State.SHUTDOWN_ACK_SENT: Action.REPEAT_SHUTDOWN_ACK,
        },
        ChunkType.INIT_ACK: {State.COOKIE_WAIT: Action.ECHO_COOKIE},
        ChunkType.COOKIE_ECHO: _everywhere((State.CLOSED, *_ALIVE), Action.ACCEPT_COOKIE),
        ChunkType.COOKIE_ACK: {State.COOKIE_ECHOED: Action.ESTABLISH},
        ChunkType.HEARTBEAT: _everywhere((State.COOKIE_ECHOED, *_OPEN), Action.ANSWER_HEARTBEAT),
        ChunkType.HEARTBEAT_ACK: _everywhere(_OPEN, Action.CONCLUDE_HEARTBEAT),
        ChunkType.ABORT: _everywhere(_ALIVE, Action.FALL),
        ChunkType.ERROR: _everywhere(_ALIVE, Action.RECEIVE_ERROR),
        ChunkType.SHUTDOWN: {
            State.ESTABLISHED: Action.BEGIN_SHUTDOWN,
            State.SHUTDOWN_PENDING: Action.BEGIN_SHUTDOWN,
            State.SHUTDOWN_RECEIVED: Action.NOTE_SHUTDOWN,
            State.SHUTDOWN_SENT: Action.ANSWER_SHUTDOWN,
            State.SHUTDOWN_ACK_SENT: Action.REPEAT_SHUTDOWN_ACK,
        },
        ChunkType.SHUTDOWN_ACK: {
            State.SHUTDOWN_SENT: Action.COMPLETE_SHUTDOWN,
            State.SHUTDOWN_ACK_SENT: Action.COMPLETE_SHUTDOWN,
            **_everywhere((State.CLOSED, *_STARTING), Action.COMPLETE_STRAY_SHUTDOWN),
        },
        ChunkType.SHUTDOWN_COMPLETE: {State.SHUTDOWN_ACK_SENT: Action.CLOSE},
        ChunkType.FORWARD_TSN: _everywhere(tuple(ACCEPTS_DATA), Action.SKIP),
        ChunkType.I_FORWARD_TSN: _everywhere(tuple(ACCEPTS_DATA), Action.SKIP),
        ChunkType.RECONFIG: _everywhere(
            (State.ESTABLISHED, State.SHUTDOWN_PENDING, State.SHUTDOWN_RECEIVED, State.SHUTDOWN_SENT),
            Action.RECONFIGURE,
        ),
    }
)
