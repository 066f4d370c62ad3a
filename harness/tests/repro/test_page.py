"""The page of a story needs nothing but a browser: it is opened in both, without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.endpoints import Stacks
from harness.endpoints.browser import BrowserEndpoint
from harness.repro import Story, of_script, render_page
from harness.script import (
    AddTrack,
    AddTransceiver,
    Call,
    Close,
    CreateDataChannel,
    CreateOffer,
    CreatePeerConnection,
    Echo,
    Get,
    Look,
    New,
    Pause,
    Ref,
    Script,
    Set,
    SetLocalDescription,
    SetRemoteDescription,
    Settle,
    Track,
    WaitFor,
    Watch,
)


async def opened(stacks: Stacks, browser: str, page: Path) -> tuple[str, list[str]]:
    """Open a page in a browser: its verdict, and the steps that ended otherwise than recorded."""
    endpoint = await stacks.endpoint(browser)
    assert isinstance(endpoint, BrowserEndpoint)
    tab = await endpoint.page.context.new_page()
    await tab.goto(page.as_uri())
    await tab.wait_for_function("document.documentElement.dataset.done !== undefined", timeout=30_000)
    verdict = await tab.inner_text("#verdict")
    differing = await tab.locator("li.differs").all_inner_texts()
    await tab.close()
    await endpoint.close()
    return verdict, differing


def test_a_page_needs_no_other_file(story: Story) -> None:
    page = render_page(story, {"reference": "peerproof 0.1.0"})
    assert "http" not in page
    assert "src=" not in page
    assert "two that &lt;talk&gt;" in page
    assert "a was one, b was other" in page
    assert "@STEPS@" not in page


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
async def test_a_page_plays_both_sides(story: Story, stacks: Stacks, tmp_path: Path, browser: str) -> None:
    page = tmp_path / "repro.html"
    page.write_text(render_page(story))
    assert await opened(stacks, browser, page) == ("Every step ends as recorded.", [])


EVERYTHING = Script.of(
    CreatePeerConnection({"iceServers": []}),
    CreateDataChannel('quote " and \\ and </script>', ordered=False),
    Echo("channel"),
    Set("channel", "binaryType", "arraybuffer"),
    Get("channel", "label"),
    AddTransceiver("video", direction="recvonly"),
    Track("audio", bind="track"),
    AddTrack(Ref("track")),
    Track("video", bind="moving", width=160, height=120),
    Watch("moving", "watcher"),
    Look("watcher", 1),
    Get("pc", "sctp", bind="sctp"),
    New("MediaStream", ([Ref("track")],), "stream"),
    CreateOffer(awaited=False),
    Settle("offer"),
    SetLocalDescription(),
    WaitFor("iceGatheringState", "complete"),
    Pause(0.01),
    SetRemoteDescription(type="answer", sdp="v=0\r\nnonsense"),
    Call("pc", "addTransceiver", ("smell",)),
    Close(),
)


async def test_every_operation_can_be_written(stacks: Stacks, tmp_path: Path) -> None:
    """What throws is shown as other than recorded: the story says that every step ended well."""
    page = tmp_path / "repro.html"
    page.write_text(render_page(of_script(EVERYTHING, "chromium")))
    verdict, differing = await opened(stacks, "chromium", page)
    assert verdict == "2 steps end otherwise than recorded."
    assert "recorded: value, now: OperationError" in differing[0]
    assert "recorded: value, now: TypeError" in differing[1]
