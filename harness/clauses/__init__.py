"""The clause registry: every normative statement of the specifications we judge by, with an id.

documents      which specifications, and which were replaced
rfc, w3c       text of a specification -> statements
build          statements -> fixtures/spec/*.toml
registry       fixtures/spec/*.toml -> Clause
coverage       registry + cases + results -> figures, and the snapshot that may not fall
cli            `python -m harness clauses`
"""

from harness.clauses.model import About, Clause, Level, Observed, Unjudged
from harness.clauses.registry import Registry, RegistryError, SupersededClause, UnknownClause, load

__all__ = [
    "About",
    "Clause",
    "Level",
    "Observed",
    "Registry",
    "RegistryError",
    "SupersededClause",
    "Unjudged",
    "UnknownClause",
    "load",
]
