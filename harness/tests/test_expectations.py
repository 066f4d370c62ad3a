from __future__ import annotations

from pathlib import Path

import pytest

from harness import expectations
from harness.expectations import BuildRange, ExpectationError
from harness.verdict import Verdict

ENTRY = """
[[expect]]
case = "cases/sctp/*::test_resets"
builds = ">=150, <157"
verdict = "fail"
message = "saw no RE-CONFIG"
reason = "streams are reset only by the opener"
link = "unreported"
"""
BUILDS = {"chromium": "156.0.7390.54", "firefox": "153.7.0"}


def folder(tmp_path: Path, text: str = ENTRY) -> Path:
    (tmp_path / "chromium.toml").write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "build", "inside"),
    [
        ("", "1.0", True),
        (">=150, <157", "156.0.7390.54", True),
        ("<157", "157.0.1", False),
        (">157", "157.9", False),
        ("==156", "156.0.7390.54", True),
        ("==156.1", "156.0.7390.54", False),
        (">=150.0.1", "150", False),
        ("<=0.1", "peerproof 0.1.9", True),
        (">=1", "unknown", True),
    ],
)
def test_build_ranges(text: str, build: str, inside: bool) -> None:
    assert (build in BuildRange.parse(text)) is inside


@pytest.mark.parametrize(
    ("case", "subject", "verdict", "message", "red"),
    [
        ("cases/sctp/a.py::test_resets", "chromium", Verdict.FAIL, "2 s: saw no RE-CONFIG", False),
        ("cases/sctp/a.py::test_resets[x-1]", "chromium", Verdict.FAIL, "saw no RE-CONFIG", False),
        ("cases/sctp/a.py::test_resets", "chromium", Verdict.PASS, "", True),
        ("cases/sctp/a.py::test_resets", "chromium", Verdict.FAIL, "saw an ABORT", True),
        ("cases/sctp/a.py::test_resets", "chromium", Verdict.TIMEOUT, "saw no RE-CONFIG", True),
        ("cases/sctp/a.py::test_resets", "firefox", Verdict.FAIL, "saw no RE-CONFIG", True),
        ("cases/sctp/a.py::test_resets_more", "chromium", Verdict.FAIL, "saw no RE-CONFIG", True),
        ("cases/sctp/a.py::test_other", "chromium", Verdict.PASS, "", False),
    ],
)
def test_an_expected_failure_has_to_fail_as_expected(
    tmp_path: Path, case: str, subject: str, verdict: Verdict, message: str, red: bool
) -> None:
    known = expectations.load(folder(tmp_path))
    outcome = known.judge(case, [subject], BUILDS, verdict, message)
    assert bool(outcome.unexpected) is red


def test_an_entry_gives_its_reason_and_other_builds_are_not_excused(tmp_path: Path) -> None:
    known = expectations.load(folder(tmp_path))
    case = "cases/sctp/a.py::test_resets"
    assert known.unmet() == known.entries
    outcome = known.judge(case, ["chromium"], {"chromium": "157.0"}, Verdict.FAIL, "saw no RE-CONFIG")
    assert outcome.unexpected
    assert known.unmet() == known.entries
    outcome = known.judge(case, ["chromium"], BUILDS, Verdict.FAIL, "saw no RE-CONFIG")
    assert (outcome.expected, outcome.reason, outcome.link) == (
        Verdict.FAIL,
        "streams are reset only by the opener",
        "unreported",
    )
    assert known.unmet() == ()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (ENTRY.replace("reason", "because"), "unknown field because"),
        (ENTRY.replace('reason = "streams are reset only by the opener"', ""), "needs reason"),
        (ENTRY.replace("unreported", "later"), "link is an address"),
        (ENTRY.replace("unreported", "https://example.org/bugs/1"), ""),
        (ENTRY.replace('"fail"', '"maybe"'), "maybe"),
        (ENTRY.replace('"fail"', '"pass"'), "needs no entry"),
        (ENTRY.replace("saw no", "saw (no"), "entry 1"),
        (ENTRY.replace(">=150", "about 150"), "not a bound"),
        (ENTRY.replace("[[expect]]", "[[expects]]"), "unknown expects"),
        ("[[expect", "chromium.toml"),
    ],
)
def test_an_entry_that_does_not_say_what_it_must_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    if not complaint:
        assert len(expectations.load(folder(tmp_path, text)).entries) == 1
        return
    with pytest.raises(ExpectationError, match=complaint):
        expectations.load(folder(tmp_path, text))


def test_the_expectations_of_this_checkout_are_readable() -> None:
    expectations.load()
