"""Conformance statements: what a run found about one build of one endpoint, as files that can be published.

`reports/published/<endpoint>-<build>/` gets `index.html` (no script, no request) and `statement.json`. Sentences of
specifications are not in them: our paraphrases are.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from harness.report.clause_view import EndpointPage, Library, endpoint_page
from harness.report.environment import VERDICTS, asset, digest, environment, release
from harness.results import RunInfo, RunResults
from harness.writing import write_atomically

__all__ = ["publish", "statement"]


def statement(page: EndpointPage, run: RunInfo) -> dict[str, Any]:
    """The statement for programs: the content of `statement.json`."""
    return {
        "schema": 1,
        "endpoint": page.endpoint,
        "build": page.build,
        "run": {"id": run.id, "started": run.started, "seed": run.seed, "capture": run.capture},
        "tally": dict(page.tally),
        "standings": [
            {
                "document": one.document,
                "level": one.level.value,
                "judged": one.executed,
                "kept": one.passed,
                "total": one.total,
            }
            for one in page.standings
        ],
        "deviations": [
            {
                "case": one.result.case,
                "verdict": one.result.verdict.value,
                "expected": one.result.expected.value,
                "clauses": list(one.clauses),
                "message": one.result.message,
                "reason": one.result.reason,
                "link": one.result.link,
            }
            for one in page.deviations
        ],
        "clauses": {identity: verdict.value for identity, verdict in page.verdicts.items()},
    }


def publish(run: RunResults, endpoint: str, folder: Path, known: Library | None = None) -> Path:
    """Write the statement of an endpoint of this run below `folder`; returns its folder.

    Raises LookupError when the run has no such endpoint.
    """
    if endpoint not in run.run.builds:
        raise LookupError(f"the run has no endpoint {endpoint!r}; it has {', '.join(run.run.builds)}")
    page = endpoint_page(run, endpoint, known)
    style = asset("report.css")
    html = (
        environment()
        .get_template("statement.html.j2")
        .render(
            page=page,
            run=run.run,
            verdicts=VERDICTS,
            published=True,
            describe=known.describe if known else lambda identity: ("", ""),
            version=release(),
            style=style,
            style_hash=digest(style),
        )
    )
    name = re.sub(r"[^A-Za-z0-9.]+", "-", f"{endpoint}-{page.build}")[:80].strip("-.")
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    write_atomically(target / "index.html", html)
    write_atomically(target / "statement.json", json.dumps(statement(page, run.run), indent=1) + "\n")
    return target
