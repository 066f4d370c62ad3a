"""Writes `fixtures/spec/*.toml` from the texts of the specifications. Deterministic: twice gives the same bytes.

A sentence whose hash changed under an unchanged id, or an id that is gone, breaks loudly unless the change is accepted:
paraphrases and citations rest on these sentences.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.clauses import rfc, w3c
from harness.clauses.documents import DOCUMENTS, Document
from harness.clauses.model import Observed, Unjudged
from harness.clauses.registry import RegistryError
from harness.clauses.statement import Statement, digest
from harness.writing import write_atomically

__all__ = ["Change", "annotate", "build", "find_text", "read_statements", "render"]

_BOOKKEEPING = {"unjudged": Unjudged.NOT_OBSERVABLE.value, "why": "bookkeeping step"}
_ABOUT_FIELDS = ("paraphrase", "actor", "observed", "unjudged", "why", "disputed")


@dataclass(frozen=True, slots=True)
class Change:
    """What building did, or would do, to one document. `changed` and `gone` are keys whose sentence is not what it
    was."""

    document: str
    total: int
    added: tuple[str, ...]
    changed: tuple[str, ...]
    gone: tuple[str, ...]


def find_text(document: Document, folders: Iterable[Path]) -> Path:
    """The file of a specification in the first folder that has it; RegistryError when none does."""
    tried = [folder / document.source for folder in folders]
    for path in tried:
        if path.exists():
            return path
    raise RegistryError(f"{document.name}: no text at {' or '.join(map(str, tried))}")


def read_statements(document: Document, text: str) -> list[Statement]:
    """The statements of a specification's text."""
    reader = w3c.statements if document.name == "W3C" else rfc.statements
    return list(reader(text))


def build(texts: Iterable[Path], folder: Path, *, accept: bool = False, only: Iterable[str] = ()) -> list[Change]:
    """Write one file a document into `folder`; `texts` are folders with the specifications.

    Raises `RegistryError`, before anything is written, when a known sentence changed or is gone and `accept` is false.
    """
    texts, wanted = list(texts), set(only)
    plans: list[tuple[Path, str, Change]] = []
    for document in DOCUMENTS.values():
        if wanted and document.name not in wanted:
            continue
        statements = read_statements(document, find_text(document, texts).read_text("utf-8"))
        path = folder / f"{document.name.lower()}.toml"
        old = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
        change = _compare(document, statements, old.get("clauses", {}))
        abouts = _abouts(document, statements, old.get("about", {}))
        keys = {statement.key: digest(statement.text) for statement in statements}
        plans.append((path, render(document, keys, abouts), change))
    broken = [change for _, _, change in plans if change.changed or change.gone]
    if broken and not accept:
        raise RegistryError("\n".join(_complaints(broken)))
    folder.mkdir(parents=True, exist_ok=True)
    for path, content, _ in plans:
        if not path.exists() or path.read_text("utf-8") != content:
            write_atomically(path, content)
    return [change for _, _, change in plans]


def _compare(document: Document, statements: list[Statement], old: Mapping[str, str]) -> Change:
    new = {statement.key: digest(statement.text) for statement in statements}
    return Change(
        document.name,
        len(new),
        tuple(key for key in new if key not in old),
        tuple(key for key in new if key in old and old[key] != new[key]),
        tuple(key for key in old if key not in new),
    )


def _complaints(changes: Iterable[Change]) -> Iterator[str]:
    for change in changes:
        for key in change.changed:
            yield f"{change.document}-{key}: its sentence changed"
        for key in change.gone:
            yield f"{change.document}-{key}: its sentence is gone"
    yield "nothing was written; --accept takes the texts as they are now"


def _abouts(
    document: Document, statements: list[Statement], old: Mapping[str, Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """What was written by hand, kept; for W3C, steps that nobody outside can see are set aside by rule."""
    abouts: dict[str, Mapping[str, Any]] = {}
    for statement in statements:
        if old.get(statement.key, _BOOKKEEPING) != _BOOKKEEPING:
            abouts[statement.key] = old[statement.key]
        elif document.name == "W3C" and _is_bookkeeping(statement):
            abouts[statement.key] = _BOOKKEEPING
    return abouts


def _is_bookkeeping(statement: Statement) -> bool:
    is_step = statement.key.rpartition("-")[2][:1].isdigit()
    return is_step and w3c.bookkeeping(statement.text)


def render(document: Document, clauses: Mapping[str, str], abouts: Mapping[str, Mapping[str, Any]]) -> str:
    """The text of a registry file; `clauses` are hashes by key, in the order of the specification."""
    lines = [
        f"# {document.title}. [clauses] is written by `python -m harness clauses build`; [about] by hand.",
        f"document = {_string(document.name)}",
        f"source = {_string(document.source)}",
        "",
        "[clauses]",
        *(f"{_string(key)} = {_string(sha256)}" for key, sha256 in clauses.items()),
    ]
    for key in clauses:
        if about := abouts.get(key):
            lines += ["", f"[about.{_string(key)}]"]
            lines += [f"{name} = {_string(about[name])}" for name in _ABOUT_FIELDS if about.get(name)]
    return "\n".join(lines) + "\n"


def annotate(folder: Path, said: Mapping[str, Mapping[str, str]]) -> None:
    """Write what is said about clauses, by id, into their files; a field given replaces the old, others stay.

    Raises `RegistryError` for an id that isn't known and for a field or value the registry refuses.
    """
    by_document: dict[str, dict[str, Mapping[str, str]]] = {}
    for identity, fields in said.items():
        document, _, key = identity.partition("-")
        by_document.setdefault(document, {})[key] = fields
    for name, keys in by_document.items():
        if name not in DOCUMENTS:
            raise RegistryError(f"no document {name!r}")
        path = folder / f"{name.lower()}.toml"
        data = tomllib.loads(path.read_text("utf-8"))
        if unknown := sorted(set(keys) - set(data["clauses"])):
            raise RegistryError(f"{path.name} has no {', '.join(unknown)}")
        abouts = data.get("about", {})
        for key, fields in keys.items():
            _check_about(f"{name}-{key}", fields)
            kept = abouts.get(key, {})
            if "paraphrase" in fields and "unjudged" not in fields:
                # What somebody paraphrases is judged.
                kept = {name: value for name, value in kept.items() if name not in {"unjudged", "why"}}
            abouts[key] = {**kept, **fields}
        write_atomically(path, render(DOCUMENTS[name], data["clauses"], abouts))


def _check_about(identity: str, fields: Mapping[str, str]) -> None:
    allowed: dict[str, frozenset[str]] = {
        "observed": frozenset(Observed),
        "unjudged": frozenset(Unjudged),
    }
    for name, value in fields.items():
        if name not in _ABOUT_FIELDS:
            raise RegistryError(f"{identity}: unknown field {name!r}")
        if name in allowed and value not in allowed[name]:
            raise RegistryError(f"{identity}: {name} is one of {', '.join(sorted(allowed[name]))}, not {value!r}")


def _string(text: str) -> str:
    # A JSON string without escapes beyond TOML's is a TOML basic string.
    return json.dumps(str(text), ensure_ascii=False)
