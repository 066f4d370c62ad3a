"""W3C webrtc-pc section 4.4.1.5, step 4.7.11 to 4.7.14: what a description does to transceivers, and in which order."""

from __future__ import annotations

from cases.playing import PAIR, PC, negotiate, play, read, remote, settled
from cases.speaking import audio, data, description, video
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.script import (
    AddTrack,
    AddTransceiver,
    Call,
    CreateDataChannel,
    Fired,
    Get,
    Kind,
    Outcome,
    Ref,
    SetDirection,
    SetLocalDescription,
    Settle,
    Step,
    Stop,
    Track,
    WaitFor,
)

RID = "extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"


def transceivers(on: str = "pc") -> Call:
    return Call(on, "getTransceivers", (), "all")


def offer(*lines: str, direction: str = "sendrecv") -> str:
    return description(audio("a", direction, *lines))


def offered(*lines: str, direction: str = "sendrecv") -> list[Step]:
    return [PC, remote("offer", offer(*lines, direction=direction))]


async def test_sanity_an_offer_makes_a_transceiver(endpoint: Endpoint) -> None:
    (await play(endpoint, offered(), transceivers(), read("all.length"))).gave({"all.length": 1})


@clause("W3C-set-a-session-description-4.7.11.1.1.2")
async def test_a_local_offer_gives_a_transceiver_its_mid(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        AddTransceiver("audio"),
        SetLocalDescription(),
        read("transceiver.mid", "pc.localDescription.sdp"),
    )
    played.gave()
    mid = played["transceiver.mid"]
    check(f"a=mid:{mid}\r\n" in played["pc.localDescription.sdp"], f"the description lacks the mid {mid!r}")


@clause("W3C-set-a-session-description-4.7.11.2.9")
async def test_a_remote_offer_gives_a_transceiver_its_mid(endpoint: Endpoint) -> None:
    (await play(endpoint, offered(), transceivers(), read("all.0.mid"))).gave({"all.0.mid": "a"})


@clause("W3C-set-a-session-description-4.7.11.2.7.3")
async def test_a_transceiver_that_an_offer_makes_only_receives(endpoint: Endpoint) -> None:
    played = await play(endpoint, offered(), transceivers(), read("all.0.direction"))
    played.gave({"all.0.direction": "recvonly"})


@clause("W3C-set-a-session-description-4.7.11.2.7.1")
async def test_a_transceiver_that_an_offer_makes_has_no_track_to_send(endpoint: Endpoint) -> None:
    played = await play(endpoint, offered(), transceivers(), read("all.0.sender.track"))
    played.gave({"all.0.sender.track": None})


@clause("W3C-set-a-session-description-4.7.11.2.14.2")
async def test_an_offer_sets_no_current_direction(endpoint: Endpoint) -> None:
    played = await play(endpoint, offered(), transceivers(), read("all.0.currentDirection"))
    played.gave({"all.0.currentDirection": None})


@clause("W3C-set-a-session-description-4.7.11.1.7.4")
async def test_a_local_answer_sets_the_current_direction(endpoint: Endpoint) -> None:
    played = await play(endpoint, offered(), SetLocalDescription(), transceivers(), read("all.0.currentDirection"))
    played.gave({"all.0.currentDirection": "recvonly"})


@clause("W3C-set-a-session-description-4.7.11.2.14.2")
async def test_a_remote_answer_sets_the_current_direction(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, PAIR, AddTransceiver("audio", on="a"), negotiate(), read("transceiver.currentDirection")
    )
    played.gave({"transceiver.currentDirection": "sendonly"})


@clause("W3C-set-a-session-description-4.7.11.1.7.4")
async def test_a_provisional_answer_sets_the_current_direction(endpoint: Endpoint) -> None:
    answer = Call("pc", "setLocalDescription", ({"type": "pranswer", "sdp": Ref("answer.sdp")},))
    played = await play(
        endpoint,
        offered(),
        Call("pc", "createAnswer", (), "answer"),
        answer,
        transceivers(),
        read("all.0.currentDirection"),
    )
    played.gave({"all.0.currentDirection": "recvonly"})


@clause("W3C-set-a-session-description-4.7.11.2.5")
async def test_an_offer_is_for_a_track_that_waits(endpoint: Endpoint) -> None:
    added = (Track("audio", "track"), AddTrack(Ref("track")))
    played = await play(
        endpoint,
        PC,
        *added,
        remote("offer", offer()),
        transceivers(),
        read("all.length", "all.0.sender.track", "all.0.mid"),
    )
    played.gave({"all.length": 1, "all.0.sender.track": Ref("track"), "all.0.mid": "a"})


@clause("W3C-set-a-session-description-4.7.11.2.5")
async def test_an_offer_is_not_for_a_transceiver_that_was_added(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        AddTransceiver("audio"),
        remote("offer", offer()),
        transceivers(),
        read("all.length", "transceiver.mid"),
    )
    played.gave({"all.length": 2, "transceiver.mid": None})


@clause("W3C-set-a-session-description-4.7.11.2.5")
async def test_a_track_does_not_make_a_transceiver_wait_that_was_added(endpoint: Endpoint) -> None:
    """What counts is how the transceiver came to be, not that addTrack used it later."""
    added = (AddTransceiver("audio"), Track("audio", "track"), AddTrack(Ref("track")))
    played = await play(endpoint, PC, *added, remote("offer", offer()), transceivers(), read("all.length"))
    played.gave({"all.length": 2})


@clause("W3C-set-a-session-description-4.7.12.3.7", "W3C-set-a-session-description-4.7.11.2.5")
async def test_a_transceiver_that_outlived_a_rollback_waits_for_an_offer(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        offered(),
        Track("audio", "track"),
        AddTrack(Ref("track")),
        remote("rollback", ""),
        remote("offer", offer()),
        transceivers(),
        read("all.length", "all.0.mid"),
    )
    played.gave({"all.length": 1, "all.0.mid": "a"})


@clause("W3C-set-a-session-description-4.7.11.2.5")
async def test_an_offer_is_not_for_a_track_of_another_kind(endpoint: Endpoint) -> None:
    added = (Track("video", "track"), AddTrack(Ref("track")))
    played = await play(endpoint, PC, *added, remote("offer", offer()), transceivers(), read("all.length"))
    played.gave({"all.length": 2})


@clause("W3C-process-remote-tracks-2")
async def test_an_offer_to_send_fires_track(endpoint: Endpoint) -> None:
    played = await play(endpoint, offered())
    check(played.events("track") == ["track"], f"the events were {played.events()}")


@clause("W3C-process-remote-tracks-2")
async def test_an_offer_to_receive_fires_no_track(endpoint: Endpoint) -> None:
    played = await play(endpoint, offered(direction="recvonly"))
    played.gave()
    check(not played.events("track"), "track was fired")


@clause("W3C-set-the-associated-remote-streams-2", "W3C-process-the-addition-of-a-remote-track-4")
async def test_a_track_comes_in_the_stream_its_offer_names(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        offered("msid:stream track"),
        waited("track"),
        read("event.streams.length", "event.streams.0.id"),
    )
    played.gave({"event.streams.length": 1, "event.streams.0.id": "stream"})


def waited(event: str, on: str = "pc") -> Step:
    return WaitFor(event, on=on, bind="event")


@clause("W3C-process-the-addition-of-a-remote-track-3")
async def test_a_track_without_a_stream_comes_alone(endpoint: Endpoint) -> None:
    played = await play(endpoint, offered("msid:- track"), waited("track"), read("event.streams.length"))
    played.gave({"event.streams.length": 0})


@clause("W3C-set-the-associated-remote-streams-2")
async def test_two_tracks_of_one_stream_come_in_one_object(endpoint: Endpoint) -> None:
    both = description(audio("a", "sendrecv", "msid:stream one"), video("v", "sendrecv", "msid:stream two"))
    played = await play(
        endpoint,
        PC,
        remote("offer", both),
        waited("track"),
        Get("event.streams", "0", "stream"),
        waited("track"),
        Call("stream", "getTracks", (), "tracks"),
        read("event.streams.0", "tracks.length"),
    )
    played.gave({"event.streams.0": Ref("stream"), "tracks.length": 2})


@clause("W3C-set-a-session-description-4.7.20")
async def test_the_receiver_of_a_track_event_is_the_transceivers(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, offered(), waited("track"), read("event.receiver.track.kind", "event.transceiver.mid")
    )
    played.gave({"event.receiver.track.kind": "audio", "event.transceiver.mid": "a"})


@clause("W3C-set-a-session-description-4.7.15", "W3C-set-a-session-description-4.7.20")
async def test_the_signaling_state_comes_before_the_track(endpoint: Endpoint) -> None:
    played = await play(endpoint, offered())
    order = played.events("signalingstatechange", "track")
    check(order == ["signalingstatechange", "track"], f"the events were {order}")


@clause("W3C-set-a-session-description-4.7.20", "W3C-set-a-session-description-4.7.21")
async def test_the_track_comes_before_the_promise(endpoint: Endpoint) -> None:
    set_remote = Call("pc", "setRemoteDescription", ({"type": "offer", "sdp": offer()},), "promise", awaited=False)
    trace = await endpoint.play([PC, set_remote, Settle("promise")])
    order = [
        entry.event if isinstance(entry, Fired) else "promise"
        for entry in trace
        if (isinstance(entry, Fired) and entry.event == "track")
        or (isinstance(entry, Outcome) and entry.kind is Kind.SETTLED)
    ]
    check(order == ["track", "promise"], f"the order was {order}")


@clause("W3C-set-a-session-description-4.7.18", "W3C-set-the-associated-remote-streams-5")
async def test_a_track_leaves_its_stream_when_it_is_no_longer_sent(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        offered("msid:stream track"),
        waited("track"),
        Get("event.streams", "0", "stream"),
        SetLocalDescription(),
        remote("offer", offer("msid:stream track", direction="recvonly")),
        Call("stream", "getTracks", (), "tracks"),
        read("tracks.length"),
    )
    played.gave({"tracks.length": 0})
    check(played.events("removetrack", on="stream"), "removetrack was not fired")


@clause("W3C-process-remote-tracks-2", "W3C-set-a-session-description-4.7.19")
async def test_a_track_that_is_sent_again_is_announced_again(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        offered(direction="sendonly"),
        SetLocalDescription(),
        remote("offer", offer(direction="inactive")),
        SetLocalDescription(),
        remote("offer", offer(direction="sendonly")),
    )
    played.gave()
    check(len(played.events("track")) == 2, f"track was fired {len(played.events('track'))} times")


@clause("W3C-process-remote-tracks-2")
async def test_an_offer_that_says_the_same_announces_nothing(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, offered("msid:stream track"), SetLocalDescription(), remote("offer", offer("msid:stream track"))
    )
    played.gave()
    check(len(played.events("track")) == 1, f"track was fired {len(played.events('track'))} times")


@clause("W3C-set-the-associated-remote-streams-6", "W3C-process-remote-tracks-2")
async def test_a_track_in_another_stream_is_announced_again(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        offered("msid:stream track"),
        SetLocalDescription(),
        remote("offer", offer("msid:another track")),
    )
    played.gave()
    check(len(played.events("track")) == 2, f"track was fired {len(played.events('track'))} times")


@clause("W3C-set-a-session-description-4.7.11.2.15")
async def test_a_rejected_section_stops_its_transceiver(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        offered(),
        SetLocalDescription(),
        Call("pc", "getTransceivers", (), "before"),
        Get("before", "0", "transceiver"),
        remote("offer", description(audio("a", rejected=True), bundle=False)),
        read("transceiver.direction", "transceiver.currentDirection"),
    )
    played.gave({"transceiver.direction": "stopped", "transceiver.currentDirection": "stopped"})


@clause("W3C-set-a-session-description-4.7.13.1.1")
async def test_a_stopped_transceiver_leaves_the_set_with_the_answer(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PAIR,
        AddTransceiver("audio", on="a"),
        AddTransceiver("video", on="a", bind="other"),
        negotiate(),
        Stop(),
        negotiate(),
        transceivers("a"),
        read("all.length", "transceiver.currentDirection"),
    )
    played.gave({"all.length": 1, "transceiver.currentDirection": "stopped"})


@clause("W3C-set-a-session-description-4.7.13.1.1")
async def test_a_stopped_transceiver_leaves_the_other_set_too(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PAIR,
        AddTransceiver("audio", on="a"),
        AddTransceiver("video", on="a", bind="other"),
        negotiate(),
        Stop(),
        negotiate(),
        transceivers("b"),
        read("all.length", "all.0.receiver.track.kind"),
    )
    played.gave({"all.length": 1, "all.0.receiver.track.kind": "video"})


@clause("RFC9429-5.2.2-M4")
async def test_the_section_of_a_stopped_transceiver_is_used_again(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PAIR,
        AddTransceiver("audio", on="a"),
        AddTransceiver("video", on="a", bind="other"),
        negotiate(),
        Call("other", "stop"),
        negotiate(),
        AddTransceiver("audio", on="a", bind="late"),
        Call("a", "createOffer", (), "offer"),
    )
    played.gave()
    sections = [line for line in played["offer"]["sdp"].split("\r\n") if line.startswith("m=")]
    check(len(sections) == 2, f"the offer has {len(sections)} m-sections")


@clause("W3C-set-a-session-description-4.7.14.3", "W3C-update-the-negotiation-needed-flag~2-5.2")
async def test_what_the_answer_left_out_needs_negotiation(endpoint: Endpoint) -> None:
    """b's own transceiver is not in a's offer."""
    played = await play(
        endpoint,
        PAIR,
        AddTransceiver("audio", on="a"),
        AddTransceiver("video", on="b", bind="other"),
        negotiate(),
        WaitFor("negotiationneeded", on="b"),
        WaitFor("negotiationneeded", on="b"),
    )
    played.gave()


@clause("W3C-update-the-negotiation-needed-flag~2-6")
async def test_nothing_more_is_needed_after_an_answer(endpoint: Endpoint) -> None:
    played = await play(endpoint, PAIR, AddTransceiver("audio", on="a"), negotiate(), settled("a"), settled("b"))
    played.gave()
    fired = [one for one in played.trace.events("negotiationneeded") if one.step >= 6]
    check(not fired, f"negotiationneeded was fired {len(fired)} times after the answer")


@clause("W3C-set-a-session-description-4.7.11.1.5", "RFC9429-5.3.1-M1")
async def test_an_answer_takes_the_direction_of_the_transceiver(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        offered(),
        transceivers(),
        SetDirection("inactive", on="all.0"),
        SetLocalDescription(),
        read("all.0.currentDirection"),
    )
    played.gave({"all.0.currentDirection": "inactive"})


@clause("W3C-set-a-session-description-4.7.11.2.10")
async def test_a_direction_is_turned_to_our_view(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        offered(direction="recvonly"),
        transceivers(),
        SetDirection("sendrecv", on="all.0"),
        SetLocalDescription(),
        read("all.0.currentDirection"),
    )
    played.gave({"all.0.currentDirection": "sendonly"})


@clause("W3C-set-a-session-description-4.7.11.2.6.1")
async def test_an_offer_to_receive_layers_gives_a_sender_its_encodings(endpoint: Endpoint) -> None:
    asked = (RID, "rid:hi recv", "rid:lo recv", "simulcast:recv hi;lo")
    played = await play(
        endpoint,
        PC,
        Track("video", "track"),
        AddTrack(Ref("track")),
        remote("offer", description(video("v", "recvonly", *asked))),
        Call("sender", "getParameters", (), "parameters"),
        read("parameters.encodings.length", "parameters.encodings.0.rid"),
    )
    played.gave({"parameters.encodings.length": 2, "parameters.encodings.0.rid": "hi"})


@clause("W3C-set-a-session-description-4.7.11.2.4")
async def test_layers_that_are_asked_for_are_scaled(endpoint: Endpoint) -> None:
    asked = (RID, "rid:lo recv", "rid:hi recv", "simulcast:recv lo;hi")
    played = await play(
        endpoint,
        PC,
        Track("video", "track"),
        AddTrack(Ref("track")),
        remote("offer", description(video("v", "recvonly", *asked))),
        Call("sender", "getParameters", (), "parameters"),
        read("parameters.encodings.0.scaleResolutionDownBy", "parameters.encodings.1.scaleResolutionDownBy"),
    )
    played.gave({"parameters.encodings.0.scaleResolutionDownBy": 2, "parameters.encodings.1.scaleResolutionDownBy": 1})


@clause("W3C-set-a-session-description-4.7.11.2.2")
async def test_a_layer_that_is_asked_for_twice_is_one(endpoint: Endpoint) -> None:
    asked = (RID, "rid:a recv", "rid:b recv", "simulcast:recv a;b;a")
    played = await play(
        endpoint,
        PC,
        Track("video", "track"),
        AddTrack(Ref("track")),
        remote("offer", description(video("v", "recvonly", *asked))),
        Call("sender", "getParameters", (), "parameters"),
        read("parameters.encodings.length"),
    )
    played.gave({"parameters.encodings.length": 2})


@clause("W3C-set-a-session-description-4.7.11.2.8.1")
async def test_an_answer_without_layers_leaves_the_first(endpoint: Endpoint) -> None:
    layers = [{"rid": "a"}, {"rid": "b"}]
    played = await play(
        endpoint,
        PAIR,
        AddTransceiver("video", on="a", sendEncodings=layers),
        negotiate(),
        Call("transceiver.sender", "getParameters", (), "parameters"),
        read("parameters.encodings.length"),
    )
    played.gave({"parameters.encodings.length": 1})


@clause("W3C-set-a-session-description-4.7.7")
async def test_a_remote_offer_of_data_makes_an_association(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, remote("offer", description(data("d"))), read("pc.sctp.state"))
    played.gave({"pc.sctp.state": "connecting"})


@clause("W3C-update-the-negotiation-needed-flag~2-4")
async def test_data_that_is_negotiated_needs_nothing_more(endpoint: Endpoint) -> None:
    played = await play(endpoint, PAIR, CreateDataChannel("x", on="a"), negotiate(), settled("a"), settled("b"))
    played.gave()
    fired = [one for one in played.trace.events("negotiationneeded") if one.step >= 6]
    check(not fired, f"negotiationneeded was fired {len(fired)} times after the answer")
