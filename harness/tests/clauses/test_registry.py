from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from harness.clauses import Level, Observed, RegistryError, SupersededClause, Unjudged, UnknownClause, load
from harness.clauses.coverage import citations
from harness.clauses.documents import DOCUMENTS
from harness.clauses.registry import default_folder

TEXT = """
document = "RFC8445"
[clauses]
"7.1-M1" = "aa"
"7.1-S1" = "bb"
"7.2-Y1" = "cc"
[about."7.1-M1"]
paraphrase = "Checks carry USERNAME."
actor = "sender"
observed = "wire"
disputed = "which one"
[about."7.2-Y1"]
unjudged = "not observable"
why = "inside"
"""

# An independent count by sentence with the highest keyword; ours may differ by a tenth.
COUNTED = {
    "RFC9429": 284,
    "RFC8445": 106,
    "RFC8489": 132,
    "RFC9260": 308,
    "RFC9147": 88,
    "RFC5764": 30,
    "RFC8831": 17,
    "RFC8832": 15,
    "RFC8842": 50,
}


def folder(tmp_path: Path, text: str = TEXT) -> Path:
    (tmp_path / "rfc8445.toml").write_text(text)
    return tmp_path


def test_clauses_are_found_by_id(tmp_path: Path) -> None:
    registry = load(folder(tmp_path))
    clause = registry.resolve("RFC8445-7.1-M1")
    assert (clause.section, clause.level, clause.about.observed) == ("7.1", Level.MUST, Observed.WIRE)
    assert "RFC8445-7.1-S1" in registry
    assert "RFC8445-7.1-M2" not in registry
    assert "RFC1-1-M1" not in registry
    assert 5 not in registry
    assert registry.resolve("RFC8445-7.2-Y1").about.unjudged is Unjudged.NOT_OBSERVABLE
    assert not registry.resolve("RFC8445-7.2-Y1").applicable
    assert registry.documents() == ("RFC8445",)
    assert registry.disputed() == {"RFC8445-7.1-M1"}


def test_a_file_is_read_once_in_a_process(tmp_path: Path) -> None:
    clauses = load(folder(tmp_path)).clauses("RFC8445")
    (tmp_path / "rfc8445.toml").unlink()
    assert load(tmp_path).clauses("RFC8445") == clauses


@pytest.mark.parametrize(
    ("identity", "kind", "hint"),
    [
        ("RFC5245-7.1-M1", SupersededClause, "cite a clause of RFC8445"),
        ("RFC8829-4.1-M1", SupersededClause, "RFC9429"),
        ("RFC4960-4.1-M1", SupersededClause, "RFC9260"),
        ("RFC8445-7.1-M9", UnknownClause, "near it are RFC8445-7.1-M1"),
        ("RFC1-7.1-M9", UnknownClause, "no document"),
        ("nonsense", UnknownClause, "no document"),
        ("RFC9260-1-M1", RegistryError, "clauses build"),
    ],
)
def test_what_cannot_be_cited_says_why(tmp_path: Path, identity: str, kind: type[Exception], hint: str) -> None:
    with pytest.raises(kind, match=hint):
        load(folder(tmp_path)).resolve(identity)


@pytest.mark.parametrize(
    "text",
    [
        TEXT + '[about."9-M1"]\nparaphrase = "gone"\n',
        TEXT.replace('"wire"', '"ether"'),
        TEXT.replace("paraphrase", "phrase"),
        TEXT + "[",
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(RegistryError):
        load(folder(tmp_path, text)).resolve("RFC8445-7.1-M1")


@pytest.mark.parametrize(("document", "expected"), COUNTED.items())
def test_our_count_of_musts_is_within_a_tenth_of_an_independent_one(document: str, expected: int) -> None:
    ours = sum(clause.level is Level.MUST for clause in load().clauses(document))
    assert abs(ours - expected) <= expected / 10


def test_the_registry_of_this_checkout_is_whole() -> None:
    registry = load()
    ids = [clause.id for clause in registry]
    assert len(ids) == len(set(ids)) > 4000
    assert set(registry.documents()) == set(DOCUMENTS)
    assert not any("sentence" in clause.about.paraphrase for clause in registry)


def test_every_clause_the_cases_cite_is_known_and_paraphrased() -> None:
    registry = load()
    cited = citations(default_folder().parents[1] / "cases")
    silent = [identity for identity in cited if not registry.resolve(identity).about.paraphrase]
    assert silent == []


ASIDE = """
[[aside]]
document = "RFC8445"
sections = ["7"]
unjudged = "not applicable"
why = "none here"
"""


def test_whole_sections_are_set_aside_but_for_clauses_somebody_spoke_about(tmp_path: Path) -> None:
    (tmp_path / "aside.toml").write_text(ASIDE)
    registry = load(folder(tmp_path))
    assert registry.resolve("RFC8445-7.1-S1").about.why == "none here"
    assert registry.resolve("RFC8445-7.1-M1").applicable
    assert registry.resolve("RFC8445-7.2-Y1").about.why == "inside"


@pytest.mark.parametrize("text", ["[", ASIDE.replace("RFC8445", "RFC1"), ASIDE.replace("not app", "un"), "[[aside]]"])
def test_a_broken_list_of_what_is_set_aside_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "aside.toml").write_text(text)
    with pytest.raises(RegistryError, match="aside"):
        load(folder(tmp_path)).resolve("RFC8445-7.1-M1")


def test_every_section_that_is_set_aside_exists() -> None:
    entries = tomllib.loads((default_folder() / "aside.toml").read_text())["aside"]
    registry = load()
    known = {(clause.document, clause.section) for clause in registry}
    for entry in entries:
        for section in entry["sections"]:
            below = (entry["document"], f"{section}.")
            hit = any(name == below[0] and f"{number}.".startswith(below[1]) for name, number in known)
            assert hit, (entry["document"], section)
