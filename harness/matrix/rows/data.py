"""The first row: two endpoints connect, exchange messages of all kinds and part; nothing goes in clear."""

from __future__ import annotations

from typing import Final

from harness.matrix import exchange
from harness.matrix.meeting import Meeting
from harness.matrix.row import Row, Stage

__all__ = ["ROW"]

# Text that is sent as it is: were it seen in a datagram, it would not be encrypted.
_IN_CLEAR: Final = b"this must never be seen on the wire in clear"


async def play(stage: Stage) -> None:
    meeting = await Meeting.arranged(stage)
    await meeting.connect()
    stage.announce("exchanging messages")
    scene = stage.scene
    size = await exchange.run(meeting.offerer, meeting.answerer, meeting.first, scene.ledger, stage.seed)
    scene.facts["largest_message"] = size
    await exchange.echo(meeting.first, [_IN_CLEAR.decode()], "text", scene.ledger)
    await meeting.look()
    await meeting.part()
    meeting.judge_packets()
    if meeting.sees_packets:
        from harness.capture.match import datagram

        scene.wire.never(datagram.containing(_IN_CLEAR))


ROW: Final = Row("data", "data channels of every kind, messages of every size", play)
