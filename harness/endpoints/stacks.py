"""The stacks of one session, by name: made when they are first asked for, ended together."""

from __future__ import annotations

import asyncio
import functools
import os
import shlex
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from playwright.async_api import Playwright, async_playwright

from harness.browsers import Browser, Launch
from harness.endpoints.base import Endpoint, Stack
from harness.endpoints.browser import BrowserStack
from harness.endpoints.program import ProgramStack
from harness.errors import EndpointError

__all__ = ["KNOWN", "Stacks", "parse_names"]

#: The names of the stacks that are always there.
KNOWN: Final = ("reference", "chromium", "firefox")
_INTERPRETER: Final = "PLAYWRIGHT_NODEJS_PATH"


def parse_names(text: str) -> dict[str, str | None]:
    """Read `reference,chromium,mine=./my-endpoint --flag`: names of known stacks, and programs under names of their
    own.

    Returns name -> command, None for a known stack. Raises EndpointError for a name that is neither.
    """
    found: dict[str, str | None] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, command = part.partition("=")
        if equals and (name in KNOWN or not name.isidentifier() or not command.strip()):
            raise EndpointError(f"{part!r} is not NAME=COMMAND with a new name")
        if not equals and name not in KNOWN:
            raise EndpointError(f"unknown endpoint {name!r}; there are {', '.join(KNOWN)}, or give NAME=COMMAND")
        found[name] = command.strip() if equals else None
    if not found:
        raise EndpointError(f"no endpoint; there are {', '.join(KNOWN)}")
    return found


class Stacks:
    """An asynchronous context manager over one session's stacks and the one Playwright they share.

    `programs` are stacks of one's own: name -> command, as `parse_names` reads them; `launch` says how browsers are
    started when not as usual.

    >>> async with Stacks() as stacks:                     # doctest: +SKIP
    ...     endpoint = await stacks.endpoint("chromium")
    """

    def __init__(self, programs: Mapping[str, str | None] | None = None, *, launch: Launch | None = None) -> None:
        self._launch = launch or Launch()
        self._stacks: dict[str, Stack] = {}
        self._makers: dict[str, Callable[[], Stack]] = {
            "reference": _reference,
            **{browser.value: self._browser_maker(browser) for browser in Browser},
        }
        for name, command in (programs or {}).items():
            if command is not None:
                self._makers[name] = functools.partial(ProgramStack, name, command)
        self._started: Playwright | None = None
        self._starting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    def add(self, name: str, maker: Callable[[], Stack]) -> None:
        """Add a stack of one's own."""
        self._makers[name] = maker

    def get(self, name: str) -> Stack:
        """The stack of that name. Raises EndpointError for an unknown name."""
        if name not in self._stacks:
            if name not in self._makers:
                raise EndpointError(f"unknown endpoint {name!r}; there are {', '.join(self._makers)}")
            self._stacks[name] = self._makers[name]()
        return self._stacks[name]

    async def endpoint(self, stack: str, name: str | None = None) -> Endpoint:
        """A new endpoint of that stack, which is started first. Raises NotFound, EndpointError."""
        return await self.get(stack).endpoint(name)

    @property
    def builds(self) -> Mapping[str, str]:
        """Exactly what answered, of the stacks that were started."""
        return {name: stack.build for name, stack in self._stacks.items() if stack.build}

    async def stop(self) -> None:
        """End everything."""
        for stack in self._stacks.values():
            await stack.stop()
        self._stacks.clear()
        if self._started is not None:
            await self._started.stop()
            self._started = None

    def _browser_maker(self, browser: Browser) -> Callable[[], Stack]:
        return lambda: BrowserStack(browser, self._playwright, self._launch)

    async def _playwright(self) -> Playwright:
        async with self._starting:
            if self._started is None:
                with _driver_inside(self._launch.inside):
                    self._started = await async_playwright().start()
            return self._started


@contextmanager
def _driver_inside(prefix: Sequence[str]) -> Iterator[None]:
    """Playwright's driver is started behind these words: it finds its interpreter by an environment variable."""
    if not prefix:
        yield
        return
    from playwright._impl._driver import compute_driver_executable

    program, before = compute_driver_executable()[0], os.environ.get(_INTERPRETER)
    with tempfile.TemporaryDirectory(prefix="peerproof-") as folder:
        starter = Path(folder) / "node"
        starter.write_text(f'#!/bin/sh\nexec {shlex.join([*prefix, program])} "$@"\n', "utf-8")
        starter.chmod(0o755)
        os.environ[_INTERPRETER] = str(starter)
        try:
            yield
        finally:
            if before is None:
                del os.environ[_INTERPRETER]
            else:
                os.environ[_INTERPRETER] = before


def _reference() -> Stack:
    # Here and not above: a browser-only session starts without the peer and what it needs.
    from harness.endpoints.reference import ReferenceStack

    return ReferenceStack()
