"""The sanity case: the first case of a file shows that the conversation its siblings rest on can happen at all.

When it doesn't pass on an endpoint, what its siblings would say there is worthless: they are `inconclusive`, and the
sanity case alone is red. The pytest plugin asks `reason` before it runs a case and tells `note` after.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.verdict import Verdict

__all__ = ["SanityGate"]

_SOUND = frozenset({Verdict.PASS, Verdict.WEAK})


class SanityGate:
    """Which file is sound on which endpoints, in this run."""

    def __init__(self) -> None:
        self._sanity: dict[str, str] = {}
        self._unsound: dict[tuple[str, tuple[str, ...]], str] = {}

    def collect(self, cases: Iterable[str]) -> None:
        """Tell the gate the cases of a file tree in order of their definition; the first of each file is its sanity
        case.

        Cases are pytest node ids; parameters don't matter. Deselected cases are told too: a file whose sanity case
        isn't run has no gate.
        """
        for case in cases:
            self._sanity.setdefault(_file(case), _function(case))

    def is_sanity(self, case: str) -> bool:
        """Whether this is the sanity case of its file."""
        return self._sanity.get(_file(case)) == _function(case)

    def reason(self, case: str, endpoints: Iterable[str]) -> str:
        """Why a case need not run: empty when it should."""
        if self.is_sanity(case):
            return ""
        return self._unsound.get((_file(case), tuple(endpoints)), "")

    def note(self, case: str, endpoints: Iterable[str], verdict: Verdict) -> None:
        """Tell the gate how a case ended; only the verdicts of sanity cases matter."""
        if self.is_sanity(case) and verdict not in _SOUND:
            why = f"the sanity case of this file, {_function(case)}, ended in {verdict.value}"
            self._unsound[_file(case), tuple(endpoints)] = why


def _file(case: str) -> str:
    return case.partition("::")[0]


def _function(case: str) -> str:
    return case.partition("::")[2].partition("[")[0]
