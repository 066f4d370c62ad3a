"""Finding browsers and installing them, with pretended folders and commands."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness import browsers
from harness.browsers import Browser, Found
from harness.endpoints.remains import Remains
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


def with_tools(bare: Path) -> None:
    for program in browsers.TOOLS:
        put(bare / "bin" / program)


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
    assert [line.rpartition("recommends ")[2] for line in installers.ran if "apt-get install" in line] == [
        "chromium firefox-esr libpcap0.8",
        "coturn iproute2 nftables openssl gnutls-bin",
    ]
    assert sum("apt-get update" in line for line in installers.ran) == 1
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
    with_tools(bare)
    done = browsers.install(lambda _: None)
    assert done.complete
    assert done.problems == []
    assert "install-deps" in done.commands[-1]


def test_nothing_is_installed_when_nothing_is_missing(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bare / "bin" / "chromium")
    put(bare / "bin" / "firefox")
    with_tools(bare)
    monkeypatch.setattr(browsers, "_has_libpcap", lambda: True)
    done = browsers.install(lambda command: pytest.fail(command))
    assert done.complete


def test_without_root_the_command_to_run_is_named(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bare / "bin" / "apt-get")
    with_tools(bare)
    monkeypatch.setattr(subprocess, "run", Installers({}))
    monkeypatch.setattr("harness.browsers.os.geteuid", lambda: 1000)
    monkeypatch.setattr(browsers, "_has_libpcap", lambda: True)
    done = browsers.install(lambda _: None)
    assert not done.complete
    assert done.problems[-1] == "not root: run `sudo apt-get install chromium firefox-esr`"


def test_a_version_that_can_not_be_had_is_empty(bare: Path) -> None:
    assert Found(Browser.CHROMIUM, str(bare / "nothing"), "system").version() == ""


def test_firefox_gets_exceptions_for_certificates_nobody_vouches_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    program = put(tmp_path / "firefox-esr")
    program.write_text('#!/bin/sh\ncat "$3/cert_override.txt"\n')
    program.chmod(0o755)
    launch = browsers.Launch(trusts=(browsers.Trusted("localhost", 5349, "AA:BB"),))
    options = launch.options(Found(Browser.FIREFOX, str(program), "system"), "", tmp_path)
    profile = tmp_path / "a profile"
    profile.mkdir()
    done = subprocess.run(
        [options["executable_path"], "--headless", "--profile", str(profile)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "localhost:5349:\tOID.2.16.840.1.101.3.4.2.1\tAA:BB\t\n"


def test_browsers_are_started_as_usual_unless_something_is_trusted(tmp_path: Path) -> None:
    for browser in Browser:
        found = Found(browser, "/usr/bin/it", "system")
        options = browsers.Launch().options(found, "", tmp_path)
        assert options | {"executable_path": "/usr/bin/it"} == found.launch_options
    chromium = browsers.Launch(trusts=(browsers.Trusted("localhost", 1, "AA"),)).options(
        Found(Browser.CHROMIUM, "/usr/bin/it", "system"), "", tmp_path
    )
    assert "--ignore-certificate-errors" in chromium["args"]


def test_a_browser_is_started_by_way_of_a_program_that_keeps_its_log_and_dumps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    folder, profile = tmp_path / "a folder", tmp_path / "a profile"
    folder.mkdir()
    profile.mkdir()
    program = put(tmp_path / "it")
    program.write_text("""#!/bin/sh
echo "pid $$, profile $2" >&2
echo MDMP >"$2/minidumps/1.dmp"
""")
    remains = Remains(folder)
    options = browsers.Launch().options(Found(Browser.FIREFOX, str(program), "system"), "", folder)
    done = subprocess.run(
        [options["executable_path"], "-profile", str(profile)], capture_output=True, text=True, check=True
    )
    assert done.stderr == f"pid {remains.pid}, profile {profile}\n"  # Playwright still reads it
    assert remains.files() == {"browser.log": done.stderr.encode(), "crash-0.dmp": b"MDMP\n"}
    assert Remains.since_now(folder).files() == {"browser.log": b""}


def test_of_a_log_the_end_is_kept(tmp_path: Path) -> None:
    remains = Remains(tmp_path)
    (tmp_path / "browser.log").write_bytes(bytes(5_000_000) + b"the end")
    log = remains.files()["browser.log"]
    assert len(log) < 200_000
    assert log.endswith(b"the end")
    assert Remains.since_now(tmp_path).files() == {"browser.log": b""}
    assert (tmp_path / "browser.log").stat().st_size == 0


@pytest.mark.parametrize("name", ["chrome-headless-shell", "headless_shell"])
def test_the_program_of_a_downloaded_build_is_found(tmp_path: Path, name: str) -> None:
    program = put(tmp_path / "chrome-linux" / name)
    assert Found(Browser.CHROMIUM, str(tmp_path), "playwright").program == str(program)
    assert Found(Browser.FIREFOX, str(tmp_path), "playwright").program == ""


def test_where_only_playwright_knows_its_chromium_it_is_left_to_playwright(tmp_path: Path) -> None:
    options = browsers.Launch().options(Found(Browser.CHROMIUM, str(tmp_path), "playwright"), "/its/other", tmp_path)
    assert "executable_path" not in options
