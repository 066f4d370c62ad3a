"""Secrets of a run: lines of an NSS key log, by label and client random."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

__all__ = ["KeyLog"]

_LINE: Final = re.compile(r"([A-Z][A-Z0-9_]*) ([0-9a-fA-F]+) ([0-9a-fA-F]+)")


class KeyLog:
    """The secrets known so far. `generation` grows with each new one, so that what couldn't be opened is tried again.

    Lines other than TLS's are welcome (`SRTP_...`): they are kept for who asks for their label and left out of
    `tls_lines`.
    """

    def __init__(self) -> None:
        self._secrets: dict[tuple[str, bytes], bytes] = {}
        self.generation = 0

    def add(self, line: str) -> None:
        """Take one line; comments, blank lines and what has another form are ignored."""
        match = _LINE.fullmatch(line.strip())
        if match is None or len(match[2]) % 2 or len(match[3]) % 2:
            return
        key = (match[1], bytes.fromhex(match[2]))
        if self._secrets.get(key) != (secret := bytes.fromhex(match[3])):
            self._secrets[key] = secret
            self.generation += 1

    def find(self, label: str, client_random: bytes) -> bytes | None:
        return self._secrets.get((label, client_random))

    def with_label(self, label: str) -> Iterator[tuple[bytes, bytes]]:
        """All pairs of (identifier, secret) under a label."""
        return ((identifier, secret) for (name, identifier), secret in self._secrets.items() if name == label)

    @property
    def lines(self) -> list[str]:
        return [f"{label} {identifier.hex()} {secret.hex()}" for (label, identifier), secret in self._secrets.items()]

    @property
    def tls_lines(self) -> list[str]:
        """The lines Wireshark understands."""
        return [line for line in self.lines if not line.startswith("SRTP_")]
