"""What a browser leaves behind: the log of its process and the minidumps of what crashed.

`harness.browsers.Launch` starts a browser so that both are in one folder. Chromium and Firefox write dumps themselves
once an environment variable says that (and where) they may; nothing is sent anywhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

__all__ = ["Remains"]

LOG: Final = "browser.log"
# Of a log the end is kept, of dumps the first: one is enough to tell what crashed.
_LONGEST_LOG: Final = 128 * 1024
_LARGEST_DUMP: Final = 32 * 1024 * 1024
_MOST_DUMPS: Final = 2
# A log that grew to this is begun anew with the next endpoint.
_FULL: Final = 4 * 1024 * 1024


class Remains:
    """What is left in `folder` since this was made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._start = self._log_size()
        self._known = frozenset(self._dumps())

    @classmethod
    def since_now(cls, folder: Path) -> Self:
        """From now on. A log that is too long is emptied first."""
        made = cls(folder)
        if made._start > _FULL:
            with suppress(OSError):
                os.truncate(folder / LOG, 0)
            made._start = 0
        return made

    @staticmethod
    def environment(folder: Path) -> Mapping[str, str]:
        """What has browsers write dumps below `folder`, and tell nobody."""
        return {
            "BREAKPAD_DUMP_LOCATION": str(folder / "dumps"),
            "MOZ_CRASHREPORTER": "1",
            "MOZ_CRASHREPORTER_NO_REPORT": "1",
        }

    @property
    def pid(self) -> int:
        """The browser's process. Raises OSError, ValueError when it was never started."""
        return int((self._folder / "pid").read_text("ascii"))

    def files(self) -> dict[str, bytes]:
        """The log and the dumps: name -> content."""
        found = {}
        with suppress(OSError), (self._folder / LOG).open("rb") as file:
            start = self._start if self._start <= self._log_size() else 0
            file.seek(max(start, self._log_size() - _LONGEST_LOG))
            found[LOG] = file.read(_LONGEST_LOG)
        fresh = sorted(set(self._dumps()) - self._known)
        for number, path in enumerate(fresh[:_MOST_DUMPS]):
            with suppress(OSError):
                if path.stat().st_size <= _LARGEST_DUMP:
                    found[f"crash-{number}.dmp"] = path.read_bytes()
        return found

    def _log_size(self) -> int:
        try:
            return (self._folder / LOG).stat().st_size
        except OSError:
            return 0

    def _dumps(self) -> Iterator[Path]:
        return (self._folder / "dumps").rglob("*.dmp")
