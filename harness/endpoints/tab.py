"""A page that can play scripts, and serves one endpoint after another.

Opening a context and a page costs a quarter of a second, in Firefox more than a second with closing it again;
forgetting what a case did costs a few milliseconds. A page whose case ended badly is never used again, and none is
used for ever.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from contextlib import suppress
from functools import cache
from importlib.resources import files
from typing import Any, Final, Protocol, Self

from playwright.async_api import Browser, Page, Route
from playwright.async_api import Error as PlaywrightError

from harness.endpoints.player import tables

__all__ = ["Tab", "Tenant", "player_source", "quietly"]

ORIGIN: Final = "http://localhost/"
_DOCUMENT: Final = "<!doctype html><meta charset=utf-8><title>peerproof</title>"
_STREAM: Final = "__peerproof"
#: How many endpoints a page serves at most: what a page can't let go of doesn't add up.
_MOST_TENANTS: Final = 40
# Seconds a dying browser gets before we stop waiting for it.
_FAREWELL: Final = 5.0


@cache
def player_source() -> str:
    """The script that makes a page play scripts."""
    folder = files("harness.endpoints")
    media, player = (folder.joinpath(name).read_text("utf-8") for name in ("media.js", "player.js"))
    return f"const TABLES = {json.dumps(tables())};\n{media}\n{player}"


class Tenant(Protocol):
    """Whom a page tells what happens in it."""

    def streamed(self, text: str) -> None: ...

    def said(self, line: str) -> None: ...

    def died(self, how: str) -> None: ...


class Tab:
    """One page in a context of its own. `tenant` is the endpoint it serves just now."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.tenant: Tenant | None = None
        self._tenants = 0
        page.on("console", lambda message: self._tell(f"console.{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self._tell(f"uncaught: {error}"))
        page.on("crash", lambda _: self.died("its page crashed"))

    @classmethod
    async def open(cls, browser: Browser) -> Self:
        """A new page, served by interception: no server runs, and the page is a secure context. Raises Playwright's
        Error.
        """
        context = await browser.new_context()
        try:
            await context.route(ORIGIN + "**", _serve)
            tab = cls(await context.new_page())
            await tab.page.expose_function(_STREAM, tab._streamed)
            await tab.page.add_init_script(player_source())
            await tab.page.goto(ORIGIN)
        except PlaywrightError:
            await quietly(context.close())
            raise
        return tab

    def let(self, tenant: Tenant) -> None:
        """From now on this page serves `tenant`."""
        self.tenant = tenant
        self._tenants += 1

    @property
    def alive(self) -> bool:
        """Whether anything can still be asked of it."""
        browser = self.page.context.browser
        return not self.page.is_closed() and browser is not None and browser.is_connected()

    async def clear(self) -> bool:
        """Forget the last tenant. False when the page had better not be used again."""
        try:
            await asyncio.wait_for(self.page.evaluate("peerproof.reset()"), _FAREWELL)
        except (PlaywrightError, TimeoutError):
            return False
        finally:
            self.tenant = None
        return self.alive and self._tenants < _MOST_TENANTS

    async def close(self) -> bool:
        """Close the page, dead or alive. False when its browser doesn't answer."""
        self.tenant = None
        return await quietly(self.page.context.close())

    def died(self, how: str) -> None:
        """Nothing more will come from this page."""
        if self.tenant is not None:
            self.tenant.died(how)

    def _streamed(self, text: str) -> None:
        if self.tenant is not None:
            self.tenant.streamed(text)

    def _tell(self, line: str) -> None:
        if self.tenant is not None:
            self.tenant.said(line)


async def _serve(route: Route) -> None:
    found = route.request.url == ORIGIN
    with suppress(PlaywrightError):
        await route.fulfill(status=200 if found else 404, body=_DOCUMENT if found else "", content_type="text/html")


async def quietly(farewell: Awaitable[Any]) -> bool:
    """Say good-bye to something that may be dead. False when no answer came."""
    try:
        await asyncio.wait_for(farewell, _FAREWELL)
    except TimeoutError:
        return False
    except PlaywrightError:
        pass
    return True
