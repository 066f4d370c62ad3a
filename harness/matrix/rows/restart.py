"""An ICE restart: data flow while it waits for its answer, and by a new pair after it (RFC 8445 section 9)."""

from __future__ import annotations

import time
from typing import Final

from harness.endpoints.proxies import PeerConnection
from harness.errors import EndpointTimeout
from harness.matrix import exchange
from harness.matrix.meeting import PATIENCE, Meeting
from harness.matrix.row import Row, Stage
from harness.verdict import check

__all__ = ["ROW", "restart"]


async def play(stage: Stage) -> None:
    meeting = await Meeting.arranged(stage)
    await meeting.connect()
    await meeting.echoing()
    await meeting.look()
    await restart(meeting)
    await exchange.echo(meeting.first, ["after the restart"], "text", stage.scene.ledger)
    await meeting.part()
    meeting.judge_packets()


async def restart(meeting: Meeting) -> None:
    """Restart; data flow by the old path until the answer is there, and the checks that follow have new names."""
    stage, ledger = meeting.stage, meeting.stage.scene.ledger
    stage.announce("restarting")
    before = [await _credentials(pc) for pc in meeting.connections]
    began = time.perf_counter()
    await meeting.offerer.restartIce()
    offer = await meeting.signaling.offer()
    await exchange.echo(meeting.first, ["while the restart has no answer"], "text", ledger)
    await meeting.signaling.answer(offer)
    after = [await _credentials(pc) for pc in meeting.connections]
    for pc, old, new in zip(meeting.connections, before, after, strict=True):
        message = f"{pc.endpoint.name}: a restart changes ufrag and pwd, they were {old} and are {new}"
        check(old[0] != new[0] and old[1] != new[1], message, ledger=ledger)
    if meeting.sees_packets:
        await _renewed(meeting, began, f"{after[1][0]}:{after[0][0]}")
    stage.scene.facts["restart_ms"] = round((time.perf_counter() - began) * 1000, 1)


async def _renewed(meeting: Meeting, began: float, username: str) -> None:
    """Exchange messages until the offerer's check of the new generation was answered: none is lost meanwhile."""
    # Here and not above: scapy takes a third of a second to import.
    from harness.capture.match import stun

    wire, asked = meeting.stage.scene.wire, None
    while time.perf_counter() - began < PATIENCE:
        await exchange.echo(meeting.first, ["while it goes on"], "text", meeting.stage.scene.ledger)
        asked = wire.first(stun.binding_request(username=username))
        if asked is not None and wire.first(stun.binding_success(to=asked)) is not None:
            return
    raise EndpointTimeout(f"no check of the new generation ({username}) was answered" if asked else "no new check")


async def _credentials(pc: PeerConnection) -> tuple[str, str]:
    lines = str((await pc.localDescription())["sdp"]).splitlines()
    ufrag, pwd = (
        next((line.partition(":")[2] for line in lines if line.startswith(f"a=ice-{name}:")), "")
        for name in ("ufrag", "pwd")
    )
    return ufrag, pwd


ROW: Final = Row("restart", "an ICE restart with new credentials; data flow on before, during and after it", play)
