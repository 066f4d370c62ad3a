"""A browser's page as an endpoint, and the browser as what makes such endpoints.

One browser serves a session, a page one endpoint at a time. Playwright is started by whoever owns the session
(`endpoints.Stacks`).
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import tempfile
import zlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, Page, Playwright
from playwright.async_api import Error as PlaywrightError

from harness import browsers
from harness.endpoints.base import Endpoint, Stack
from harness.endpoints.remains import Remains
from harness.endpoints.tab import Tab, quietly
from harness.errors import EndpointCrashed, EndpointError
from harness.script.steps import Script, Step
from harness.script.trace import Entry, Fired, Kind, Outcome, entry_from_json, failure_from_json
from harness.script.values import from_json

__all__ = ["BrowserEndpoint", "BrowserStack"]

_AS_USUAL: Final = browsers.Launch()
# What Playwright says when the document is gone that a script plays in. A page of ours goes nowhere by itself: its
# process died, of which Firefox has no event.
_NO_PLAYER: Final = "Execution context was destroyed"


class BrowserEndpoint(Endpoint):
    """One page, for the time of one case. `give_back` is told when the case has ended, and whether it ended well."""

    def __init__(
        self, name: str, stack: BrowserStack, tab: Tab, give_back: Callable[[Tab, bool], Awaitable[None]]
    ) -> None:
        super().__init__(name, stack.name, stack.build)
        self._tab = tab
        self._give_back = give_back
        self._under_way = 0
        self._slow_to_send = stack.name == browsers.Browser.FIREFOX
        self._nudges: set[asyncio.Task[None]] = set()
        self._keylog = stack.keylog
        self._keylog_start = self._keylog.stat().st_size if self._keylog.exists() else 0
        self._remains = Remains.since_now(self._keylog.parent)
        tab.let(self)

    @property
    def page(self) -> Page:
        """Playwright's page, for what a script can't say."""
        return self._tab.page

    def died(self, how: str) -> None:
        """Nothing more will come from this page."""
        self.lose(EndpointCrashed(f"{self.name} ({self.build}) died: {how}"))

    def said(self, line: str) -> None:
        """A line of the page's console."""
        self.log.append(line)

    def streamed(self, text: str) -> None:
        """A batch of events the page sent by itself."""
        self._deliver(entry_from_json(entry) for entry in json.loads(text))

    async def _perform(self, steps: Sequence[Step], *, stream: bool, quiet: bool) -> list[Entry]:
        request = json.dumps({"steps": Script(tuple(steps)).to_json(), "stream": stream, "quiet": quiet})
        self._under_way += 1
        try:
            answer = await self.page.evaluate("text => peerproof.play(text)", request)
        except PlaywrightError as error:
            raise self._failure(error) from error
        self._under_way -= 1
        if stream and self._slow_to_send:
            nudge = asyncio.create_task(self._nudge())
            self._nudges.add(nudge)
            nudge.add_done_callback(self._nudges.discard)
        entries, events = answer.split("\n")
        self._deliver(entry_from_json(entry) for entry in json.loads(events))
        return list(_entries(json.loads(_unpacked(entries))))

    async def _nudge(self) -> None:
        """Ask for nothing, so that an acknowledgement goes out with the question.

        Firefox's automation channel is a TCP connection with Nagle's algorithm on: what it sends right after a
        result waits until that is acknowledged, which takes 40 ms unless we have something to send.
        """
        with suppress(PlaywrightError):
            await self.page.evaluate("0")

    def _failure(self, error: PlaywrightError) -> EndpointError:
        if not self._tab.alive:
            self.died("its browser went away")
        elif _NO_PLAYER in error.message:
            self.died("its page went away")
        if self._lost.done() and isinstance(lost := self._lost.exception(), EndpointError):
            return lost
        return EndpointError(f"{self.name}: {error.message}")

    @property
    def secrets(self) -> list[str]:
        """The lines of an NSS key log its browser wrote since this endpoint was made. Firefox writes one."""
        if not self._keylog.exists():
            return []
        return self._keylog.read_bytes()[self._keylog_start :].decode("ascii", "replace").splitlines()

    @property
    def remains(self) -> dict[str, bytes]:
        return self._remains.files()

    async def reset(self) -> None:
        await super().reset()
        try:
            await self.page.evaluate("peerproof.reset()")
        except PlaywrightError as error:
            raise self._failure(error) from error

    async def close(self) -> None:
        if self._tab.tenant is not self:
            return
        # A play that is still under way would meddle with what the page does next.
        well = not self._lost.done() and self._under_way == 0
        # First of all: whatever is still asked of this endpoint must not reach the page's next tenant.
        self.lose(EndpointError(f"{self.name} is closed"))
        await self._give_back(self._tab, well)


def _unpacked(text: str) -> str | bytes:
    """A long text comes compressed (`packed`)."""
    return zlib.decompress(base64.b64decode(text[1:])) if text.startswith("z") else text


def _entries(rows: list[list[Any]]) -> Iterator[Entry]:
    """The entries a page tells of in rows (`compacted`), with their states whole again."""
    known: dict[str, dict[str, Any]] = {}
    for step, time, sequence, changes, *told in rows:
        event = len(told) == 3
        if changes is not None:
            known = dict(known)
            for name, changed in ((told[0], changes),) if event else changes.items():
                if changed is None:
                    del known[name]
                else:
                    known[name] = {**known.get(name, {}), **changed}
        if event:
            on, fired, detail = told
            yield Fired(step, on, fired, from_json(detail), known[on], float(time), sequence)
            continue
        kind, came_to = Kind(told[0]), told[1]
        if kind in (Kind.EXCEPTION, Kind.REJECTED):
            yield Outcome(step, kind, None, failure_from_json(came_to), known, float(time), sequence)
        else:
            yield Outcome(step, kind, from_json(came_to), None, known, float(time), sequence)


class BrowserStack(Stack):
    """A browser. It starts when its first endpoint is asked for, and again after it died."""

    def __init__(
        self,
        browser: browsers.Browser,
        playwright: Callable[[], Awaitable[Playwright]],
        launch: browsers.Launch = _AS_USUAL,
    ) -> None:
        self.name = browser.value
        self._launch = launch
        self._kind = browser
        self._playwright = playwright
        self._browser: Browser | None = None
        self._let: list[Tab] = []
        self._free: list[Tab] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    async def start(self) -> None:
        if self._browser is not None and self._browser.is_connected():
            return
        found = browsers.require(self._kind)
        playwright = await self._playwright()
        kind = playwright.chromium if self._kind is browsers.Browser.CHROMIUM else playwright.firefox
        folder = self.keylog.parent
        environment: dict[str, str | float | bool] = {
            **os.environ,
            **Remains.environment(folder),
            "SSLKEYLOGFILE": str(self.keylog),
        }
        try:
            options = self._launch.options(found, kind.executable_path, folder)
            self._browser = await kind.launch(**options, env=environment)
        except PlaywrightError as error:
            reason = error.message.strip().splitlines()
            raise EndpointError(f"{self.name} ({found.executable}) could not be started: {reason[0]}") from error
        self._browser.on("disconnected", self._disconnected)
        self.build = self._browser.version

    @property
    def keylog(self) -> Path:
        """Where this browser writes its TLS secrets, if it does."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="peerproof-")
        return Path(self._folder.name) / "keys.log"

    def _disconnected(self, browser: Browser) -> None:
        if browser is not self._browser:
            return
        for tab in self._let:
            tab.died("its browser went away")
        self._let.clear()
        self._free.clear()

    async def endpoint(self, name: str | None = None) -> BrowserEndpoint:
        await self.start()
        if self._browser is None:
            raise EndpointError(f"{self.name} is not running")
        try:
            tab = self._free.pop() if self._free else await Tab.open(self._browser)
        except PlaywrightError as error:
            raise EndpointCrashed(f"{self.name} ({self.build}) gave no page: {error.message}") from error
        self._let.append(tab)
        return BrowserEndpoint(name or self.name, self, tab, self._take_back)

    async def _take_back(self, tab: Tab, well: bool) -> None:
        if tab in self._let:
            self._let.remove(tab)
        if well and await tab.clear():
            self._free.append(tab)
        elif not await tab.close() and not self._let:
            self._abandon()

    def _abandon(self) -> None:
        """Kill a browser that hangs: its next page would hang with it. The next endpoint starts another one."""
        self._browser = None
        self._free.clear()
        with suppress(OSError, ValueError):
            # Playwright starts it as a process group of its own.
            os.killpg(Remains(self.keylog.parent).pid, signal.SIGKILL)

    async def stop(self) -> None:
        for tab in self._let:
            tab.died("its browser was stopped")
        self._let.clear()
        self._free.clear()
        if self._browser is not None:
            await quietly(self._browser.close())
            self._browser = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
