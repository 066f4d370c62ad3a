"""A browser's page as an endpoint.

One browser per session, one context with one page per case. The page is served from `http://localhost/`, by interception: no
server runs, and the page is a secure context. Playwright is started by whoever owns the session (`endpoints.Stacks`).
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, BrowserContext, Page, Playwright, Route
from playwright.async_api import Error as PlaywrightError

from harness import browsers
from harness.endpoints.base import Endpoint, Stack
from harness.errors import EndpointCrashed, EndpointError
from harness.endpoints.player import tables
from harness.script.steps import Script, Step
from harness.script.trace import Entry, entry_from_json

__all__ = ["BrowserEndpoint", "BrowserStack", "player_source"]

_ORIGIN: Final = "http://localhost/"
_DOCUMENT: Final = "<!doctype html><meta charset=utf-8><title>peerproof</title>"
_STREAM: Final = "__peerproof"
# Seconds a dying browser gets before we stop waiting for it.
_FAREWELL: Final = 5.0


@cache
def player_source() -> str:
    """The script that makes a page play scripts."""
    source = files("harness.endpoints").joinpath("player.js").read_text("utf-8")
    return f"const TABLES = {json.dumps(tables())};\n{source}"


class BrowserEndpoint(Endpoint):
    """One page."""

    def __init__(self, name: str, stack: str, build: str, page: Page, keylog: Path | None = None) -> None:
        super().__init__(name, stack, build)
        self.page = page
        self._keylog = keylog
        self._keylog_start = keylog.stat().st_size if keylog is not None and keylog.exists() else 0
        page.on("console", lambda message: self.log.append(f"console.{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.log.append(f"uncaught: {error}"))
        page.on("crash", lambda _: self.died("its page crashed"))

    def died(self, how: str) -> None:
        """Nothing more will come from this page."""
        self.lose(EndpointCrashed(f"{self.name} ({self.build}) died: {how}"))

    async def _perform(self, steps: Sequence[Step], *, stream: bool, quiet: bool) -> list[Entry]:
        request = json.dumps({"steps": Script(tuple(steps)).to_json(), "stream": stream, "quiet": quiet})
        try:
            answer = await self.page.evaluate("text => peerproof.play(text)", request)
        except PlaywrightError as error:
            raise self._failure(error) from error
        return [entry_from_json(entry) for entry in json.loads(answer)["entries"]]

    def _failure(self, error: PlaywrightError) -> EndpointError:
        browser = self.page.context.browser
        if self.page.is_closed() or browser is None or not browser.is_connected():
            self.died("its browser went away")
        if self._lost.done() and isinstance(lost := self._lost.exception(), EndpointError):
            return lost
        return EndpointError(f"{self.name}: {error.message}")

    @property
    def secrets(self) -> list[str]:
        """The lines of an NSS key log its browser wrote since this page was opened. Stock Firefox writes one."""
        if self._keylog is None or not self._keylog.exists():
            return []
        return self._keylog.read_bytes()[self._keylog_start :].decode("ascii", "replace").splitlines()

    def streamed(self, text: str) -> None:
        """A batch of events the page sent by itself."""
        self._deliver(entry_from_json(entry) for entry in json.loads(text))

    async def reset(self) -> None:
        await super().reset()
        try:
            await self.page.evaluate("peerproof.reset()")
        except PlaywrightError as error:
            raise self._failure(error) from error

    async def close(self) -> None:
        self.lose(EndpointError(f"{self.name} is closed"))
        await _quietly(self.page.context.close())


class BrowserStack(Stack):
    """A browser. It starts when its first endpoint is asked for, and again after it died."""

    def __init__(self, browser: browsers.Browser, playwright: Callable[[], Awaitable[Playwright]]) -> None:
        self.name = browser.value
        self._kind = browser
        self._playwright = playwright
        self._browser: Browser | None = None
        self._pages: list[BrowserEndpoint] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    async def start(self) -> None:
        if self._browser is not None and self._browser.is_connected():
            return
        found = browsers.require(self._kind)
        playwright = await self._playwright()
        kind = playwright.chromium if self._kind is browsers.Browser.CHROMIUM else playwright.firefox
        environment = {**os.environ, "SSLKEYLOGFILE": str(self._keylog())}
        try:
            self._browser = await kind.launch(**found.launch_options, env=environment)
        except PlaywrightError as error:
            reason = error.message.strip().splitlines()
            raise EndpointError(f"{self.name} ({found.executable}) could not be started: {reason[0]}") from error
        self._browser.on("disconnected", lambda _: self._disconnected())
        self.build = self._browser.version

    def _keylog(self) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="peerproof-")
        return Path(self._folder.name) / "keys.log"

    def _disconnected(self) -> None:
        for page in self._pages:
            page.died("its browser went away")
        self._pages.clear()

    async def endpoint(self, name: str | None = None) -> BrowserEndpoint:
        await self.start()
        if self._browser is None:
            raise EndpointError(f"{self.name} is not running")
        context: BrowserContext | None = None
        try:
            context = await self._browser.new_context()
            await context.route(_ORIGIN + "**", _serve)
            page = await context.new_page()
            endpoint = BrowserEndpoint(name or self.name, self.name, self.build, page, self._keylog())
            await page.expose_function(_STREAM, endpoint.streamed)
            await page.add_init_script(player_source())
            await page.goto(_ORIGIN)
        except PlaywrightError as error:
            if context is not None:
                await _quietly(context.close())
            raise EndpointCrashed(f"{self.name} ({self.build}) gave no page: {error.message}") from error
        self._pages = [other for other in self._pages if not other.page.is_closed()]
        self._pages.append(endpoint)
        return endpoint

    async def stop(self) -> None:
        for page in self._pages:
            page.died("its browser was stopped")
        self._pages.clear()
        if self._browser is not None:
            await _quietly(self._browser.close())
            self._browser = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


async def _serve(route: Route) -> None:
    found = route.request.url == _ORIGIN
    with suppress(PlaywrightError):
        await route.fulfill(status=200 if found else 404, body=_DOCUMENT if found else "", content_type="text/html")


async def _quietly(farewell: Awaitable[Any]) -> None:
    """Say good-bye to something that may be dead."""
    with suppress(PlaywrightError, TimeoutError):
        await asyncio.wait_for(farewell, _FAREWELL)
