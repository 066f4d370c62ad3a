"""Finding browsers and installing them, with pretended folders and commands."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness import browsers
from harness.browsers import Browser, Found
from harness.errors import NotFound


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any browser."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "builds"))
    for browser in Browser:
        monkeypatch.delenv(f"PEERPROOF_{browser.name}", raising=False)
    return tmp_path


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\necho Browser 1.2.3\n")
    path.chmod(0o755)
    return path


def build(bare: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    put(bare / "builds" / name / "INSTALLATION_COMPLETE")
    monkeypatch.setattr(browsers, "_wanted_builds", lambda: frozenset({name}))


def test_without_browsers_the_message_names_what_installs_them() -> None:
    with pytest.raises(NotFound, match=r"^Chromium not found; run `python -m harness browsers --install`$"):
        browsers.require(Browser.CHROMIUM)


def test_the_systems_browser_is_found_and_driven_by_its_path(bare: Path) -> None:
    put(bare / "bin" / "firefox-esr")
    found = browsers.require(Browser.FIREFOX)
    assert (found.origin, found.version()) == ("system", "Browser 1.2.3")
    assert found.launch_options["channel"] == "moz-firefox"
    assert found.launch_options["executable_path"] == str(bare / "bin" / "firefox-esr")


def test_playwrights_build_goes_first(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bare / "bin" / "chromium")
    build(bare, monkeypatch, "chromium_headless_shell-1248")
    found = browsers.require(Browser.CHROMIUM)
    assert found.origin == "playwright"
    assert "executable_path" not in found.launch_options


def test_a_build_of_another_playwright_is_not_used(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bare / "builds" / "firefox-1" / "INSTALLATION_COMPLETE")
    monkeypatch.setattr(browsers, "_wanted_builds", lambda: frozenset({"firefox-2"}))
    assert browsers.find(Browser.FIREFOX) is None


def test_a_browser_can_be_chosen(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEERPROOF_CHROMIUM", str(put(bare / "mine")))
    assert browsers.require(Browser.CHROMIUM).executable == str(bare / "mine")


def test_a_chosen_browser_that_is_no_program_is_told(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEERPROOF_CHROMIUM", str(bare / "nothing"))
    with pytest.raises(NotFound, match="nothing can't be executed"):
        browsers.require(Browser.CHROMIUM)


def test_the_wanted_builds_are_those_playwright_names(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "Firefox 157.0\n  Install location:    /home/x/ms-playwright/firefox-1555\n"
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, said, ""))
    browsers._wanted_builds.cache_clear()
    assert "firefox-1555" in browsers._wanted_builds()
    browsers._wanted_builds.cache_clear()


class Installers:
    """Commands that pretend: `provides` maps a word of a command to the files it makes."""

    def __init__(self, provides: dict[str, list[Path]]) -> None:
        self.provides = provides
        self.ran: list[str] = []

    def __call__(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        line = " ".join(command)
        self.ran.append(line)
        made = next((paths for word, paths in self.provides.items() if word in line), None)
        for path in made or ():
            put(path)
        return subprocess.CompletedProcess(command, 0 if made is not None else 1, "", "E: refused")


def test_where_playwright_can_not_download_the_systems_packages_are_installed(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(bare / "bin" / "apt-get")
    installers = Installers(
        {"apt-get update": [], "apt-get install": [bare / "bin" / "chromium", bare / "bin" / "firefox-esr"]}
    )
    monkeypatch.setattr(subprocess, "run", installers)
    monkeypatch.setattr("harness.browsers.os.geteuid", lambda: 0)
    monkeypatch.setattr(browsers, "_has_libpcap", lambda: False)
    told: list[str] = []
    done = browsers.install(told.append)
    assert done.complete
    assert told == done.commands == installers.ran
    assert "chromium firefox-esr libpcap0.8" in installers.ran[-1]
    assert ["playwright install" in problem for problem in done.problems] == [True]


def test_what_a_downloaded_build_needs_is_installed_with_it(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bare / "bin" / "apt-get")
    builds = {"chromium_headless_shell-1", "firefox-1"}
    monkeypatch.setattr(browsers, "_wanted_builds", lambda: frozenset(builds))
    installers = Installers(
        {
            "playwright install chromium firefox": [
                bare / "builds" / name / "INSTALLATION_COMPLETE" for name in builds
            ],
            "playwright install-deps chromium firefox": [],
        }
    )
    monkeypatch.setattr(subprocess, "run", installers)
    monkeypatch.setattr("harness.browsers.os.geteuid", lambda: 0)
    monkeypatch.setattr(browsers, "_has_libpcap", lambda: True)
    done = browsers.install(lambda _: None)
    assert done.complete
    assert done.problems == []
    assert "install-deps" in done.commands[-1]


def test_nothing_is_installed_when_nothing_is_missing(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bare / "bin" / "chromium")
    put(bare / "bin" / "firefox")
    monkeypatch.setattr(browsers, "_has_libpcap", lambda: True)
    done = browsers.install(lambda command: pytest.fail(command))
    assert done.complete


def test_without_root_the_command_to_run_is_named(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bare / "bin" / "apt-get")
    monkeypatch.setattr(subprocess, "run", Installers({}))
    monkeypatch.setattr("harness.browsers.os.geteuid", lambda: 1000)
    monkeypatch.setattr(browsers, "_has_libpcap", lambda: True)
    done = browsers.install(lambda _: None)
    assert not done.complete
    assert done.problems[-1] == "not root: run `sudo apt-get install chromium firefox-esr`"


def test_a_version_that_can_not_be_had_is_empty(bare: Path) -> None:
    assert Found(Browser.CHROMIUM, str(bare / "nothing"), "system").version() == ""
