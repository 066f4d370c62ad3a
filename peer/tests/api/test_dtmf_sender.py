"""RTCDTMFSender (webrtc-pc section 7)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from peer.api import DOMException, MediaStreamTrack, RTCDTMFSender, RTCPeerConnection
from peer.api import dtmf_sender as module
from peer.tests.api.connecting import event, negotiate, pair


@asynccontextmanager
async def calling() -> AsyncIterator[tuple[RTCPeerConnection, RTCDTMFSender]]:
    async with pair() as (one, other):
        sender = one.addTrack(MediaStreamTrack("audio"))
        connected = event(one, "connectionstatechange", lambda _: one.connectionState == "connected")
        await negotiate(one, other)
        await connected
        assert sender.dtmf is not None
        yield one, sender.dtmf


async def played(dtmf: RTCDTMFSender) -> list[str]:
    """The tones until the empty one that says it is over."""
    tones: list[str] = []
    over = asyncio.Event()

    def changed(happened: object) -> None:
        tones.append(happened.tone)  # type: ignore[attr-defined]  # an RTCDTMFToneChangeEvent
        if not tones[-1]:
            over.set()

    dtmf.ontonechange = changed
    await asyncio.wait_for(over.wait(), 10)
    return tones


async def test_tones_play_one_after_the_other() -> None:
    async with calling() as (_, dtmf):
        assert dtmf.canInsertDTMF
        dtmf.insertDTMF("12d#", 40, 30)
        assert dtmf.toneBuffer == "12D#"
        assert await played(dtmf) == ["1", "2", "D", "#", ""]
        assert dtmf.toneBuffer == ""


async def test_insert_replaces_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMA_DELAY", 20)
    async with calling() as (_, dtmf):
        dtmf.insertDTMF("123456", 40, 30)
        first = event(dtmf, "tonechange")
        await first
        dtmf.insertDTMF(",9", 40, 30)
        assert dtmf.toneBuffer == ",9"
        assert await played(dtmf) == [",", "9", ""]


async def test_an_empty_string_cancels() -> None:
    async with calling() as (_, dtmf):
        dtmf.insertDTMF("123", 40, 30)
        await event(dtmf, "tonechange")
        dtmf.insertDTMF("")
        assert await played(dtmf) == [""]


@pytest.mark.parametrize(
    ("duration", "gap", "kept"),
    [(0, 0, (40, 30)), (39, 29, (40, 30)), (100, 70, (100, 70)), (6001, 6001, (6000, 6000))],
)
async def test_times_are_clamped(duration: int, gap: int, kept: tuple[int, int]) -> None:
    async with calling() as (_, dtmf):
        dtmf.insertDTMF("", duration, gap)
        assert (dtmf._duration, dtmf._inter_tone_gap) == kept


@pytest.mark.parametrize("tones", ["E", "1x", "\u0663", "1 2", "%"])
async def test_unrecognized_characters(tones: str) -> None:
    async with calling() as (_, dtmf):
        with pytest.raises(DOMException, match="InvalidCharacterError"):
            dtmf.insertDTMF(tones)
        assert dtmf.toneBuffer == ""


async def test_when_dtmf_can_not_be_sent() -> None:
    pc = RTCPeerConnection()
    transceiver = pc.addTransceiver("audio")
    dtmf = transceiver.sender.dtmf
    assert dtmf is not None
    assert not dtmf.canInsertDTMF
    with pytest.raises(DOMException, match="InvalidStateError"):
        dtmf.insertDTMF("1")
    pc.close()
    async with calling() as (one, dtmf):
        parameters = one.getSenders()[0].getParameters()
        parameters.encodings[0].active = False
        await one.getSenders()[0].setParameters(parameters)
        assert not dtmf.canInsertDTMF
    async with calling() as (one, dtmf):
        dtmf.insertDTMF("123", 40, 30)
        one.getTransceivers()[0].stop()
        assert not dtmf.canInsertDTMF
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(event(dtmf, "tonechange"), 0.1)
