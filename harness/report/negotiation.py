"""What each build negotiated when one parameter was restricted: a table from the facts of the cases about it.

A case says so in `facts["negotiation"]`: which `parameter` had nothing but which `value`, in which `role` the endpoint
was, and what was agreed on, or the `alert` and whether the endpoint or the peer opposite said it (`refused_by`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.report.summary import result_id
from harness.results import CaseResult, RunResults

__all__ = ["Agreed", "Negotiation", "Restriction", "negotiation"]

_PARAMETERS: Final = {
    "dtls_version": "Version",
    "cipher": "Cipher suite",
    "named_group": "Group",
    "srtp_profile": "SRTP profile",
    "certificate": "Certificate of the other side",
}
_BESIDES: Final = ("dtls_version", "cipher", "named_group", "srtp_profile")


@dataclass(frozen=True, slots=True)
class Agreed:
    """A cell: `text` is "agreed" where it is the value of the row, else what it is, or the alert; `besides` what else
    was agreed on."""

    text: str
    href: str
    besides: str = ""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Restriction:
    """A row; `cells` are in the order of `Negotiation.builds`, None where it was not run."""

    parameter: str
    value: str
    role: str
    cells: tuple[Agreed | None, ...]


@dataclass(frozen=True, slots=True)
class Negotiation:
    """The table. `builds` are the columns: an endpoint's name and its build."""

    builds: tuple[tuple[str, str], ...]
    rows: tuple[Restriction, ...]


def negotiation(run: RunResults) -> Negotiation | None:
    """The table of a run, None when no case has restricted anything."""
    found: dict[tuple[str, str, str], dict[str, Agreed]] = {}
    for result in run.results:
        told = result.facts.get("negotiation")
        if not isinstance(told, Mapping) or not result.subjects:
            continue
        key = (str(told.get("parameter", "")), str(told.get("value", "")), str(told.get("role", "")))
        found.setdefault(key, {})[next(iter(result.subjects))] = _agreed(result, told, key[0])
    if not found:
        return None
    used = dict.fromkeys(name for cells in found.values() for name in cells)
    names = [name for name in run.run.builds if name in used] + [name for name in used if name not in run.run.builds]
    return Negotiation(
        builds=tuple((name, run.run.builds.get(name, "")) for name in names),
        rows=tuple(
            Restriction(_PARAMETERS.get(key[0], key[0]), key[1], key[2], tuple(found[key].get(name) for name in names))
            for key in sorted(found, key=_place)
        ),
    )


def _place(key: tuple[str, str, str]) -> tuple[int, tuple[str, str, str]]:
    known = list(_PARAMETERS)
    return known.index(key[0]) if key[0] in known else len(known), key


def _agreed(result: CaseResult, told: Mapping[str, Any], parameter: str) -> Agreed:
    href = f"#/case/{result_id(result.case, result.endpoints)}"
    if told.get("alert"):
        by_peer = told.get("refused_by") == "peer"
        return Agreed(
            str(told["alert"]), href, "not offered; said by the peer opposite" if by_peer else "", refused=True
        )
    if told.get("state") != "connected":
        return Agreed(str(told.get("state", "nothing")), href, refused=True)
    besides = ", ".join(str(told[name]) for name in _BESIDES if name != parameter and told.get(name))
    agreed = str(told.get(parameter) or "none")
    return Agreed("agreed" if agreed == told.get("value") else agreed, href, besides)
