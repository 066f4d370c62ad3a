"""A browser's pages: used again after a case that ended well, thrown away after one that didn't."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from harness.endpoints import Stacks
from harness.endpoints.browser import BrowserEndpoint, BrowserStack
from harness.endpoints.player import tables
from harness.errors import EndpointCrashed, EndpointError, EndpointTimeout
from harness.script import Close, CreateDataChannel, CreatePeerConnection, Get, Pause, Script, SetLocalDescription


@pytest_asyncio.fixture(loop_scope="session")
async def stack(stacks: Stacks) -> AsyncIterator[BrowserStack]:
    """A Chromium of its own, without pages."""
    made = stacks.get("chromium")
    assert isinstance(made, BrowserStack)
    for tab in made._free:
        await tab.close()
    made._free.clear()
    yield made


async def test_a_page_serves_the_next_case_and_remembers_nothing(stack: BrowserStack) -> None:
    first = await stack.endpoint()
    page = first.page
    await first.play(Script.of(CreatePeerConnection()))
    await first.close()
    second = await stack.endpoint()
    assert second.page is page
    trace = await second.play(Script.of(Get("pc", "signalingState")))
    assert [failure.name for failure in trace.failures] == ["ReferenceError"]
    await second.close()


async def test_nothing_reaches_the_next_tenant_of_a_page(stack: BrowserStack) -> None:
    """What is still asked of an endpoint that is closed, or said by it, concerns nobody any more."""
    first = await stack.endpoint()
    pc = await first.peer_connection()
    await first.close()
    second = await stack.endpoint()
    await second.peer_connection()
    with pytest.raises(EndpointError, match="is closed"):
        await pc.close()
    assert [entry for entry in second.entries if entry.what == "event"] == []
    await second.close()


async def test_a_page_with_a_play_under_way_is_thrown_away(stack: BrowserStack) -> None:
    first = await stack.endpoint()
    page = first.page
    playing = asyncio.ensure_future(first.play(Script.of(Pause(30))))
    await asyncio.sleep(0.05)
    await first.close()
    with pytest.raises(EndpointError):
        await playing
    second = await stack.endpoint()
    assert second.page is not page
    assert page.is_closed()
    await second.close()


async def test_a_page_that_crashes_is_a_crash_and_the_next_case_has_another(stack: BrowserStack) -> None:
    endpoint = await stack.endpoint()
    waiting = asyncio.ensure_future(endpoint.play(Script.of(Pause(30))))
    await asyncio.sleep(0.05)
    with pytest.raises(Exception, match=r"crash|closed|ERR"):
        await endpoint.page.goto("chrome://crash", timeout=5000)
    with pytest.raises(EndpointCrashed, match=r"chromium \(.+\) died: its page crashed"):
        await waiting
    with pytest.raises(EndpointCrashed):
        await endpoint.peer_connection()
    remains = endpoint.remains
    assert b"Intentionally crashing" in remains["browser.log"]
    assert remains["crash-0.dmp"].startswith(b"MDMP")
    await endpoint.close()
    other = await stack.endpoint()
    assert (await other.peer_connection()).signalingState == "stable"
    assert set(other.remains) == {"browser.log"}
    await other.close()


async def test_a_page_that_hangs_is_a_time_out(stack: BrowserStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.endpoints.base._MARGIN", 0.3)
    endpoint: BrowserEndpoint = await stack.endpoint()
    hang = asyncio.ensure_future(endpoint.page.evaluate("for (const end = Date.now() + 1500; Date.now() < end; );"))
    with pytest.raises(EndpointTimeout, match="did not come back from a script"):
        await endpoint.play(Script.of(CreatePeerConnection()))
    await hang
    await endpoint.close()


async def test_a_browser_that_hangs_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.endpoints.base._MARGIN", 0.3)
    monkeypatch.setattr("harness.endpoints.tab._FAREWELL", 0.3)
    async with Stacks() as stacks:
        endpoint = await stacks.endpoint("chromium")
        assert isinstance(endpoint, BrowserEndpoint)
        hung = endpoint._remains.pid
        os.kill(hung, signal.SIGSTOP)
        with pytest.raises(EndpointTimeout, match="did not come back from a script"):
            await endpoint.play(Script.of(CreatePeerConnection()))
        await endpoint.close()
        monkeypatch.undo()
        other = await stacks.endpoint("chromium")
        assert isinstance(other, BrowserEndpoint)
        assert other._remains.pid != hung
        assert (await other.peer_connection()).signalingState == "stable"
        await other.close()


async def test_console_and_uncaught_errors_are_kept(stack: BrowserStack) -> None:
    endpoint = await stack.endpoint()
    await endpoint.page.evaluate("console.warn('careful'); setTimeout(() => { throw new Error('lost') })")
    for _ in range(100):
        if len(endpoint.log) >= 2:
            break
        await asyncio.sleep(0.02)
    assert endpoint.log[0] == "console.warning: careful"
    assert "lost" in endpoint.log[1]
    await endpoint.close()


async def test_an_unknown_stack_is_named_with_those_there_are(stacks: Stacks) -> None:
    with pytest.raises(EndpointError, match="unknown endpoint 'netscape'; there are reference, chromium, firefox"):
        await stacks.endpoint("netscape")


async def test_a_stack_of_ones_own_can_be_added(stacks: Stacks) -> None:
    stacks.add("mine", lambda: stacks.get("reference"))
    assert (await stacks.endpoint("mine", "me")).name == "me"


async def test_states_are_whole_and_a_long_answer_too(stack: BrowserStack) -> None:
    endpoint = await stack.endpoint()
    long = CreateDataChannel("x" * 40_000, bind="long")
    trace = await endpoint.play([CreatePeerConnection(), long, Get("long", "label"), SetLocalDescription(), Close()])
    assert trace.value(2) == "x" * 40_000
    *_, described, closed = trace.outcomes
    assert described.states["long"] == {"readyState": "connecting", "id": None}
    assert (
        set(described.states["pc"])
        == set(closed.states["pc"])
        == set(tables()["interfaces"]["RTCPeerConnection"]["states"])
    )
    assert [fired.states["signalingState"] for fired in trace.events("signalingstatechange")] == ["have-local-offer"]
    assert trace.outcomes[1].states["pc"]["signalingState"] == "stable"
    await endpoint.close()
