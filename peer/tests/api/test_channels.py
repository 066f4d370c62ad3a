"""Data channels over a whole connection (webrtc-pc section 6)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from peer.api import Blob, DOMException, MessageEvent, RTCDataChannel, RTCPeerConnection, Seams
from peer.api.data_channel import priority_name
from peer.tests.api.connecting import channels, connection, event, held, negotiate, pair, settled

MESSAGES: list[Any] = [
    "",
    b"",
    "hello",
    "\u65e5\u672c\u8a9e \U0001f600",
    "a\ud800b",
    bytes(range(256)),
    bytearray(b"abc"),
    memoryview(b"xabcx")[1:4],
    Blob([b"a", "b", bytearray(b"c")]),
    "x" * 262_144,
    bytes(262_144),
]


def as_received(message: Any) -> str | bytes:
    if isinstance(message, str):
        return message.replace("\ud800", "\ufffd")
    return bytes(message)


async def test_every_kind_of_message_arrives_once_and_in_order() -> None:
    async with channels() as (mine, theirs):
        received: list[Any] = []
        done = asyncio.Event()

        def on_message(message: MessageEvent) -> None:
            received.append(message.data)
            if len(received) == len(MESSAGES):
                done.set()

        theirs.onmessage = on_message
        for message in MESSAGES:
            mine.send(message)
        await asyncio.wait_for(done.wait(), 10)
        assert received == [as_received(message) for message in MESSAGES]
        assert [type(one) for one in received] == [type(as_received(message)) for message in MESSAGES]


async def test_binary_type_blob() -> None:
    async with channels() as (mine, theirs):
        assert theirs.binaryType == "arraybuffer"
        theirs.binaryType = "blob"
        theirs.binaryType = "nonsense"  # ignored, as Web IDL has it
        assert theirs.binaryType == "blob"
        arrived = event(theirs, "message")
        mine.send(b"abc")
        blob = (await arrived).data
        assert isinstance(blob, Blob)
        assert (blob.size, await blob.arrayBuffer(), await blob.text()) == (3, b"abc", "abc")


@pytest.mark.parametrize("data", [None, 5, 1.5, object(), [b"x"], {"a": 1}])
async def test_what_can_not_be_sent(data: Any) -> None:
    pc = RTCPeerConnection()
    channel = pc.createDataChannel("")
    with pytest.raises(TypeError):
        channel.send(data)
    pc.close()


async def test_send_needs_an_open_channel() -> None:
    pc = RTCPeerConnection()
    channel = pc.createDataChannel("")
    with pytest.raises(DOMException, match="InvalidStateError"):
        channel.send("x")
    channel.close()
    with pytest.raises(DOMException, match="InvalidStateError"):
        channel.send("x")
    pc.close()


async def test_too_much() -> None:
    async with channels() as (mine, _):
        sctp = held(connection(mine).sctp)
        assert sctp.maxMessageSize == 262_144
        assert sctp.maxChannels == 65535
        with pytest.raises(TypeError):
            mine.send(bytes(262_145))
        with pytest.raises(TypeError):
            mine.send("\u20ac" * 100_000)
        while mine.bufferedAmount + 262_144 <= 16 * 1024 * 1024:
            mine.send(bytes(262_144))
        with pytest.raises(DOMException, match="OperationError"):
            mine.send(bytes(262_144))


async def test_a_sent_buffer_may_be_changed_at_once() -> None:
    async with channels() as (mine, theirs):
        buffer = bytearray(b"before")
        arrived = event(theirs, "message")
        mine.send(buffer)
        buffer[:] = b"after!"
        assert (await arrived).data == b"before"


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not happened():  # noqa: ASYNC110 - what is waited for fires no event
            await asyncio.sleep(0)


async def drained(channel: RTCDataChannel) -> None:
    await until(lambda: channel.bufferedAmount == 0)


async def test_buffered_amount() -> None:
    async with channels() as (mine, _):
        mine.bufferedAmountLowThreshold = 10
        low: list[int] = []
        mine.onbufferedamountlow = lambda happened: low.append(mine.bufferedAmount)
        mine.send("abc\u20ac")
        mine.send(bytes(100))
        assert mine.bufferedAmount == 106  # bytes of UTF-8; never smaller while our own code runs
        for _ in range(100):
            assert mine.bufferedAmount == 106
        await drained(mine)
        assert len(low) == 1
        assert low[0] <= 10
        mine.send("x")  # from below the threshold: no event
        await drained(mine)
        assert len(low) == 1
        with pytest.raises(TypeError):
            mine.bufferedAmountLowThreshold = -1
        with pytest.raises(TypeError):
            mine.bufferedAmountLowThreshold = 1 << 32


@pytest.mark.parametrize(
    ("init", "expected"),
    [
        ({}, (True, None, None, "", False)),
        ({"ordered": False}, (False, None, None, "", False)),
        ({"maxRetransmits": 0}, (True, None, 0, "", False)),
        ({"maxPacketLifeTime": 65535, "ordered": False}, (False, 65535, None, "", False)),
        ({"protocol": "prot\u20accol"}, (True, None, None, "prot\u20accol", False)),
        ({"id": 7}, (True, None, None, "", False)),  # ignored: not negotiated
    ],
)
async def test_the_other_side_gets_the_same_channel(init: dict[str, Any], expected: Any) -> None:
    async with pair() as (one, other):
        mine = one.createDataChannel("l\u00e4bel", init)
        announced = event(other, "datachannel")
        await negotiate(one, other)
        theirs: RTCDataChannel = (await announced).channel
        for channel in (mine, theirs):
            assert channel.label == "l\u00e4bel"
            assert (
                channel.ordered,
                channel.maxPacketLifeTime,
                channel.maxRetransmits,
                channel.protocol,
                channel.negotiated,
            ) == expected
        assert mine.id == theirs.id == 1  # the answerer is the DTLS client and takes even ids


@pytest.mark.parametrize("priority", ["very-low", "low", "medium", "high"])
async def test_both_sides_know_the_priority(priority: str) -> None:
    async with channels(priority=priority) as both:
        assert [channel.priority for channel in both] == [priority, priority]


def test_any_number_of_an_open_has_a_priority() -> None:
    names = [priority_name(number) for number in (0, 128, 129, 256, 257, 512, 513, 1024, 65535)]
    assert names == ["very-low", "very-low", "low", "low", "medium", "medium", "high", "high", "high"]


@pytest.mark.parametrize(
    ("label", "init", "error"),
    [
        ("x" * 65536, {}, TypeError),
        ("\u20ac" * 21846, {}, TypeError),
        ("", {"protocol": "x" * 65536}, TypeError),
        ("", {"negotiated": True}, TypeError),
        ("", {"negotiated": True, "id": 65535}, TypeError),
        ("", {"negotiated": True, "id": 65536}, TypeError),
        ("", {"id": -1}, TypeError),
        ("", {"maxRetransmits": 1, "maxPacketLifeTime": 1}, TypeError),
        ("", {"maxRetransmits": -1}, TypeError),
        ("", {"maxPacketLifeTime": 65536}, TypeError),
        ("", {"maxPacketLifeTime": "x"}, TypeError),
        ("", {"priority": "urgent"}, TypeError),
        ("", 5, TypeError),
    ],
)
async def test_create_refuses(label: str, init: Any, error: type[Exception]) -> None:
    pc = RTCPeerConnection()
    with pytest.raises(error):
        pc.createDataChannel(label, init)
    pc.close()


async def test_labels_convert_to_strings() -> None:
    pc = RTCPeerConnection()
    assert pc.createDataChannel(None).label == "null"
    assert pc.createDataChannel(5).label == "5"
    assert pc.createDataChannel("x" * 65535).label == "x" * 65535
    pc.close()


async def test_a_used_id_can_not_be_used_again() -> None:
    pc = RTCPeerConnection()
    first = pc.createDataChannel("", {"negotiated": True, "id": 42})
    assert first.id == 42
    with pytest.raises(DOMException, match="OperationError"):
        pc.createDataChannel("", {"negotiated": True, "id": 42})
    pc.close()


async def test_ids_are_given_when_the_role_is_known_and_stay_clear_of_negotiated_ones() -> None:
    async with pair() as (one, other):
        one.createDataChannel("", {"negotiated": True, "id": 1})
        later = one.createDataChannel("")
        assert later.id is None
        await negotiate(one, other)
        assert later.id == 3
        assert one.createDataChannel("").id == 5
        assert other.createDataChannel("").id == 0


async def test_negotiated_channels_meet() -> None:
    async with pair() as (one, other):
        mine = one.createDataChannel("a", {"negotiated": True, "id": 0})
        theirs = other.createDataChannel("b", {"negotiated": True, "id": 0, "ordered": False})
        other.ondatachannel = lambda happened: pytest.fail("announced")
        opened = asyncio.gather(event(mine, "open"), event(theirs, "open"))
        await negotiate(one, other)
        await opened
        arrived = event(theirs, "message")
        mine.send("hi")
        assert (await arrived).data == "hi"


async def test_a_channel_of_an_open_connection_opens_from_a_task() -> None:
    async with channels() as (mine, theirs):
        pc, other = connection(mine), connection(theirs)
        announced = event(other, "datachannel")
        second = pc.createDataChannel("second")
        assert (second.readyState, second.id) == ("connecting", 3)
        await event(second, "open")
        assert (await announced).channel.label == "second"


async def test_messages_may_be_sent_inside_the_datachannel_event() -> None:
    async with pair() as (one, other):
        mine = one.createDataChannel("")
        log: list[str] = []

        def announced(happened: Any) -> None:
            channel = happened.channel
            log.append(f"datachannel {channel.readyState}")
            channel.onopen = lambda _: log.append("open")
            channel.onmessage = lambda message: log.append(message.data)
            channel.send("from the event")

        other.ondatachannel = announced
        arrived = event(mine, "message")
        await negotiate(one, other)
        await event(mine, "open")
        mine.send("to the event")
        assert (await arrived).data == "from the event"
        await until(lambda: len(log) == 3)
        assert log == ["datachannel open", "open", "to the event"]


async def test_close_from_either_side() -> None:
    async with channels() as (mine, theirs):
        log: list[str] = []
        for name, channel in (("mine", mine), ("theirs", theirs)):
            for kind in ("closing", "close", "error"):
                channel.addEventListener(kind, lambda happened, name=name: log.append(f"{name} {happened.type}"))
        ended = asyncio.gather(event(mine, "close"), event(theirs, "close"))
        mine.send("before")
        got = event(theirs, "message")
        mine.close()
        assert mine.readyState == "closing"
        mine.close()
        await ended
        assert (await got).data == "before"
        assert mine.readyState == theirs.readyState == "closed"
        assert log.index("theirs closing") < log.index("theirs close")
        assert sorted(log) == ["mine close", "theirs close", "theirs closing"]


async def test_an_id_is_free_again_after_close() -> None:
    async with channels() as (mine, _):
        pc = connection(mine)
        mine.close()
        await event(mine, "close")
        second = pc.createDataChannel("again")
        assert second.id == 1
        await event(second, "open")


async def test_closing_a_channel_that_never_connected() -> None:
    pc = RTCPeerConnection()
    channel = pc.createDataChannel("")
    channel.close()
    assert channel.readyState == "closing"
    await event(channel, "close")
    assert channel.readyState == "closed"
    pc.close()


async def test_a_channel_closed_before_the_association_stands_does_not_open() -> None:
    async with pair() as (one, other):
        kept, dropped = one.createDataChannel("kept"), one.createDataChannel("dropped")
        dropped.onopen = lambda happened: pytest.fail("opened")
        announced: list[str] = []
        other.ondatachannel = lambda happened: announced.append(happened.channel.label)
        dropped.close()
        opened = event(kept, "open")
        await negotiate(one, other)
        await opened
        await settled(one)
        assert dropped.readyState == "closed"
        assert announced == ["kept"]


async def test_sctp_events_come_before_open() -> None:
    async with pair() as (one, other):
        log: list[str] = []
        channel = one.createDataChannel("")
        channel.onopen = lambda happened: log.append("open")
        await one.setLocalDescription()
        sctp = held(one.sctp)
        assert (sctp.state, sctp.maxChannels, sctp.maxMessageSize) == ("connecting", None, None)
        sctp.onstatechange = lambda happened: log.append(f"sctp {sctp.state}")
        await other.setRemoteDescription(one.localDescription)
        await other.setLocalDescription()
        await one.setRemoteDescription(other.localDescription)
        assert sctp.maxMessageSize == 262_144
        await event(channel, "open")
        assert log == ["sctp connected", "open"]
        assert one.sctp is sctp


async def test_stats_count_messages() -> None:
    async with channels() as (mine, theirs):
        arrived = event(theirs, "message")
        mine.send("abc\u20ac")
        await arrived
        for channel, sent, received in ((mine, 1, 0), (theirs, 0, 1)):
            pc = connection(channel)
            (stats,) = (await pc.getStats()).of_type("data-channel")
            assert (stats.messagesSent, stats.messagesReceived) == (sent, received)
            assert (stats.bytesSent, stats.bytesReceived) == (6 * sent, 6 * received)
            assert (stats.label, stats.dataChannelIdentifier, stats.state) == ("test", 1, "open")
            (whole,) = (await pc.getStats()).of_type("peer-connection")
            assert (whole.dataChannelsOpened, whole.dataChannelsClosed) == (1, 0)
        never_open = connection(mine).createDataChannel("")
        never_open.close()
        await event(never_open, "close")
        (whole,) = (await connection(mine).getStats()).of_type("peer-connection")
        assert (whole.dataChannelsOpened, whole.dataChannelsClosed) == (1, 0)
        mine.close()  # it has left "open"
        (whole,) = (await connection(mine).getStats()).of_type("peer-connection")
        assert (whole.dataChannelsOpened, whole.dataChannelsClosed) == (1, 1)
        connection(theirs).close()
        (whole,) = (await connection(theirs).getStats()).of_type("peer-connection")
        assert whole.dataChannelsOpened == whole.dataChannelsClosed


async def test_the_other_sides_close_is_an_error_with_the_cause() -> None:
    async with channels() as (mine, theirs):
        failed = event(theirs, "error")
        connection(mine).close()
        error = (await failed).error
        assert (error.errorDetail, error.sctpCauseCode) == ("sctp-failure", 12)  # User-Initiated Abort


@pytest.mark.parametrize(
    ("said", "expected"),
    [("0", 16 * 1024 * 1024), ("1000", 1000), (None, 65536), ("70000000", 16 * 1024 * 1024)],
)
async def test_the_limit_follows_the_answer(said: str | None, expected: int) -> None:
    """The text's "update the data max message size"."""
    async with pair() as (one, other):
        one.createDataChannel("")
        await one.setLocalDescription()
        await other.setRemoteDescription(one.localDescription)
        line = "" if said is None else f"a=max-message-size:{said}\r\n"
        answer = (await other.createAnswer()).sdp.replace("a=max-message-size:262144\r\n", line)
        await one.setRemoteDescription({"type": "answer", "sdp": answer})
        assert held(one.sctp).maxMessageSize == expected


async def test_an_answer_that_rejects_the_data_section_ends_the_association() -> None:
    async with pair() as (one, other):
        channel = one.createDataChannel("")
        one.addTransceiver("audio")
        opened = event(channel, "open")
        await negotiate(one, other)
        await opened
        sctp = held(one.sctp)
        log: list[str] = []
        for target, names in ((channel, ("closing", "close", "error")), (sctp, ("statechange",))):
            for name in names:
                target.addEventListener(name, lambda happened: log.append(happened.type))
        offer = await one.createOffer()
        await one.setLocalDescription(offer)
        await other.setRemoteDescription(offer)
        sections = (await other.createAnswer()).sdp.split("\r\nm=")
        at, data = next((at, text) for at, text in enumerate(sections) if text.startswith("application "))
        mid = data.partition("a=mid:")[2].partition("\r\n")[0]
        _, _, rest = data.removeprefix("application ").partition(" ")
        sections[at] = f"application 0 {rest}"
        kept = " ".join(one for one in ("0", "1") if one != mid)
        answer = "\r\nm=".join(sections).replace("a=group:BUNDLE 0 1", f"a=group:BUNDLE {kept}")
        await one.setRemoteDescription({"type": "answer", "sdp": answer})
        assert one.sctp is None
        await event(channel, "close")
        assert log == ["statechange", "close"]
        assert (sctp.state, channel.readyState, one.connectionState) == ("closed", "closed", "connected")


async def test_an_id_above_what_was_negotiated_is_a_failure() -> None:
    """The "connected" procedure, step 4.3."""
    async with pair(seams=Seams(sctp_config={"outbound_streams": 4, "inbound_streams": 4})) as (one, other):
        fits = one.createDataChannel("", {"negotiated": True, "id": 3})
        too_high = one.createDataChannel("", {"negotiated": True, "id": 4})
        failed, closed, opened = event(too_high, "error"), event(too_high, "close"), event(fits, "open")
        await negotiate(one, other)
        assert (await failed).error.errorDetail == "data-channel-failure"
        await closed
        await opened
        assert held(one.sctp).maxChannels == 4
        with pytest.raises(DOMException, match="OperationError"):
            one.createDataChannel("", {"negotiated": True, "id": 4})
        for _ in range(2):  # the offerer is the DTLS server: ids 1 and 3, of which 3 is taken
            with contextlib.suppress(DOMException):
                one.createDataChannel("")
        with pytest.raises(DOMException, match="OperationError"):
            one.createDataChannel("")


async def test_when_no_id_is_free_the_channel_fails_with_the_answer() -> None:
    """Step 4.7.10.2 and 4.7.16 of "set a session description"."""
    pc, other = RTCPeerConnection(), RTCPeerConnection()
    for number in range(1, 65535, 2):
        pc._core.channels._by_id[number] = pc.createDataChannel("", {"negotiated": True, "id": number})
    channel = pc.createDataChannel("one too many")
    failed = event(channel, "error")
    await negotiate(pc, other)
    assert channel.readyState == "closed"
    assert (await failed).error.errorDetail == "data-channel-failure"
    pc.close()
    other.close()


async def test_a_dtls_goodbye_closes_transport_association_and_channels() -> None:
    async with channels() as (mine, theirs):
        pc = connection(theirs)
        dtls = held(pc.sctp).transport
        closed = event(theirs, "close")
        (stack,) = connection(mine)._core.transports.values()
        held(held(stack.session).dtls).close(connection(mine)._core.now())
        stack._flush()
        await closed
        assert (dtls.state, held(pc.sctp).state) == ("closed", "closed")
