"""Where browsers are: Playwright's own builds first, the distribution's next; and how to get them.

Stock Firefox is driven through WebDriver BiDi (`channel="moz-firefox"`), Playwright's own build through its own
protocol.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from shlex import quote
from typing import Any, Final

from harness.errors import NotFound

__all__ = [
    "INSTALL_COMMAND",
    "PACKAGES",
    "TOOLS",
    "Browser",
    "Found",
    "Installation",
    "Launch",
    "Trusted",
    "find",
    "install",
    "require",
]

INSTALL_COMMAND: Final = "python -m harness browsers --install"
# libpcap compiles capture filters; it rides along because this is the one command that installs system packages.
PACKAGES: Final = ("chromium", "firefox-esr", "libpcap0.8")
#: What else is needed: program -> package. Rows of the matrix are `unsupported` without the first three; our own tests
#: of DTLS meet the stacks of the others.
TOOLS: Final[Mapping[str, str]] = {
    "turnserver": "coturn",
    "ip": "iproute2",
    "nft": "nftables",
    "openssl": "openssl",
    "gnutls-cli": "gnutls-bin",
}


class Browser(StrEnum):
    """The browsers we drive."""

    CHROMIUM = "chromium"
    FIREFOX = "firefox"


@dataclass(frozen=True, slots=True)
class Found:
    """A browser that is there. `origin` is "playwright" or "system"; `executable` is the folder of Playwright's
    builds.
    """

    browser: Browser
    executable: str
    origin: str

    @property
    def launch_options(self) -> dict[str, Any]:
        """Arguments of Playwright's `launch`."""
        return _LAUNCH[self.browser](self)

    @property
    def program(self) -> str:
        """The executable that is started; empty where only Playwright knows."""
        if self.origin != "playwright":
            return self.executable
        names = _PROGRAMS[self.browser]
        return next((str(path) for name in names for path in sorted(Path(self.executable).glob(f"*/{name}"))), "")

    def version(self) -> str:
        """What a system's browser says of itself; empty when it can't be run."""
        try:
            said = subprocess.run(  # noqa: S603  (an executable this module found, no shell)
                [self.executable, "--version"], capture_output=True, text=True, timeout=30, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return said.stdout.strip()


@dataclass(frozen=True, slots=True)
class Trusted:
    """A TLS server whose certificate (SHA-256 fingerprint, in the form AA:BB:...) is to be accepted as it is."""

    host: str
    port: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Launch:
    """How browsers are started when not as usual.

    `inside` goes before the command of Playwright's driver, and so before all that it starts (`ip netns exec ...`).
    `trusts` are servers whose certificates nobody vouches for.
    """

    inside: tuple[str, ...] = ()
    trusts: tuple[Trusted, ...] = ()

    def options(self, found: Found, program: str, folder: Path) -> dict[str, Any]:
        """Arguments of Playwright's `launch`. `program` is the executable, `folder` where the browser's log and
        minidumps are kept (`harness.endpoints.remains`).
        """
        options = found.launch_options
        if self.trusts and found.browser is Browser.CHROMIUM:
            options["args"] = [*options["args"], "--ignore-certificate-errors"]
        known = options.get("executable_path") or found.program
        if not known and found.browser is Browser.FIREFOX:
            known = program
        # Else it is Playwright's own choice, and stays it: which of its Chromium builds is started, it doesn't tell.
        if known:
            options["executable_path"] = str(self._starter(known, folder))
        return options

    def _starter(self, program: str, folder: Path) -> Path:
        """Starts `program` as it is told, keeps what it says in a file, and has Firefox's fresh profile lead here:
        there is no argument for its minidumps, nor for exceptions of certificates.
        """
        (folder / "dumps").mkdir(exist_ok=True)
        said = folder / "said"
        said.unlink(missing_ok=True)
        os.mkfifo(said)
        copy = ""
        if self.trusts:
            exceptions = folder / "cert_override.txt"
            exceptions.write_text(
                "".join(f"{one.host}:{one.port}:\t{_SHA256_OID}\t{one.fingerprint}\t\n" for one in self.trusts), "utf-8"
            )
            copy = f'cp {quote(str(exceptions))} "$word/cert_override.txt"'
        starter = folder / "browser"
        starter.write_text(_STARTER.format(folder=quote(str(folder)), program=quote(program), copy=copy), "utf-8")
        starter.chmod(0o755)
        return starter


_SHA256_OID: Final = "OID.2.16.840.1.101.3.4.2.1"
# The log is said on as well: Playwright reads in it where Firefox listens. `tee` takes no part in the browser's pipes,
# and writes a log of 16 MiB at most.
_STARTER: Final = """#!/bin/sh
# Playwright has Firefox end itself when one of its pages crashes; as a user's it goes on.
unset MOZ_CRASHREPORTER_SHUTDOWN
folder={folder}
for word in "$@"; do
    case "$before" in -profile|--profile)
        {copy}
        ln -s "$folder/dumps" "$word/minidumps" ;;
    esac
    before=$word
done
(ulimit -f 32768; trap "" XFSZ; exec tee -a "$folder/browser.log" <"$folder/said" >&2 3<&- 4>&-) &
echo $$ >"$folder/pid"
exec {program} "$@" 2>"$folder/said"
"""

CHROMIUM_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--allow-loopback-in-peer-connection",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-quic",
)

FIREFOX_PREFERENCES: Final[Mapping[str, str | float | bool]] = {
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.peerconnection.ice.loopback": True,
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    # Without a sound card an AudioContext would stay suspended for ever.
    "media.cubeb.force_mock_context": True,
}


def _launch_chromium(found: Found) -> dict[str, Any]:
    options: dict[str, Any] = {"args": list(CHROMIUM_ARGUMENTS)}
    return options if found.origin == "playwright" else options | {"executable_path": found.executable}


def _launch_firefox(found: Found) -> dict[str, Any]:
    options: dict[str, Any] = {"firefox_user_prefs": dict(FIREFOX_PREFERENCES)}
    if found.origin == "playwright":
        return options
    return options | {"channel": "moz-firefox", "executable_path": found.executable}


_LAUNCH: Final[Mapping[Browser, Callable[[Found], dict[str, Any]]]] = {
    Browser.CHROMIUM: _launch_chromium,
    Browser.FIREFOX: _launch_firefox,
}

_PROGRAMS: Final[Mapping[Browser, tuple[str, ...]]] = {
    Browser.CHROMIUM: ("chrome-headless-shell", "headless_shell", "chrome"),
    Browser.FIREFOX: ("firefox",),
}

_COMMANDS: Final[Mapping[Browser, tuple[str, ...]]] = {
    Browser.CHROMIUM: ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome"),
    Browser.FIREFOX: ("firefox-esr", "firefox"),
}

# Below Playwright's folder of browsers: what holds the executable of a build that was downloaded whole.
_BUILDS: Final[Mapping[Browser, tuple[str, ...]]] = {
    Browser.CHROMIUM: ("chromium_headless_shell-*/INSTALLATION_COMPLETE", "chromium-*/INSTALLATION_COMPLETE"),
    Browser.FIREFOX: ("firefox-*/INSTALLATION_COMPLETE",),
}


def playwright_folder() -> Path:
    """Where Playwright keeps its builds."""
    chosen = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    return Path(chosen) if chosen and chosen != "0" else Path.home() / ".cache" / "ms-playwright"


@cache
def _wanted_builds() -> frozenset[str]:
    """The names of the folders this version of Playwright wants ("chromium_headless_shell-1248")."""
    try:
        said = subprocess.run(
            [sys.executable, "-m", "playwright", "install", "--dry-run"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    words = said.stdout.replace("\\", "/").split()
    return frozenset(word.rstrip("/").rpartition("/")[2] for word in words if "/" in word)


def _find_build(browser: Browser) -> Found | None:
    """Playwright's own build. Looked for only when there is any: asking Playwright takes half a second."""
    for pattern in _BUILDS[browser]:
        for marker in sorted(playwright_folder().glob(pattern)):
            if marker.parent.name in _wanted_builds():
                return Found(browser, str(marker.parent), "playwright")
    return None


def _find_installed(browser: Browser) -> Found | None:
    for command in _COMMANDS[browser]:
        executable = shutil.which(command)
        if executable:
            return Found(browser, executable, "system")
    return None


def find(browser: Browser) -> Found | None:
    """The browser to use, or None."""
    chosen = os.environ.get(f"PEERPROOF_{browser.name}")
    if chosen:
        return Found(browser, chosen, "system")
    return _find_build(browser) or _find_installed(browser)


def require(browser: Browser) -> Found:
    """The browser to use. Raises NotFound that says how to install it."""
    found = find(browser)
    if found is None:
        raise NotFound(f"{browser.value.capitalize()} not found; run `{INSTALL_COMMAND}`")
    if found.origin == "system" and not os.access(found.executable, os.X_OK):
        raise NotFound(f"{browser.value.capitalize()}: {found.executable} can't be executed; run `{INSTALL_COMMAND}`")
    return found


@dataclass(slots=True)
class Installation:
    """What `install` did: the commands it ran, each with its last words when it failed."""

    found: dict[Browser, Found] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return len(self.found) == len(Browser)


def install(announce: Callable[[str], None]) -> Installation:
    """Get the browsers that are missing, libpcap and the tools of `TOOLS`: the browsers from Playwright where they can
    be had, everything else from the distribution where we are root.

    `announce` is told each command before it runs.
    """
    done = Installation()
    missing = _look(done)
    if missing:
        _run([sys.executable, "-m", "playwright", "install", *missing], done, announce, timeout=900)
        downloaded = [browser for browser in missing if browser not in _look(done)]
        if downloaded and (prefix := _as_root()) is not None and shutil.which("apt-get") is not None:
            # A build that was just downloaded may lack libraries a browser of the distribution brings along.
            _run(
                [*prefix, sys.executable, "-m", "playwright", "install-deps", *downloaded], done, announce, timeout=1800
            )
        missing = _look(done)
    wanted = [_PACKAGE[browser] for browser in missing]
    if not _has_libpcap():
        wanted.append("libpcap0.8")
    if wanted:
        _install_packages(wanted, done, announce)
        _look(done)
    # In a command of its own: a distribution that lacks one of these has browsers all the same.
    tools = [package for program, package in TOOLS.items() if shutil.which(program) is None]
    if tools:
        _install_packages(tools, done, announce, update=not wanted)
    return done


_PACKAGE: Final = {Browser.CHROMIUM: "chromium", Browser.FIREFOX: "firefox-esr"}


def _look(done: Installation) -> list[Browser]:
    done.found = {browser: found for browser in Browser if (found := find(browser)) is not None}
    return [browser for browser in Browser if browser not in done.found]


def _has_libpcap() -> bool:
    from ctypes.util import find_library

    return find_library("pcap") is not None


def _install_packages(
    packages: Sequence[str], done: Installation, announce: Callable[[str], None], *, update: bool = True
) -> None:
    if shutil.which("apt-get") is None:
        done.problems.append(f"no apt-get here; install by hand: {' '.join(packages)}")
        return
    prefix = _as_root()
    if prefix is None:
        done.problems.append(f"not root: run `sudo apt-get install {' '.join(packages)}`")
        return
    environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
    if update:
        _run([*prefix, *environment, "apt-get", "update", "-q"], done, announce, timeout=300)
    _run(
        [*prefix, *environment, "apt-get", "install", "-y", "-q", "--no-install-recommends", *packages],
        done,
        announce,
        timeout=1800,
    )


def _as_root() -> list[str] | None:
    """What makes a command run as root without a question, or None."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)  # noqa: S607  (sudo from PATH)
    return ["sudo", "-n"] if asked.returncode == 0 else None


def _run(command: Sequence[str], done: Installation, announce: Callable[[str], None], *, timeout: float) -> None:
    """Run an installer. What goes wrong is noted, and the next way is tried."""
    line = " ".join(command)
    announce(line)
    done.commands.append(line)
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        done.problems.append(f"{line}: {error}")
        return
    if said.returncode != 0:
        last = (said.stderr.strip() or said.stdout.strip()).splitlines()[-1:] or ["no output"]
        done.problems.append(f"{line}: exit code {said.returncode}: {last[0]}")
