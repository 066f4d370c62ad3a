"""The report is opened in real browsers; one is running at a time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from harness.report.render import write_report
from harness.tests.report.sample import HOSTILE, sample_campaign, sample_run


def _chromium(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=_find("chromium"), args=["--no-sandbox"])


def _firefox(playwright: Playwright) -> Browser:
    return playwright.firefox.launch(executable_path=_find("firefox-esr"), channel="moz-firefox")


def _find(name: str) -> str | None:
    return shutil.which(name)


_LAUNCH = {"chromium": _chromium, "firefox": _firefox}


@pytest.fixture(scope="package", params=_LAUNCH)
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """Playwright's own build where it is installed, the distribution's otherwise."""
    with sync_playwright() as playwright:
        running = _LAUNCH[request.param](playwright)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test on any error, message to the console, or request beyond the file."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    trouble: list[str] = []
    opened.on("console", lambda message: trouble.append(message.text))
    opened.on("pageerror", lambda error: trouble.append(str(error)))
    opened.on(
        "request", lambda request: None if request.url.startswith(("file:", "data:")) else trouble.append(request.url)
    )
    yield opened
    context.close()
    assert trouble == []


@pytest.fixture(scope="package")
def sample(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the report of a sample run."""
    return _report(tmp_path_factory.mktemp("sample"), "")


@pytest.fixture(scope="package")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same, with markup and script in every field a peer fills."""
    return _report(tmp_path_factory.mktemp("hostile"), HOSTILE)


def _report(directory: Path, hostile: str) -> str:
    sample_run(directory / "latest", hostile=hostile)
    sample_campaign(directory / "fuzz", hostile=hostile)
    return write_report(directory / "latest").as_uri()
