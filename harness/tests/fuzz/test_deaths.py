"""A browser that dies for real is a finding, and the campaign goes on with the next one."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.endpoints.browser import BrowserEndpoint
from harness.fuzz.campaign import Campaign, Limits
from harness.fuzz.signalling import Signalling
from harness.fuzz.target import Example, Played
from harness.script import Pause, Script

EXAMPLES = 12
STRUCK = 5


def below(pid: int) -> Iterator[int]:
    """The processes a process started, and those that they did."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text("utf-8", "replace").rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            yield int(path.parent.name)
            yield from below(int(path.parent.name))


def runs_a_page(pid: int) -> bool:
    """Whether it is the process that Firefox runs the pages of one site in."""
    return Path(f"/proc/{pid}/comm").read_text("ascii").startswith("Isolated Web")


class Struck(Signalling):
    """During one of the examples a signal strikes the browser: its own process, or those of its pages."""

    number = signal.SIGKILL
    pages = False
    plays = 0

    def script(self, example: Example) -> Script:
        script = super().script(example)
        return Script((*script.steps, Pause(5.0))) if self.plays == STRUCK else script

    def play(self, example: Example) -> Played:
        self.plays += 1
        if self.plays == STRUCK:
            threading.Timer(0.3, self.strike).start()
        return super().play(example)

    def strike(self) -> None:
        endpoint = self._hosts._endpoints["firefox"]
        assert isinstance(endpoint, BrowserEndpoint)
        browser = endpoint._remains.pid
        for pid in [pid for pid in below(browser) if runs_a_page(pid)] if self.pages else [browser]:
            os.kill(pid, self.number)


@pytest.fixture(scope="module")
def target() -> Iterator[Struck]:
    """On one Firefox for all, until it is killed itself."""
    with Struck(("firefox",)) as made:
        yield made


@pytest.mark.parametrize(
    ("number", "pages", "dumped"),
    [(signal.SIGSEGV, True, True), (signal.SIGKILL, True, False), (signal.SIGKILL, False, False)],
)
def test_a_firefox_that_dies_is_a_finding_and_the_campaign_goes_on(
    tmp_path: Path, target: Struck, number: signal.Signals, pages: bool, dumped: bool
) -> None:
    target.number, target.pages, target.plays = number, pages, 0
    limits = Limits(seconds=60.0, examples=EXAMPLES, attempts=1, shrinking=0.1)
    progress = Campaign(target, tmp_path, seed=1, limits=limits).run()
    (found,) = progress.fresh
    assert (found.problem.oracle, found.problem.endpoint) == ("crash", "firefox")
    assert f"its {'page' if pages else 'browser'} went away" in found.problem.message
    assert progress.here == EXAMPLES
    assert found.builds["firefox"]
    files = {path.name for path in (tmp_path / found.id).iterdir()}
    assert {"browser.log", "repro.html", "repro.py"} <= files
    assert ("crash-0.dmp" in files) == dumped
