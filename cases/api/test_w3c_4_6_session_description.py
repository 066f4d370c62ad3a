"""W3C webrtc-pc section 4.6.2: RTCSessionDescription."""

from __future__ import annotations

from typing import Any

from cases.playing import PC, play, read
from harness.cases import clause
from harness.endpoints.base import Endpoint
from harness.script import Call, CreateDataChannel, New, Ref, SetLocalDescription


def made(*init: Any) -> New:
    return New("RTCSessionDescription", init, "one")


async def test_sanity_a_description_is_made(endpoint: Endpoint) -> None:
    (await play(endpoint, made({"type": "offer"}), read("one.type"))).gave({"one.type": "offer"})


@clause("W3C-Introduction-M1")
async def test_a_description_has_a_type(endpoint: Endpoint) -> None:
    (await play(endpoint, made({"sdp": ""}))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_a_description_is_made_of_something(endpoint: Endpoint) -> None:
    (await play(endpoint, made())).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_a_type_is_one_of_four(endpoint: Endpoint) -> None:
    (await play(endpoint, made({"type": "question"}))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_an_absent_text_is_empty(endpoint: Endpoint) -> None:
    (await play(endpoint, made({"type": "rollback"}), read("one.sdp"))).gave({"one.sdp": ""})


@clause("W3C-Introduction-M1")
async def test_a_description_may_be_made_of_another(endpoint: Endpoint) -> None:
    steps = (made({"type": "answer", "sdp": "v=0"}), New("RTCSessionDescription", (Ref("one"),), "two"))
    (await play(endpoint, *steps, read("two.type", "two.sdp"))).gave({"two.type": "answer", "two.sdp": "v=0"})


@clause("W3C-Introduction-M1")
async def test_a_description_is_signalled_whole(endpoint: Endpoint) -> None:
    played = await play(endpoint, made({"type": "pranswer", "sdp": "x"}), Call("one", "toJSON", (), "json"))
    played.gave(json={"type": "pranswer", "sdp": "x"})


@clause("W3C-RTCPeerConnection.localDescription-M1")
async def test_the_local_description_is_the_pending_one(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        CreateDataChannel("case"),
        SetLocalDescription(),
        read("pc.localDescription.type", "pc.pendingLocalDescription.type", "pc.currentLocalDescription"),
    )
    played.gave(
        {
            "pc.localDescription.type": "offer",
            "pc.pendingLocalDescription.type": "offer",
            "pc.currentLocalDescription": None,
        }
    )
