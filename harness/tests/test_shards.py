"""Cases spread over pytest-xdist's workers leave what they leave in one process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.net.private import enter_private_network
from harness.report.merge import SHARDS, left_over
from harness.results import RunResults
from harness.shards import long_ones_first, scope
from harness.tests.test_plugin import HEAD, SETTINGS
from harness.verdict import Verdict

pytest_plugins = ["pytester"]

NAMES = ("reference", "chromium", "firefox")

CASES = """
@clause("RFC8445-7.2.2-M1")
async def test_sanity(endpoint, check):
    check({sane})

@pytest.mark.parametrize("word", ["one", "two"])
async def test_who(endpoint, scene, seed, word):
    scene.facts |= {{"pid": os.getpid(), "seed": seed}}
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> Path:
    (pytester.path / "pyproject.toml").write_text(SETTINGS)
    (pytester.path / "cases" / "expectations").mkdir(parents=True)
    return pytester.path


def cases(project: Path, name: str, *, sane: bool = True) -> None:
    (project / "cases" / f"test_{name}.py").write_text(f"import os\n{HEAD}{CASES.format(sane=sane)}")


def run(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "cases", "-p", "no:cacheprovider", *options]
    # Of this tree, whatever is installed: workers start in the project's folder.
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=150
    )


@pytest.mark.timeout(180)
def test_workers_make_one_run(project: Path) -> None:
    for name in ("a", "b", "c", "d"):
        cases(project, name, sane=name != "d")
    done = run(project, "-n", "2", "--endpoints", "reference", "--seed", "7")
    assert done.returncode == 1, done.stdout
    assert "9 passed" in done.stdout
    assert "1 failed" in done.stdout
    assert "2 skipped" in done.stdout
    assert "report: " in done.stdout
    found = RunResults.load(project / "reports" / "latest")
    assert (found.run.seed, found.run.finished, found.run.capture) == (7, True, found.run.capture)
    assert [result.case for result in found.results] == sorted(result.case for result in found.results)
    assert len(found.results) == 12
    by_file: dict[str, set[object]] = {}
    for result in found.results:
        if result.verdict is Verdict.PASS and "test_who" in result.case:
            assert result.facts["seed"] == 7
            by_file.setdefault(result.case.partition("::")[0], set()).add(result.facts["pid"])
    assert all(len(workers) == 1 for workers in by_file.values())
    assert len({worker for workers in by_file.values() for worker in workers}) == 2
    unsound = [result for result in found.results if "test_d.py" in result.case and "test_who" in result.case]
    assert [result.verdict for result in unsound] == [Verdict.INCONCLUSIVE] * 2
    assert found.clauses["RFC8445"]["must"]["covered"] == 1
    assert (project / "reports" / "latest" / "index.html").exists()
    assert not (project / "reports" / "latest" / SHARDS).exists()


@pytest.mark.timeout(180)
def test_a_run_whose_worker_dies_is_red_and_says_so(project: Path) -> None:
    cases(project, "a")
    (project / "cases" / "test_b.py").write_text(f"import os\n{HEAD}async def test_dies(scene):\n    os._exit(3)\n")
    done = run(project, "-n", "2", "--endpoints", "reference")
    assert done.returncode == 1
    assert "crashed while running" in done.stdout
    found = RunResults.load(project / "reports" / "latest")
    assert {result.case.partition("::")[0] for result in found.results} == {"cases/test_a.py"}
    assert not found.run.finished


@pytest.mark.timeout(180)
def test_what_a_killed_run_left_can_be_joined(project: Path) -> None:
    cases(project, "a")
    cases(project, "b")
    (project / "cases" / "conftest.py").write_text(
        "import os, signal, harness.shards\n"
        "harness.shards.join = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = run(project, "-n", "2", "--endpoints", "reference")
    assert done.returncode == -9, done.stdout
    directory = project / "reports" / "latest"
    assert len(left_over(directory)) == 2
    outcome = CliRunner().invoke(app, ["report", str(directory)])
    assert outcome.exit_code == 0, outcome.output
    assert len(RunResults.load(directory).results) == 6
    assert left_over(directory) == []


@pytest.mark.parametrize(
    ("nodeid", "expected"),
    [
        ("cases/a/test_b.py::test_c[chromium]", "cases/a/test_b.py@chromium"),
        ("cases/a/test_b.py::test_c[stun:x?y-firefox-a b]", "cases/a/test_b.py@firefox"),
        ("cases/a/test_b.py::test_c[reference-firefox]", "cases/a/test_b.py@reference-firefox"),
        ("cases/a/test_b.py::test_c", "cases/a/test_b.py@"),
    ],
)
def test_the_cases_of_a_file_on_an_endpoint_go_together(nodeid: str, expected: str) -> None:
    assert scope(nodeid, NAMES) == expected


def test_what_is_many_is_begun_before_what_is_few(pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml(SETTINGS)
    pytester.makepyfile(test_a="def test_1(): pass\n", test_b="def test_2(): pass\ndef test_3(): pass\n")
    items, _ = pytester.inline_genitems()
    long_ones_first(items, NAMES)
    assert [item.name for item in items] == ["test_2", "test_3", "test_1"]


def test_what_may_take_long_is_begun_first_and_groups_stay_in_order(pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml(SETTINGS)
    long = "import pytest\ndef test_3(): pass\n@pytest.mark.timeout(90)\ndef test_4(): pass\n"
    pytester.makepyfile(test_a="def test_1(): pass\ndef test_2(): pass\n", test_b=long)
    items, _ = pytester.inline_genitems()
    long_ones_first(items, NAMES)
    assert [item.name for item in items] == ["test_3", "test_4", "test_1", "test_2"]


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
def test_a_private_network_has_an_interface_that_leads_nowhere() -> None:
    """In a thread: it alone, and what it starts, moves."""
    script = (
        "import socket; from harness.net.private import enter_private_network as enter; print(enter());"
        "print(sorted(name for _, name in socket.if_nameindex()));"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('203.0.113.1', 9)); s.send(b'x');"
        "s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.connect(('2001:db8:1::1', 9)); s.send(b'x')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["", "['eth0', 'lo', 'nowhere']"]


def test_where_a_private_network_is_refused_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.readlink("/proc/thread-self/ns/net")
    monkeypatch.setenv("PATH", "/nowhere")
    assert enter_private_network() != ""
    assert os.readlink("/proc/thread-self/ns/net") == before
