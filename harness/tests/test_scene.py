"""A scene: endpoints are named, watched and captured; artefacts say what happened."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from harness.capture import pcapng
from harness.capture.match import datagram, dtls, stun
from harness.capture.recording import Capture
from harness.cases import connect
from harness.endpoints import Stacks
from harness.errors import EndpointError
from harness.exhibits import Exhibit
from harness.report.evidence import read_evidence
from harness.results import Artefact
from harness.scene import Scene
from harness.verdict import Judgement, Ledger, Verdict


@pytest_asyncio.fixture(loop_scope="session")
async def made(stacks: Stacks, capture: Capture) -> AsyncIterator[Scene]:
    scene = Scene(stacks, capture, Ledger())
    yield scene
    await scene.close()


async def test_the_second_endpoint_of_a_stack_has_a_name_of_its_own(made: Scene) -> None:
    names = [(await made.endpoint("reference")).name for _ in range(3)]
    assert names == ["reference", "reference (2)", "reference (3)"]


async def test_packets_are_known_by_who_sent_them(made: Scene) -> None:
    one, other = await made.endpoint("reference"), await made.endpoint("reference")
    connection = await connect(one, other, hear=made.hear)
    far = await connection.other_channel()
    assert connection.channel is not None
    await connection.channel.send("never in clear")
    await far.receive()
    made.wire.expect(stun.binding_request(), sender=one)
    made.wire.expect(stun.binding_request(), sender=other)
    made.wire.expect(dtls.client_hello(), sender=other)
    made.wire.never(datagram.containing(b"never in clear"))


async def test_artefacts_say_what_happened(made: Scene, tmp_path: Path) -> None:
    one, other = await made.endpoint("reference"), await made.endpoint("reference")
    connection = await connect(one, other, hear=made.hear)
    await connection.other_channel()
    made.ledger.record(Judgement("RFC8445-7.2.2-M1", Verdict.PASS, "", (1,)))
    made.exhibits.append(Exhibit("video-0", "what was seen", "image/png", b"a picture"))
    await made.close()
    paths = made.save(tmp_path, "cases/x.py::test_y", ("reference", "reference"))
    assert (tmp_path / paths["video-0"]).read_bytes() == b"a picture"
    assert set(paths) >= {artefact.value for artefact in Artefact if artefact not in (Artefact.LOG,)}
    assert (tmp_path / paths["offer_sdp"]).read_bytes().decode() == connection.offer
    drawn = json.loads(gzip.decompress((tmp_path / paths["ladder"]).read_bytes()))
    assert {check["states"][-1][1] for check in drawn["checks"]} & {"succeeded", "nominated"}
    assert all(check["states"][0][1] == "in-progress" for check in drawn["checks"])
    assert {check["endpoint"] for check in drawn["checks"]} <= {"reference", "reference (2)"}
    lines = [json.loads(line) for line in gzip.decompress((tmp_path / paths["trace"]).read_bytes()).splitlines()]
    assert [line["t"] for line in lines] == sorted(line["t"] for line in lines)
    assert {"pc1.createOffer", "pc1.signalingstatechange"} <= {line["name"] for line in lines}
    drawn = json.loads(gzip.decompress((tmp_path / paths["ladder"]).read_bytes()))
    assert drawn["lanes"] == ["reference", "reference (2)"]
    assert {"signalling", "event", "stun", "dtls", "sctp"} <= {row["kind"] for row in drawn["rows"]}
    assert [row["t"] for row in drawn["rows"]] == sorted(row["t"] for row in drawn["rows"])
    assert "cases/x.py::test_y" in (tmp_path / paths["repro_py"]).read_text()


async def test_what_is_left_of_a_pass_is_one_small_file(made: Scene, tmp_path: Path) -> None:
    one, other = await made.endpoint("reference"), await made.endpoint("reference")
    connection = await connect(one, other, hear=made.hear)
    await connection.other_channel()
    await made.close()
    made.save(tmp_path, "x", ("reference", "reference"))
    paths = made.save(tmp_path, "x", ("reference", "reference"), whole=False)
    assert list(paths) == ["ladder"]
    assert os.listdir(tmp_path / "cells") == [paths["ladder"].removeprefix("cells/")]
    assert (tmp_path / paths["ladder"]).stat().st_size < 8000
    evidence = read_evidence(tmp_path, paths)
    assert (evidence.offer, evidence.answer, evidence.problems) == (connection.offer, connection.answer, ())
    assert {row.kind for row in evidence.ladder.rows} >= {"signalling", "stun", "dtls"}


async def test_a_brief_capture_has_the_judged_frame_whole(
    made: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.capture.export._WHOLE", 0)
    one, other = await made.endpoint("reference"), await made.endpoint("reference")
    connection = await connect(one, other, hear=made.hear)
    await connection.other_channel()
    hello = made.wire.expect(dtls.client_hello(), sender=other)
    made.ledger.record(Judgement("RFC9147-5.1-M1", Verdict.PASS, "", (hello.number,)))
    await made.close()
    paths = made.save(tmp_path, "x", ("reference", "reference"), brief=True)
    kept = pcapng.read((tmp_path / paths["pcapng"]).read_bytes()).packets
    assert len(kept) == len(made.recording.frames)
    assert kept[hello.number - 1].size == 0
    assert any(each.size for each in kept)
    assert all(len(each.data) <= 128 for each in kept if not each.comments)


async def test_a_scene_without_endpoints_leaves_nothing(made: Scene, tmp_path: Path) -> None:
    await made.close()
    assert made.save(tmp_path, "x", ("reference",)) == {}
    assert os.listdir(tmp_path) == []


async def test_an_exception_nobody_catches_ends_the_reference_peer(made: Scene) -> None:
    endpoint = await made.endpoint("reference")

    def broken() -> None:
        raise KeyError("a bug of ours")

    asyncio.get_running_loop().call_soon(broken)
    await asyncio.sleep(0.01)
    with pytest.raises(EndpointError, match="a bug of ours"):
        await endpoint.peer_connection()
    with pytest.raises(EndpointError, match="a bug of ours"):
        made.raise_problems()


async def test_the_loop_has_its_own_handler_back_afterwards(stacks: Stacks, capture: Capture) -> None:
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    scene = Scene(stacks, capture, Ledger())
    assert loop.get_exception_handler() is not before
    await scene.close()
    assert loop.get_exception_handler() is before
