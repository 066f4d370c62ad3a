"""The registry of clauses: `fixtures/spec/*.toml`, read one document at a time when it is first asked for.

A document's file has two parts. `[clauses]` is generated (`python -m harness clauses build`): the key of every
statement and the hash of its sentence. `[about."<key>"]` is written by hand for the clauses we cite or set aside: our
paraphrase, the actor, where it is observed, or why it can't be judged. `aside.toml` sets whole sections aside, for
clauses nothing else is said about.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from harness.clauses.documents import DOCUMENTS, SUPERSEDED
from harness.clauses.model import About, Clause, Level, Observed, Unjudged

__all__ = ["Registry", "RegistryError", "SupersededClause", "UnknownClause", "default_folder", "load"]

_LEVELS = {level.letter: level for level in Level}


class RegistryError(Exception):
    """The registry's files, or an id, are not what they should be."""


class UnknownClause(RegistryError):
    """No such clause in the registry."""


class SupersededClause(RegistryError):
    """The clause is of a document that was replaced; the message names the successor."""


def default_folder() -> Path:
    """`fixtures/spec` of this checkout."""
    return Path(__file__).resolve().parents[2] / "fixtures" / "spec"


class Registry:
    """Clauses by id. `in` and `resolve` read at most one file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._documents: dict[str, dict[str, Clause]] = {}
        self._aside: dict[str, dict[str, About]] | None = None

    def __contains__(self, identity: object) -> bool:
        if not isinstance(identity, str):
            return False
        document, _, _ = identity.partition("-")
        return document in DOCUMENTS and identity in self._of(document)

    def __iter__(self) -> Iterator[Clause]:
        for document in self.documents():
            yield from self.clauses(document)

    def resolve(self, identity: str) -> Clause:
        """The clause of an id.

        Raises `SupersededClause` for a document that was replaced, `UnknownClause` for an id that isn't there.
        """
        document, _, key = identity.partition("-")
        if document in SUPERSEDED:
            successor = SUPERSEDED[document]
            raise SupersededClause(f"{identity}: {document} was replaced by {successor}; cite a clause of {successor}")
        if document not in DOCUMENTS:
            raise UnknownClause(f"{identity}: no document {document!r}; known are {', '.join(DOCUMENTS)}")
        try:
            return self._of(document)[identity]
        except KeyError:
            section = re.sub(r"[MSY]?\d+$", "", key)
            near = [clause.id for clause in self.clauses(document) if clause.id.startswith(f"{document}-{section}")]
            hint = f"; near it are {', '.join(near[:6])}" if near else ""
            raise UnknownClause(f"{identity} is not in {self._path(document).name}{hint}") from None

    def documents(self) -> tuple[str, ...]:
        """Names of the documents that have a file, in the order of `DOCUMENTS`."""
        return tuple(name for name in DOCUMENTS if self._path(name).exists())

    def clauses(self, document: str) -> tuple[Clause, ...]:
        """The clauses of a document in the order of its text; `RegistryError` when it has no file."""
        return tuple(self._of(document).values())

    def disputed(self) -> frozenset[str]:
        """Ids of the clauses that are listed and not scored."""
        return frozenset(clause.id for clause in self if clause.about.disputed)

    def _path(self, document: str) -> Path:
        return self.folder / f"{document.lower()}.toml"

    def _of(self, document: str) -> dict[str, Clause]:
        if document not in self._documents:
            if self._aside is None:
                self._aside = _read_aside(self.folder / "aside.toml")
            clauses = _read(self._path(document), document)
            _set_aside(clauses, self._aside.get(document, {}))
            self._documents[document] = clauses
        return self._documents[document]


def _read(path: Path, document: str) -> dict[str, Clause]:
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RegistryError(f"{path}: {error}; `python -m harness clauses build` writes it") from error
    except tomllib.TOMLDecodeError as error:
        raise RegistryError(f"{path}: {error}") from error
    abouts = data.get("about", {})
    if foreign := sorted(set(abouts) - set(data["clauses"])):
        raise RegistryError(f"{path}: about clauses that don't exist: {', '.join(foreign)}")
    clauses = (_clause(path, document, key, sha256, abouts.get(key, {})) for key, sha256 in data["clauses"].items())
    return {clause.id: clause for clause in clauses}


def _clause(path: Path, document: str, key: str, sha256: str, about: Mapping[str, Any]) -> Clause:
    section, _, last = key.rpartition("-")
    level = _LEVELS.get(last[:1], Level.MUST)
    unknown = set(about) - {"paraphrase", "actor", "observed", "unjudged", "why", "disputed"}
    if unknown:
        raise RegistryError(f"{path}: about {key!r}: unknown field {', '.join(sorted(unknown))}")
    try:
        said = About(
            paraphrase=about.get("paraphrase", ""),
            actor=about.get("actor", ""),
            observed=Observed(about["observed"]) if "observed" in about else None,
            unjudged=Unjudged(about["unjudged"]) if "unjudged" in about else None,
            why=about.get("why", ""),
            disputed=about.get("disputed", ""),
        )
    except ValueError as error:
        raise RegistryError(f"{path}: about {key!r}: {error}") from error
    return Clause(f"{document}-{key}", document, section, level, sha256, said)


def _read_aside(path: Path) -> dict[str, dict[str, About]]:
    """Sections that are set aside: document -> section -> why."""
    if not path.exists():
        return {}
    found: dict[str, dict[str, About]] = {}
    try:
        for entry in tomllib.loads(path.read_text("utf-8")).get("aside", ()):
            about = About(unjudged=Unjudged(entry["unjudged"]), why=entry["why"])
            for section in entry["sections"]:
                found.setdefault(entry["document"], {})[section] = about
    except (tomllib.TOMLDecodeError, KeyError, ValueError) as error:
        raise RegistryError(f"{path}: {error!r}") from error
    if foreign := sorted(set(found) - set(DOCUMENTS)):
        raise RegistryError(f"{path}: unknown documents: {', '.join(foreign)}")
    return found


def _set_aside(clauses: dict[str, Clause], sections: Mapping[str, About]) -> None:
    for identity, clause in clauses.items():
        if clause.about != About():
            continue
        section = clause.section
        while section and section not in sections:
            section = section.rpartition(".")[0]
        if section:
            clauses[identity] = replace(clause, about=sections[section])


@cache
def load(folder: Path | None = None) -> Registry:
    """The registry in `folder`, by default that of this checkout. Nothing is read yet; a file is read once in a
    process.
    """
    return Registry(folder or default_folder())
