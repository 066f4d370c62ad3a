"""peer.sctp.states: the table is whole."""

import pytest

from peer.sctp.association import Association
from peer.sctp.states import ACTIONS, Action, State
from peer.testing import Entropy
from peer.tests.sctp.worlds import Stranger
from peer.wire import sctp as wire
from peer.wire.sctp import ChunkType
from peer.wire.sctp_tlv import Parameter


def test_every_action_is_in_the_table_and_is_a_method() -> None:
    used = {action for states in ACTIONS.values() for action in states.values()}
    assert used == set(Action)
    assert set(Association(entropy=Entropy())._handlers) == set(Action)


def test_every_chunk_type_has_a_row_or_is_the_data_paths() -> None:
    assert set(ChunkType) - set(ACTIONS) == {ChunkType.DATA, ChunkType.I_DATA, ChunkType.SACK, ChunkType.PAD}


CHUNKS: list[wire.Chunk] = [
    wire.Data(1000, 0, 0, 51, b"x"),
    wire.Init(0x777, 100_000, 10, 10, 5000),
    wire.InitAck(0x777, 100_000, 10, 10, 5000, (Parameter(7, b"cookie"),)),
    wire.Sack(5, 100_000),
    wire.Heartbeat((Parameter(1, b"x"),)),
    wire.HeartbeatAck((Parameter(1, b"x"),)),
    wire.Abort(),
    wire.Shutdown(5),
    wire.ShutdownAck(),
    wire.Error(),
    wire.CookieEcho(b"x"),
    wire.CookieAck(),
    wire.ShutdownComplete(),
    wire.ForwardTsn(1000),
    wire.Pad(4),
]


def reach(state: State) -> Stranger:
    stranger = Stranger()
    if state is State.CLOSED:
        return stranger
    if state in (State.COOKIE_WAIT, State.COOKIE_ECHOED):
        stranger.association.connect(0)
        (init,) = stranger.listen()
        stranger.peer_tag = init.tag
        if state is State.COOKIE_ECHOED:
            cookie = Parameter(7, b"cookie")
            stranger.say(wire.InitAck(stranger.tag, 100_000, 10, 10, stranger.tsn, (cookie,)))
        return stranger
    stranger.meet(ChunkType.FORWARD_TSN)
    if state in (State.SHUTDOWN_PENDING, State.SHUTDOWN_RECEIVED):
        stranger.association.send(0, 51, b"keeps it from going on", now=0)
        stranger.listen()
    if state in (State.SHUTDOWN_PENDING, State.SHUTDOWN_SENT):
        stranger.association.shutdown(0)
        stranger.listen()
    if state in (State.SHUTDOWN_RECEIVED, State.SHUTDOWN_ACK_SENT):
        stranger.say(wire.Shutdown(stranger.peer_tsn - 1))
    return stranger


@pytest.mark.parametrize("state", State)
def test_each_state_can_be_reached(state: State) -> None:
    assert reach(state).association.state is state


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("chunk", CHUNKS, ids=lambda c: type(c).__name__)
def test_any_chunk_in_any_state_is_taken_or_discarded(state: State, chunk: wire.Chunk) -> None:
    stranger = reach(state)
    stranger.say(chunk, tag=0 if isinstance(chunk, wire.Init) else None)
    stranger.wait(5)
    assert stranger.association.state in State
