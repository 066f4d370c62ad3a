"""harness.soak.run: channels that open, talk and close at random, here against a peer of ours."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from harness.soak.cli import described
from harness.soak.run import Outcome, soak
from peer.api import RTCPeerConnection


class EchoingPeer:
    """What the page does. With `forgets`, every tenth message doesn't come back; with `deaf` it claims to have none."""

    def __init__(self, *, forgets: bool = False, deaf: bool = True) -> None:
        self.pc = RTCPeerConnection()
        self.pc.addEventListener("datachannel", self._adopt)
        self._forgets = forgets
        self._deaf = deaf
        self._count = 0
        self._received: Counter[str] = Counter()

    def _adopt(self, event: Any) -> None:
        event.channel.addEventListener("message", self._echo)

    def _echo(self, event: Any) -> None:
        self._count += 1
        self._received[event.target.label] += 1
        if event.data == "close":
            event.target.close()
        elif not (self._forgets and self._count % 10 == 0):
            event.target.send(event.data)

    async def answer(self, offer: str) -> str:
        await self.pc.setRemoteDescription({"type": "offer", "sdp": offer})
        await self.pc.setLocalDescription()
        while self.pc.iceGatheringState != "complete":
            changed = asyncio.Event()
            self.pc.addEventListener(
                "icegatheringstatechange", lambda _, changed=changed: changed.set(), {"once": True}
            )
            await changed.wait()
        assert self.pc.localDescription is not None
        return self.pc.localDescription.sdp

    async def account(self, label: str) -> tuple[int, str]:
        return (0, "nothing came") if self._deaf else (self._received[label], "it came")


@pytest.mark.parametrize("forgets", [False, True])
async def test_nothing_is_lost_with_a_peer_that_echoes_and_something_with_one_that_forgets(forgets: bool) -> None:
    echo = EchoingPeer(forgets=forgets)
    outcome = await soak("ours", echo, 0.3, seed=1, channels=20, patience=2.0 if forgets else 600.0)
    echo.pc.close()
    assert outcome.channels >= 20
    assert outcome.messages > 0
    assert bool(outcome.lost) is forgets


async def test_what_came_and_was_not_answered_is_told_and_not_called_lost() -> None:
    echo = EchoingPeer(forgets=True, deaf=False)
    outcome = await soak("ours", echo, 0.2, seed=1, channels=20, patience=2.0)
    echo.pc.close()
    assert not outcome.lost
    assert not outcome.left
    assert "came and was not answered: it came" in described(outcome)


def test_growth_and_channels_left_over_are_not_sound() -> None:
    assert Outcome("a", 1.0).is_sound
    assert not Outcome("a", 1.0, left=1).is_sound
    assert not Outcome("a", 1.0, warm=100 << 20, final=200 << 20).is_sound
    assert "not sound" in described(Outcome("a", 1.0, left=1))
