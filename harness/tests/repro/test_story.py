"""Stories: what was said then is replaced by what will be said, and nothing else is lost."""

from __future__ import annotations

import json

import pytest

from harness.repro.story import Act, Spoken, Story, Trickles, of_script
from harness.script import Call, CreateOffer, CreatePeerConnection, New, Ref, Script, ScriptError, Wait


def calls(story: Story, method: str) -> list[tuple[int, Act]]:
    return [
        (at, chapter)
        for at, chapter in enumerate(story.chapters)
        if isinstance(chapter, Act) and isinstance(chapter.step, Call) and chapter.step.method == method
    ]


def test_descriptions_of_the_other_side_are_said_anew(story: Story) -> None:
    applied = calls(story, "setRemoteDescription")
    assert [story.spoken[at] for at, _ in applied] == [Spoken("one", "pc1", "offer"), Spoken("other", "pc1", "answer")]


def test_candidates_of_the_other_side_are_carried(story: Story) -> None:
    assert calls(story, "addIceCandidate") == []
    carried = [chapter for chapter in story.chapters if isinstance(chapter, Trickles)]
    assert len(carried) == 1
    assert {carried[0].one, carried[0].other} == {("one", "pc1"), ("other", "pc1")}


def test_waiting_is_part_of_the_story(story: Story) -> None:
    waits = [chapter.step for chapter in story.chapters if isinstance(chapter, Act) and isinstance(chapter.step, Wait)]
    assert {(wait.on, wait.event or wait.attribute) for wait in waits} >= {
        ("pc1", "connectionState"),
        ("channel2", "readyState"),
        ("pc1", "datachannel"),
        ("pc1:channel0", "message"),
    }


def test_a_large_message_is_not_written_out(story: Story) -> None:
    sent = [act.step.args[0] for _, act in calls(story, "send") if isinstance(act.step, Call)]
    assert sent == ["hello", b"\x00\x01", Ref("zeros:5000")]


def test_what_was_thrown_is_kept(story: Story) -> None:
    assert [act.ended for _, act in calls(story, "noSuchMethod")] == ["TypeError"]


def test_a_story_survives_json(story: Story) -> None:
    assert Story.from_json(json.loads(json.dumps(story.to_json()))) == story


def test_a_script_is_a_story_of_one() -> None:
    told = of_script(Script.of(CreatePeerConnection(), CreateOffer()), "firefox")
    assert told.stacks == {"firefox": "firefox"}
    assert told.chapters[0] == Act("firefox", New("RTCPeerConnection", (), "pc"))


@pytest.mark.parametrize("broken", [{}, {"title": 1, "stacks": {}, "chapters": [{}], "spoken": {}}])
def test_what_is_no_story_is_a_script_error(broken: dict[str, object]) -> None:
    with pytest.raises(ScriptError):
        Story.from_json(broken)
