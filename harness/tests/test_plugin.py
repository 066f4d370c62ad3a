"""The pytest plugin, run on small projects of its own: what becomes a case, what a result says, what is red."""

from __future__ import annotations

import gzip
import json
import textwrap
from pathlib import Path

import pytest

# Imported for good: pytester forgets what a run imports, and each run would import it all again.
import harness.capture.recording
import harness.cases
import harness.record
import harness.scene  # noqa: F401
from harness.results import CaseResult, RunResults
from harness.verdict import Verdict

pytest_plugins = ["pytester"]

CLAUSE = "RFC8445-7.2.2-M1"
SETTINGS = """
[tool.pytest.ini_options]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "session"
asyncio_default_test_loop_scope = "session"
# The plugin is installed, so the run inside wants to rewrite modules that the run outside has imported.
filterwarnings = ["error", "ignore::pytest.PytestAssertRewriteWarning"]
addopts = ["--import-mode=importlib", "--strict-markers"]
"""
HEAD = """
import asyncio
import pytest
from harness.cases import clause, check, inconclusive, throws, unsupported
from harness.errors import EndpointCrashed, EndpointTimeout
"""


class Project:
    """A project with one file of cases."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        (self.path / "pyproject.toml").write_text(SETTINGS)
        (self.path / "cases" / "expectations").mkdir(parents=True)

    def run(self, code: str, *options: str) -> pytest.RunResult:
        (self.path / "cases" / "test_it.py").write_text(HEAD + textwrap.dedent(code))
        return self.pytester.runpytest_inprocess("cases", "--endpoints", "reference", *options)

    def expect(self, text: str) -> None:
        (self.path / "cases" / "expectations" / "reference.toml").write_text(textwrap.dedent(text))

    @property
    def report(self) -> Path:
        return self.path / "reports" / "latest"

    @property
    def results(self) -> dict[str, CaseResult]:
        return {result.case.rpartition("::")[2]: result for result in RunResults.load(self.report).results}


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    return Project(pytester)


def test_a_case_that_passes_has_a_result_and_a_report(project: Project) -> None:
    outcome = project.run(
        f"""
        @clause("{CLAUSE}")
        async def test_it(check):
            check(True, clause="RFC8445-7.2.2-M2")
        """
    )
    outcome.assert_outcomes(passed=1)
    result = project.results["test_it"]
    assert result.verdict is Verdict.PASS
    assert result.endpoints == ("reference",)
    assert {clause.id: clause.verdict for clause in result.clauses} == {
        "RFC8445-7.2.2-M2": Verdict.PASS,
        CLAUSE: Verdict.PASS,
    }
    assert (project.report / "index.html").exists()
    assert not (project.report / "results.journal.jsonl").exists()
    outcome.stdout.fnmatch_lines(["report: *index.html"])


def test_a_broken_must_is_red_and_names_the_clause(project: Project) -> None:
    outcome = project.run(
        f"""
        async def test_it(check):
            check(1 == 2, "expected 1, saw 2", clause="{CLAUSE}")
        """
        + "test_it = clause()(test_it)\n"
    )
    outcome.assert_outcomes(failed=1)
    assert outcome.ret == 1
    outcome.stdout.fnmatch_lines([f"*{CLAUSE}: expected 1, saw 2*"])
    result = project.results["test_it"]
    assert result.verdict is Verdict.FAIL
    assert result.unexpected == "fail where a pass was expected"
    assert [(clause.id, clause.verdict) for clause in result.clauses] == [(CLAUSE, Verdict.FAIL)]


def test_a_clause_above_the_case_is_judged_by_what_cites_none(project: Project) -> None:
    project.run(
        f"""
        @clause("{CLAUSE}")
        def test_it():
            assert 1 == 2
        """
    ).assert_outcomes(failed=1)
    assert [(clause.id, clause.verdict) for clause in project.results["test_it"].clauses] == [(CLAUSE, Verdict.FAIL)]


def test_a_broken_should_is_weak_and_red_only_when_strict(project: Project) -> None:
    code = """
        @clause("RFC8445-7.2.2-M1")
        def test_it(check):
            check(False, "it is not so", clause="RFC8445-5.1.1.1-S1")
        """
    project.run(code).assert_outcomes(passed=1)
    assert project.results["test_it"].verdict is Verdict.WEAK
    project.run(code, "--strict-should").assert_outcomes(failed=1)


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        ("raise EndpointCrashed('gone')", Verdict.CRASH),
        ("raise EndpointTimeout('late')", Verdict.TIMEOUT),
        ("raise ValueError('a bug')", Verdict.ERROR),
        ("raise AssertionError('wrong')", Verdict.FAIL),
        ("pytest.fail('Timeout (>1.0s) from pytest-timeout.')", Verdict.TIMEOUT),
    ],
)
def test_every_way_to_end_has_its_verdict(project: Project, statement: str, verdict: Verdict) -> None:
    project.run(f"@clause()\ndef test_it():\n    {statement}\n").assert_outcomes(failed=1)
    assert project.results["test_it"].verdict is verdict


@pytest.mark.parametrize("verdict", [Verdict.UNSUPPORTED, Verdict.INCONCLUSIVE])
def test_a_case_that_does_not_judge_is_not_red(project: Project, verdict: Verdict) -> None:
    project.run(f"@clause()\ndef test_it():\n    {verdict.value}('why')\n").assert_outcomes(skipped=1)
    result = project.results["test_it"]
    assert result.verdict is verdict
    assert "why" in result.message


EXPECTATION = """
[[expect]]
case = "cases/test_it.py::test_it"
verdict = "fail"
message = "saw 2"
reason = "known"
link = "unreported"
"""


def test_an_expected_failure_is_not_red(project: Project) -> None:
    project.expect(EXPECTATION)
    project.run("@clause()\ndef test_it():\n    check(False, 'saw 2')\n").assert_outcomes(xfailed=1)
    result = project.results["test_it"]
    assert (result.verdict, result.expected, result.unexpected, result.reason) == (
        Verdict.FAIL,
        Verdict.FAIL,
        "",
        "known",
    )


@pytest.mark.parametrize("body", ["pass", "check(False, 'saw 3')"])
def test_an_expected_failure_that_passes_or_fails_otherwise_is_red(project: Project, body: str) -> None:
    project.expect(EXPECTATION)
    project.run(f"@clause()\ndef test_it():\n    {body}\n").assert_outcomes(failed=1)


def test_when_the_sanity_case_fails_the_others_do_not_judge(project: Project) -> None:
    project.run(
        """
        @clause()
        def test_sanity():
            assert False

        @clause()
        def test_other():
            assert False
        """
    ).assert_outcomes(failed=1, skipped=1)
    assert project.results["test_other"].verdict is Verdict.INCONCLUSIVE
    assert "sanity case" in project.results["test_other"].message


def test_an_unknown_clause_stops_the_run(project: Project) -> None:
    outcome = project.run('@clause("RFC8445-99.9-M9")\ndef test_it():\n    pass\n')
    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    outcome.stderr.fnmatch_lines(["*RFC8445-99.9-M9*"])


def test_an_unknown_endpoint_stops_the_run(project: Project) -> None:
    outcome = project.run("def test_it(endpoint):\n    pass\n", "--endpoints", "netscape")
    assert (
        "unknown endpoint 'netscape'; there are reference, chromium, firefox"
        in outcome.stdout.str() + outcome.stderr.str()
    )
    assert outcome.ret != 0


def test_a_test_that_is_no_case_is_left_alone(project: Project) -> None:
    project.run("def test_it():\n    pass\n").assert_outcomes(passed=1)
    assert not project.report.exists()


def test_a_case_on_an_endpoint_leaves_its_packets_and_its_trace(project: Project) -> None:
    outcome = project.run(
        """
        async def test_it(connect, peer, endpoint, wire):
            connection = await connect(peer, endpoint)
            other = await connection.other_channel()
            await connection.channel.send("hello", b"bytes")
            assert [await other.receive(), await other.receive()] == ["hello", b"bytes"]
            assert (peer.name, endpoint.name) == ("reference (2)", "reference") or peer.name == "reference"
            with throws("InvalidStateError"):
                await connection.offerer.setRemoteDescription({"type": "answer", "sdp": connection.answer})
        """,
        "--keep",
        "all",
    )
    outcome.assert_outcomes(passed=1)
    result = project.results["test_it"]
    assert result.endpoints == ("reference", "reference")
    assert set(result.artefacts) >= {"pcapng", "keys", "offer_sdp", "answer_sdp", "ladder", "trace"}
    assert all((project.report / path).stat().st_size > 0 for path in result.artefacts.values())
    assert RunResults.load(project.report).run.builds["reference"].startswith("peerproof")


@pytest.mark.parametrize(
    ("passes", "options", "kept", "opened"),
    [
        (True, (), {"ladder"}, 1),
        (False, (), {"offer_sdp", "answer_sdp", "ladder", "pcapng", "decrypted_pcapng", "trace", "repro_html"}, 2),
        (False, ("--keep", "none"), set(), 0),
    ],
)
def test_of_a_case_that_passes_less_is_kept(
    project: Project, passes: bool, options: tuple[str, ...], kept: set[str], opened: int
) -> None:
    project.run(
        f"""
        from harness.capture.match import stun

        @clause("{CLAUSE}")
        async def test_it(connect, peer, endpoint, wire):
            await connect(peer, endpoint)
            wire.expect(stun.binding_request(), sender=endpoint)
            check({passes})
        """,
        *options,
    )
    paths = project.results["test_it"].artefacts
    assert set(paths) >= kept
    assert ("pcapng" in paths) is ("pcapng" in kept)
    if kept:
        rows = json.loads(gzip.decompress((project.report / paths["ladder"]).read_bytes()))["rows"]
        with_contents = sum("layers" in row for row in rows)
        assert (with_contents == 1) is (opened == 1)


def test_an_exception_nobody_catches_is_an_error_of_the_harness(project: Project) -> None:
    project.run(
        """
        async def test_it(endpoint):
            def broken():
                raise KeyError("a bug of ours")
            asyncio.get_running_loop().call_soon(broken)
            await asyncio.sleep(0.05)
        """
    ).assert_outcomes(passed=1, errors=1)
    result = project.results["test_it"]
    assert result.verdict is Verdict.ERROR
    assert "a bug of ours" in result.message


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_a_missing_browser_is_an_error_that_says_what_installs_it(
    project: Project, monkeypatch: pytest.MonkeyPatch, browser: str
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", "/nowhere")
    monkeypatch.delenv(f"PEERPROOF_{browser.upper()}", raising=False)
    outcome = project.run(f"async def test_it({browser}, scene):\n    pass\n")
    outcome.assert_outcomes(errors=1)
    outcome.stdout.fnmatch_lines([f"*{browser.capitalize()} not found; run `python -m harness browsers --install`*"])
    assert project.results["test_it"].verdict is Verdict.ERROR


def test_the_matrix_is_filed_as_cells(project: Project) -> None:
    project.run(
        """
        async def test_cell(cell, scene, seed):
            scene.facts["setup_ms"] = seed * 1.0
        """,
        "--seed",
        "7",
    ).assert_outcomes(passed=1)
    (cell,) = RunResults.load(project.report).cells
    assert cell.endpoints == ("reference", "reference")
    assert cell.facts["setup_ms"] == 7.0
