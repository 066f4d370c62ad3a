"""What this machine can do: the facts a run depends on, each with what to do when it isn't so."""

from __future__ import annotations

import asyncio
import importlib
import os
import shutil
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from rich.table import Table

from harness import browsers
from harness.endpoints.stacks import Stacks
from harness.errors import EndpointError, NotFound
from harness.host import describe_host
from harness.script import CreateDataChannel, CreateOffer, CreatePeerConnection, Script

__all__ = ["Finding", "Level", "examine", "fit", "table", "to_json"]


class Level(StrEnum):
    """`ok`; `limited`: runs, with less to show; `missing`: the suite can't run as it should."""

    OK = "ok"
    LIMITED = "limited"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact. `remedy` is a command or a sentence, empty when all is well."""

    what: str
    level: Level
    detail: str
    remedy: str = ""


Check = Callable[[], Finding]


def fit(findings: Sequence[Finding]) -> bool:
    """Whether the whole suite can run."""
    return all(finding.level is not Level.MISSING for finding in findings)


def to_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """The form of `doctor --json`."""
    return {"fit": fit(findings), "host": describe_host(), "findings": [asdict(finding) for finding in findings]}


def table(findings: Sequence[Finding]) -> Table:
    """The findings, for a terminal."""
    colours = {Level.OK: "green", Level.LIMITED: "yellow", Level.MISSING: "bold red"}
    made = Table(title="; ".join(describe_host().values()))
    for column in ("", "what", "found", "what to do"):
        made.add_column(column, overflow="fold")
    for finding in findings:
        mark = f"[{colours[finding.level]}]{finding.level.value}[/]"
        made.add_row(mark, finding.what, finding.detail, finding.remedy)
    return made


async def examine(*, start_browsers: bool = True) -> list[Finding]:
    """Look at everything. With `start_browsers`, each browser is started and makes an offer."""
    findings = [check() for check in _CHECKS]
    async with Stacks() as stacks:
        findings += [await _browser(browser, stacks, start_browsers) for browser in browsers.Browser]
        findings.append(await _endpoint("reference peer", "reference", "", stacks))
    return findings


def _python() -> Finding:
    return Finding("Python", Level.OK, ".".join(map(str, sys.version_info[:3])))


def _packages() -> Finding:
    """The dependencies, at the versions the project asks for."""
    try:
        wanted = [Requirement(line) for line in requires("peerproof") or ()]
    except PackageNotFoundError:
        return Finding("packages", Level.MISSING, "the project itself is not installed", "python -m pip install -e .")
    problems: list[str] = []
    for requirement in wanted:
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            present = version(requirement.name)
        except PackageNotFoundError:
            problems.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(present, prereleases=True):
            problems.append(f"{requirement.name} {present}, wanted {requirement.specifier}")
    if problems:
        return Finding("packages", Level.MISSING, "; ".join(problems), "python -m pip install -e .")
    return Finding("packages", Level.OK, f"{len(wanted)} requirements met, playwright {version('playwright')}")


def _capture() -> Finding:
    """How packets will be captured."""
    from harness.capture.sniffer import probe

    possible, reason = probe()
    if possible:
        return Finding("packet capture", Level.OK, reason)
    return Finding(
        "packet capture",
        Level.LIMITED,
        f"{reason}; packets come from the reference peer's own account",
        "run as root, or `setcap cap_net_raw+ep` on the interpreter",
    )


def _loopback(family: socket.AddressFamily, host: str) -> str:
    """Why a datagram does not come back over the loopback interface; empty when it does."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as end:
            end.settimeout(1.0)
            end.bind((host, 0))
            end.sendto(b"peerproof", end.getsockname())
            return "" if end.recv(64) == b"peerproof" else "another datagram came"
    except OSError as error:
        return str(error)


def _ipv4() -> Finding:
    problem = _loopback(socket.AF_INET, "127.0.0.1")
    if problem:
        return Finding("UDP over IPv4", Level.MISSING, problem, "the loopback interface has to be up")
    return Finding("UDP over IPv4", Level.OK, "a datagram to 127.0.0.1 came back")


def _ipv6() -> Finding:
    problem = _loopback(socket.AF_INET6, "::1")
    if problem:
        return Finding("UDP over IPv6", Level.LIMITED, problem, "cases over IPv6 won't run")
    return Finding("UDP over IPv6", Level.OK, "a datagram to ::1 came back")


def _receive_buffer() -> Finding:
    """How much a socket may hold while the loop is busy: matters for throughput, not for conformance."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        got = end.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    return Finding("socket buffers", Level.OK, f"{got // 1024} KiB for what a socket has received")


def _disk() -> Finding:
    """A run leaves some 100 MB."""
    place = Path("reports")
    while not place.exists():
        place = place.resolve().parent
    free = shutil.disk_usage(place).free // (1 << 20)
    if not os.access(place, os.W_OK):
        return Finding("reports", Level.MISSING, f"{place} can't be written", "choose another folder with --out")
    level = Level.OK if free > 500 else Level.LIMITED
    return Finding("reports", level, f"{free} MiB free in {place}", "" if level is Level.OK else "make room")


def _optional(command: str, purpose: str, package: str) -> Check:
    def check() -> Finding:
        where = shutil.which(command)
        if where is not None:
            return Finding(command, Level.OK, where)
        return Finding(command, Level.LIMITED, f"not found: {purpose}", f"apt-get install {package}")

    return check


def _library(module: str, what: str) -> Check:
    def check() -> Finding:
        try:
            importlib.import_module(module)
        except ImportError as error:
            return Finding(what, Level.MISSING, str(error), "python -m pip install -e .")
        return Finding(what, Level.OK, f"{module} loads")

    return check


_CHECKS: Final[tuple[Check, ...]] = (
    _python,
    _packages,
    _library("av", "codecs"),
    _ipv4,
    _ipv6,
    _receive_buffer,
    _capture,
    _optional("tshark", "captures can't be compared with Wireshark's own reading", "tshark"),
    _optional("turnserver", "cases with a TURN server won't run", "coturn"),
    _optional("openssl", "our DTLS is not tested against OpenSSL's", "openssl"),
    _optional("gnutls-cli", "our DTLS is not tested against GnuTLS's", "gnutls-bin"),
    _disk,
)


async def _browser(browser: browsers.Browser, stacks: Stacks, start: bool) -> Finding:
    try:
        found = browsers.require(browser)
    except NotFound as error:
        return Finding(browser.value, Level.MISSING, str(error), browsers.INSTALL_COMMAND)
    if not start:
        return Finding(browser.value, Level.OK, f"{found.executable} ({found.origin})")
    return await _endpoint(browser.value, browser.value, f", {found.executable} ({found.origin})", stacks)


async def _endpoint(what: str, name: str, where: str, stacks: Stacks) -> Finding:
    """Start an endpoint and let it make an offer."""
    script = Script.of(CreatePeerConnection(), CreateDataChannel("doctor"), CreateOffer())
    try:
        endpoint = await asyncio.wait_for(stacks.endpoint(name), 60)
        trace = await endpoint.play(script)
    except (EndpointError, TimeoutError) as error:
        return Finding(what, Level.MISSING, str(error) or "did not start within a minute", browsers.INSTALL_COMMAND)
    if trace.failures:
        return Finding(what, Level.MISSING, f"{endpoint.build}{where}: no offer: {trace.failures[0]}")
    return Finding(what, Level.OK, f"{endpoint.build}{where}: makes an offer")
