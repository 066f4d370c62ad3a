"""W3C webrtc-pc section 6.2: what a channel is made with, and what it is asked, without a connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from cases.playing import PAIR, PC, negotiate, play, read, settled
from harness.cases import Connection, check, clause, throws
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from harness.script import (
    Call,
    Close,
    CreateDataChannel,
    Get,
    Send,
    Set,
    Step,
    WaitFor,
)

Connect: TypeAlias = Callable[..., Awaitable[Connection]]


def made(label: Any = "case", **init: Any) -> list[Step]:
    return [PC, Call("pc", "createDataChannel", (label, init), "channel")]


async def has(endpoint: Endpoint, attribute: str, value: Any, **init: Any) -> None:
    (await play(endpoint, made(**init), read(f"channel.{attribute}"))).gave({f"channel.{attribute}": value})


async def test_sanity_a_channel_has_its_label(endpoint: Endpoint) -> None:
    await has(endpoint, "label", "case")


@clause("W3C-RTCPeerConnection.createDataChannel-4")
async def test_a_label_is_any_value_as_text(endpoint: Endpoint) -> None:
    played = await play(endpoint, made(5), read("channel.label"))
    played.gave({"channel.label": "5"})


@clause("W3C-RTCPeerConnection.createDataChannel-4")
async def test_a_label_of_null_is_the_word(endpoint: Endpoint) -> None:
    (await play(endpoint, made(None), read("channel.label"))).gave({"channel.label": "null"})


@clause("W3C-Introduction-M1")
async def test_a_lone_surrogate_is_replaced(endpoint: Endpoint) -> None:
    (await play(endpoint, made("a\ud800b"), read("channel.label"))).gave({"channel.label": "a\ufffdb"})


@clause("W3C-Introduction-M1")
async def test_a_label_is_required(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, Call("pc", "createDataChannel"))).threw("TypeError")


@clause("W3C-RTCDataChannel.ordered-M1")
async def test_a_channel_is_ordered_unless_told(endpoint: Endpoint) -> None:
    await has(endpoint, "ordered", True)


@clause("W3C-RTCPeerConnection.createDataChannel-9")
async def test_a_channel_may_be_unordered(endpoint: Endpoint) -> None:
    await has(endpoint, "ordered", False, ordered=False)


@clause("W3C-RTCDataChannel.maxPacketLifeTime-M1")
async def test_packets_live_for_ever_unless_told(endpoint: Endpoint) -> None:
    await has(endpoint, "maxPacketLifeTime", None)


@clause("W3C-RTCPeerConnection.createDataChannel-7")
async def test_a_life_time_of_zero_is_kept(endpoint: Endpoint) -> None:
    await has(endpoint, "maxPacketLifeTime", 0, maxPacketLifeTime=0)


@clause("W3C-Introduction-M1")
async def test_a_life_time_is_sixteen_bits(endpoint: Endpoint) -> None:
    (await play(endpoint, made(maxPacketLifeTime=65536))).threw("TypeError")


@clause("W3C-RTCDataChannel.maxRetransmits-M1")
async def test_retransmissions_are_not_limited_unless_told(endpoint: Endpoint) -> None:
    await has(endpoint, "maxRetransmits", None)


@clause("W3C-RTCPeerConnection.createDataChannel-8")
async def test_no_retransmission_is_a_limit(endpoint: Endpoint) -> None:
    await has(endpoint, "maxRetransmits", 0, maxRetransmits=0)


@clause("W3C-Introduction-M1")
async def test_retransmissions_are_not_negative(endpoint: Endpoint) -> None:
    (await play(endpoint, made(maxRetransmits=-1))).threw("TypeError")


@clause("W3C-RTCDataChannel.protocol-M1")
async def test_a_protocol_is_empty_unless_told(endpoint: Endpoint) -> None:
    await has(endpoint, "protocol", "")


@clause("W3C-RTCPeerConnection.createDataChannel-10")
async def test_a_protocol_is_kept(endpoint: Endpoint) -> None:
    await has(endpoint, "protocol", "case", protocol="case")


@clause("W3C-RTCDataChannel.negotiated-M1")
async def test_a_channel_is_announced_unless_told(endpoint: Endpoint) -> None:
    await has(endpoint, "negotiated", False)


@clause("W3C-RTCPeerConnection.createDataChannel-12")
async def test_a_channel_may_be_negotiated(endpoint: Endpoint) -> None:
    await has(endpoint, "negotiated", True, negotiated=True, id=7)


@clause("W3C-RTCDataChannel.id-M1")
async def test_a_channel_has_no_id_at_first(endpoint: Endpoint) -> None:
    await has(endpoint, "id", None)


@clause("W3C-RTCPeerConnection.createDataChannel-13")
async def test_a_negotiated_channel_has_the_id_it_is_given(endpoint: Endpoint) -> None:
    await has(endpoint, "id", 65534, negotiated=True, id=65534)


@clause("W3C-Introduction-M1")
async def test_an_id_is_sixteen_bits(endpoint: Endpoint) -> None:
    (await play(endpoint, made(negotiated=True, id=65536))).threw("TypeError")


@clause("W3C-RTCPeerConnection.createDataChannel-2")
async def test_close_counts_more_than_a_long_label(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, Close(), Call("pc", "createDataChannel", ("x" * 65536,)))
    played.threw("InvalidStateError")


@clause("W3C-RTCPeerConnection.createDataChannel-20")
async def test_only_the_first_channel_needs_negotiation(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PAIR,
        CreateDataChannel("one", on="a"),
        negotiate(),
        settled(),
        CreateDataChannel("two", on="a"),
        settled(),
    )
    played.gave()
    fired = [one for one in played.trace.events("negotiationneeded", "a") if one.step > 7]
    check(not fired, "the second channel asked for negotiation")


@clause("W3C-RTCDataChannel.bufferedAmount-M1")
async def test_nothing_is_buffered_at_first(endpoint: Endpoint) -> None:
    await has(endpoint, "bufferedAmount", 0)


@clause("W3C-Introduction-M1")
async def test_the_threshold_starts_at_zero(endpoint: Endpoint) -> None:
    await has(endpoint, "bufferedAmountLowThreshold", 0)


@clause("W3C-Introduction-M1")
async def test_a_threshold_that_was_set_is_read(endpoint: Endpoint) -> None:
    threshold = Set("channel", "bufferedAmountLowThreshold", 4_294_967_295)
    played = await play(endpoint, made(), threshold, read("channel.bufferedAmountLowThreshold"))
    played.gave({"channel.bufferedAmountLowThreshold": 4_294_967_295})


@clause("W3C-RTCDataChannel.binaryType-M1")
async def test_binary_data_may_be_blobs(endpoint: Endpoint) -> None:
    played = await play(endpoint, made(), Set("channel", "binaryType", "blob"), read("channel.binaryType"))
    played.gave({"channel.binaryType": "blob"})


@clause("W3C-Introduction-M1")
async def test_an_unknown_binary_type_is_ignored(endpoint: Endpoint) -> None:
    steps = (Set("channel", "binaryType", "blob"), Set("channel", "binaryType", "paper"))
    (await play(endpoint, made(), *steps, read("channel.binaryType"))).gave({"channel.binaryType": "blob"})


@clause("W3C-RTCDataChannel.send-4")
async def test_an_array_buffer_is_refused_before_the_channel_is_open(endpoint: Endpoint) -> None:
    (await play(endpoint, made(), Send(b"case"))).threw("InvalidStateError")


@clause("W3C-RTCDataChannel.close-2")
async def test_a_channel_may_be_closed_twice(endpoint: Endpoint) -> None:
    (await play(endpoint, made(), Call("channel", "close"), Call("channel", "close"))).gave()


@clause("W3C-RTCDataChannel.close-3")
async def test_a_channel_is_closing_at_once(endpoint: Endpoint) -> None:
    played = await play(endpoint, made(), Call("channel", "close"), read("channel.readyState"))
    played.gave({"channel.readyState": "closing"})


@clause("W3C-set-a-session-description-4.7.10.2.1")
async def test_an_answer_gives_channels_their_ids(endpoint: Endpoint) -> None:
    played = await play(endpoint, PAIR, CreateDataChannel("one", on="a"), negotiate(), read("channel.id"))
    played.gave()
    check(isinstance(played["channel.id"], int), f"the id is {played['channel.id']}")


@clause("W3C-set-a-session-description-4.7.10.2.1")
async def test_the_dtls_server_takes_odd_ids(endpoint: Endpoint) -> None:
    """The answerer is active by default, so the offerer is the DTLS server."""
    played = await play(
        endpoint, PAIR, CreateDataChannel("one", on="a"), negotiate(), read("channel.id", "b.localDescription.sdp")
    )
    played.gave()
    odd = "a=setup:active" in played["b.localDescription.sdp"]
    check(played["channel.id"] in range(int(odd), 65535, 2), f"the id is {played['channel.id']}")


@clause("W3C-announce-a-data-channel-as-open-4", "W3C-announce-a-data-channel-as-open-5")
async def test_open_is_fired_at_an_open_channel(endpoint: Endpoint) -> None:
    played = await play(endpoint, *connected(), WaitFor("open", on="channel"))
    played.gave()
    (fired,) = played.trace.events("open", "channel")
    check(fired.states["readyState"] == "open", f"the channel is {fired.states['readyState']}")


def connected() -> list[Any]:
    """Two connections of one endpoint that exchange whole descriptions, so that they connect."""
    complete = [WaitFor("iceGatheringState", "complete", on=on) for on in ("a", "b")]
    steps = negotiate()
    return [*PAIR, CreateDataChannel("case", on="a"), steps[0], complete[0], steps[1], steps[2], complete[1], steps[3]]


@clause("W3C-RTCSctpTransport-5")
async def test_the_association_says_so_before_the_channel_is_open(endpoint: Endpoint) -> None:
    steps = connected()
    steps.insert(5, Get("a", "sctp", "sctp"))
    played = await play(endpoint, *steps, WaitFor("open", on="channel"))
    played.gave()
    order = [
        one.event for one in played.trace if getattr(one, "on", "") in ("sctp", "channel") and hasattr(one, "event")
    ]
    check(order == ["statechange", "open"], f"the events were {order}")


@clause("W3C-RTCDataChannel.send-5")
async def test_a_message_over_the_limit_is_refused(connect: Connect, peer: Reference, endpoint: Endpoint) -> None:
    """The peer takes 262144 bytes."""
    made = await connect(endpoint, peer)
    assert made.channel is not None
    with throws("TypeError"):
        await made.channel.send("x" * 262145)


@clause("W3C-RTCDataChannel.send-8")
async def test_what_is_sent_is_buffered_in_this_task(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        *connected(),
        WaitFor("open", on="channel"),
        Send("\u20ac"),
        Send(b"four"),
        read("channel.bufferedAmount"),
    )
    played.gave({"channel.bufferedAmount": 7})


@clause("W3C-Announcing-a-data-channel-instance-8", "W3C-Announcing-a-data-channel-instance-9")
async def test_an_announced_channel_is_open_in_its_event(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, *connected(), WaitFor("datachannel", on="b", bind="event"), read("event.channel.label")
    )
    played.gave({"event.channel.label": "case"})


@clause("W3C-RTCPeerConnection.createDataChannel-18")
async def test_a_channel_made_later_has_an_id_at_once(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PAIR,
        CreateDataChannel("one", on="a"),
        negotiate(),
        CreateDataChannel("two", on="a", bind="two"),
        read("two.id"),
    )
    played.gave()
    check(isinstance(played["two.id"], int), f"the id is {played['two.id']}")
