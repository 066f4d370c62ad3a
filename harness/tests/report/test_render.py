from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.report.packing import Block, unpack
from harness.report.render import write_report
from harness.report.summary import append_history
from harness.results import CaseResult, ResultsError, RunResults
from harness.tests.report.sample import HOSTILE, RUN, sample_campaign, sample_run
from harness.verdict import Verdict
from harness.writing import RunWriter


def pages(html: str) -> dict[str, str]:
    blocks = re.findall(r'<script type="text/plain" class="pages" data-names="([^"]*)">([^<]*)</script>', html)
    return {
        name: text for names, packed in blocks for name, text in unpack(Block(tuple(names.split()), packed)).items()
    }


def test_a_run_becomes_one_file_and_its_short_forms(tmp_path: Path) -> None:
    sample_run(tmp_path)
    index = write_report(tmp_path)
    html = index.read_text()
    assert not re.search(r"(?:src|href)=\"?https?:", html)
    assert len(pages(html)) >= 24
    assert (tmp_path / "junit.xml").exists()
    assert "3 unexpected of 24" in (tmp_path / "summary.md").read_text()


def test_a_finding_that_no_page_shows_says_so(tmp_path: Path) -> None:
    sample_run(tmp_path / "latest")
    sample_campaign(tmp_path / "fuzz")
    words = "There is no repro.html"
    assert words not in pages(write_report(tmp_path / "latest").read_text())["fuzz/campaigns"]
    [page] = tmp_path.glob("fuzz/*/*/repro.html")
    page.unlink()
    assert words in pages(write_report(tmp_path / "latest").read_text())["fuzz/campaigns"]


def test_everything_a_peer_says_is_escaped(tmp_path: Path) -> None:
    sample_run(tmp_path, hostile=HOSTILE)
    html = write_report(tmp_path).read_text()
    assert HOSTILE not in html
    for page in pages(html).values():
        assert "<script" not in page
        assert "<img" not in page
        assert "<svg onload" not in page


def test_links_to_artefacts_stay_below_the_report(tmp_path: Path) -> None:
    wild = {"log": "../../etc/passwd", "keys": "javascript:alert(1)", "pcapng": "/etc/passwd", "trace": "a b?#.log"}
    with RunWriter(tmp_path, RUN) as writer:
        writer.add(CaseResult("cases/a.py::t", ("chromium",), Verdict.PASS, artefacts=wild))
    (page,) = (page for name, page in pages(write_report(tmp_path).read_text()).items() if name.startswith("case/"))
    assert re.findall(r'<a href="\./([^"]*)"', page) == [
        "etc/passwd",
        "javascript%3Aalert%281%29",
        "etc/passwd",
        "a%20b%3F%23.log",
    ]


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("https://example.org/1?a=b&c", '<a href="https://example.org/1?a=b&amp;c" rel="noreferrer">'),
        ("unreported", "(unreported)"),
        ("javascript:alert(1)", "(javascript:alert(1))"),
    ],
)
def test_only_web_addresses_become_links(tmp_path: Path, link: str, shown: str) -> None:
    with RunWriter(tmp_path, RUN) as writer:
        writer.add(CaseResult("cases/a.py::t", ("chromium",), Verdict.FAIL, Verdict.FAIL, reason="known", link=link))
    (page,) = (page for name, page in pages(write_report(tmp_path).read_text()).items() if name.startswith("case/"))
    assert shown in page


def test_an_unfinished_or_empty_run_still_has_a_report(tmp_path: Path) -> None:
    with RunWriter(tmp_path, RUN):
        pass
    html = write_report(tmp_path).read_text()
    assert "did not finish" in html
    assert "No results" in html


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError):
        write_report(tmp_path)


def test_the_history_is_shown_on_case_pages(tmp_path: Path) -> None:
    sample_run(tmp_path / "run")
    history = tmp_path / "history.jsonl"
    append_history(history, RunResults.load(tmp_path / "run"))
    html = write_report(tmp_path / "run", history=history).read_text()
    assert all("The last 1 runs" in page for name, page in pages(html).items() if name.startswith("case/"))
