"""What endpoints are known to do otherwise: no findings, each with the step it breaks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.clauses.registry import Registry, default_folder
from harness.fuzz import explained
from harness.fuzz.target import Problem
from harness.fuzz.targets import TARGETS

KNOWN = Problem("outcome", "OperationError, not TypeError", "stable, setRemoteDescription", endpoint="chromium")


def test_what_is_explained_is_no_finding() -> None:
    others = [replace(KNOWN, endpoint="reference"), replace(KNOWN, state="stable, createOffer")]
    assert explained.unexplained("signalling", [KNOWN, *others]) == tuple(others)
    assert explained.unexplained("dtls", [KNOWN]) == (KNOWN,)


@pytest.mark.parametrize("file", sorted(explained.FOLDER.glob("*.toml")), ids=lambda file: file.stem)
def test_each_entry_names_a_target_an_endpoint_and_a_clause_there_is(file: Path) -> None:
    registry = Registry(default_folder())
    assert file.stem in TARGETS
    for entry in explained.load(file):
        assert entry.endpoint.split(",")[-1] in ("chromium", "firefox")
        assert entry.step in registry, entry.step
        assert entry.reason


def test_an_entry_that_lacks_a_word_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "explained.toml"
    path.write_text('[[explained]]\nendpoint = "chromium"\n')
    with pytest.raises(ValueError, match="missing"):
        explained.load(path)
