from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.report.negotiation import Agreed, negotiation
from harness.report.render import write_report
from harness.report.summary import result_id
from harness.results import CaseResult, Fact, RunInfo, RunResults
from harness.tests.report.sample import HOSTILE, sample_run
from harness.verdict import Verdict

RUN = RunInfo("now", "2026-11-21T11:00:00+00:00", 1, builds={"reference": "0.1", "chromium": "157"})
GROUP = {"parameter": "named_group", "value": "x25519", "role": "server", "state": "connected"}
AGREED = {"dtls_version": "DTLSv1.3", "cipher": "TLS_AES_128_GCM_SHA256", "named_group": "x25519", "srtp_profile": None}


def result(endpoint: str, told: Fact, case: str = "group") -> CaseResult:
    name = f"cases/dtls/test_negotiation.py::test_it[{case}]"
    return CaseResult(name, ("reference", endpoint), Verdict.PASS, facts={"negotiation": told})


def cells(*results: CaseResult) -> list[list[Agreed | None]]:
    view = negotiation(RunResults(RUN, results))
    assert view is not None
    return [list(row.cells) for row in view.rows]


def test_a_run_that_restricts_nothing_has_no_table() -> None:
    assert negotiation(RunResults(RUN, (result("chromium", None), result("chromium", "odd")))) is None


def test_a_cell_says_what_was_agreed_on_and_what_besides() -> None:
    one = result("chromium", {**GROUP, **AGREED})
    ((cell,),) = cells(one)
    assert cell == Agreed("agreed", f"#/case/{result_id(one.case, one.endpoints)}", "DTLSv1.3, TLS_AES_128_GCM_SHA256")


def test_a_refusal_shows_the_alert_and_who_said_it() -> None:
    refused: dict[str, Any] = {**GROUP, "state": "failed", "alert": "handshake_failure"}
    own = result("chromium", {**refused, "refused_by": "endpoint"})
    other = result("chromium", {**refused, "role": "client", "refused_by": "peer"})
    ((client,), (server,)) = cells(own, other)
    assert client is not None
    assert server is not None
    assert (server.text, server.besides, server.refused) == ("handshake_failure", "", True)
    assert (client.text, client.besides, client.refused) == (
        "handshake_failure",
        "not offered; said by the peer opposite",
        True,
    )


def test_what_ended_without_an_alert_shows_its_state_and_what_is_left_out_is_none() -> None:
    silent = {**GROUP, "state": "neither connected nor failed"}
    srtp = {**GROUP, **AGREED, "parameter": "srtp_profile", "value": "SRTP_AEAD_AES_128_GCM"}
    found = [row[0] for row in cells(result("chromium", silent), result("chromium", srtp, "srtp"))]
    assert [cell.text for cell in found if cell] == ["neither connected nor failed", "none"]


def test_rows_are_ordered_by_parameter_and_columns_by_build() -> None:
    suite = {**GROUP, **AGREED, "parameter": "cipher", "value": "TLS_AES_128_GCM_SHA256"}
    strange = {**GROUP, **AGREED, "parameter": "colour", "value": "red"}
    results = (result("chromium", strange), result("chromium", {**GROUP, **AGREED}), result("reference", suite))
    view = negotiation(RunResults(RUN, results))
    assert view is not None
    assert view.builds == (("reference", "0.1"), ("chromium", "157"))
    assert [(row.parameter, [cell is not None for cell in row.cells]) for row in view.rows] == [
        ("Cipher suite", [True, False]),
        ("Group", [False, True]),
        ("colour", [False, True]),
    ]


def test_the_report_has_the_table_of_the_sample(tmp_path: Path) -> None:
    sample_run(tmp_path)
    html = write_report(tmp_path).read_text()
    table = html.partition('<section id="negotiation"')[2].partition("</section>")[0]
    assert "X25519MLKEM768" in table
    assert "handshake_failure" in table
    assert "not run" in table


def test_what_a_peer_says_is_escaped_in_the_table(tmp_path: Path) -> None:
    sample_run(tmp_path, hostile=HOSTILE)
    html = write_report(tmp_path).read_text()
    table = html.partition('<section id="negotiation"')[2].partition("</section>")[0]
    assert "&lt;script&gt;" in table
    assert "<script" not in table
