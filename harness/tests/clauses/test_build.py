from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.clauses import RegistryError, load
from harness.clauses.build import annotate, build
from harness.clauses.registry import default_folder

TEXT = "1.  Rules\n\n   An agent MUST speak.  It MUST listen.\n\n2.  More\n\n   It MAY rest.\n"


def texts(tmp_path: Path, text: str = TEXT) -> Path:
    folder = tmp_path / "texts"
    folder.mkdir(exist_ok=True)
    (folder / "rfc8445.txt").write_text(text)
    return folder


def test_building_twice_changes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "spec"
    build([texts(tmp_path)], out, only=["RFC8445"])
    first = (out / "rfc8445.toml").read_bytes()
    (change,) = build([texts(tmp_path)], out, only=["RFC8445"])
    assert (out / "rfc8445.toml").read_bytes() == first
    assert (change.total, change.added) == (3, ())
    assert b"speak" not in first


def test_what_was_written_by_hand_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "spec"
    build([texts(tmp_path)], out, only=["RFC8445"])
    path = out / "rfc8445.toml"
    path.write_text(path.read_text() + '\n[about."1-M2"]\nactor = "anyone"\nparaphrase = "Say \\"hear\\"."\n')
    build([texts(tmp_path)], out, only=["RFC8445"])
    about = load(out).resolve("RFC8445-1-M2").about
    assert (about.paraphrase, about.actor) == ('Say "hear".', "anyone")


@pytest.mark.parametrize("text", [TEXT.replace("listen", "hear"), TEXT.replace("  It MUST listen.", "")])
def test_a_sentence_that_changed_breaks_loudly(tmp_path: Path, text: str) -> None:
    out = tmp_path / "spec"
    build([texts(tmp_path)], out, only=["RFC8445"])
    before = (out / "rfc8445.toml").read_bytes()
    with pytest.raises(RegistryError, match="RFC8445-1-M2: its sentence"):
        build([texts(tmp_path, text)], out, only=["RFC8445"])
    assert (out / "rfc8445.toml").read_bytes() == before
    (change,) = build([texts(tmp_path, text)], out, accept=True, only=["RFC8445"])
    assert change.changed + change.gone == ("1-M2",)


def test_a_missing_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"rfc9260\.txt"):
        build([texts(tmp_path)], tmp_path / "spec", only=["RFC9260"])


@pytest.mark.skipif("PEERPROOF_SPEC_TEXTS" not in os.environ, reason="needs the texts of the specifications")
def test_the_registry_of_this_checkout_is_what_the_texts_say(tmp_path: Path) -> None:
    folders = [Path(part) for part in os.environ["PEERPROOF_SPEC_TEXTS"].split(os.pathsep)]
    for path in default_folder().glob("*.toml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    build(folders, tmp_path)
    for path in default_folder().glob("*.toml"):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_what_is_said_about_clauses_is_added_to_what_was(tmp_path: Path) -> None:
    out = tmp_path / "spec"
    build([texts(tmp_path)], out, only=["RFC8445"])
    annotate(out, {"RFC8445-1-M2": {"paraphrase": "Hear.", "observed": "wire"}})
    annotate(out, {"RFC8445-1-M2": {"actor": "anyone", "paraphrase": "Hear!"}})
    about = load(out).resolve("RFC8445-1-M2").about
    assert (about.paraphrase, about.actor, about.observed) == ("Hear!", "anyone", "wire")
    before = (out / "rfc8445.toml").read_bytes()
    build([texts(tmp_path)], out, only=["RFC8445"])
    assert (out / "rfc8445.toml").read_bytes() == before


@pytest.mark.parametrize(
    "said",
    [
        {"RFC8445-1-M9": {"paraphrase": "x"}},
        {"RFC1-1-M1": {"paraphrase": "x"}},
        {"RFC8445-1-M1": {"observed": "ether"}},
        {"RFC8445-1-M1": {"unjudged": "no idea"}},
        {"RFC8445-1-M1": {"colour": "red"}},
    ],
)
def test_nonsense_about_clauses_is_refused(tmp_path: Path, said: dict[str, dict[str, str]]) -> None:
    out = tmp_path / "spec"
    build([texts(tmp_path)], out, only=["RFC8445"])
    with pytest.raises(RegistryError):
        annotate(out, said)
