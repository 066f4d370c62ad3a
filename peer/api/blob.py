"""File API's Blob, as far as a data channel needs it."""

from __future__ import annotations

from collections.abc import Iterable

from peer.api.tasks import Promise

__all__ = ["Blob"]


class Blob:
    """Immutable bytes with a media type: `Blob([b"ab", "c"])`. `arrayBuffer()` and `text()` return awaitables."""

    __slots__ = ("_data", "type")

    def __init__(self, blobParts: Iterable[bytes | bytearray | memoryview | str] = (), type: str = "") -> None:
        self._data = b"".join(part.encode() if isinstance(part, str) else bytes(part) for part in blobParts)
        self.type = type

    @property
    def size(self) -> int:
        return len(self._data)

    def __bytes__(self) -> bytes:
        return self._data

    def arrayBuffer(self) -> Promise[bytes]:
        return Promise.resolved(self._data)

    def text(self) -> Promise[str]:
        return Promise.resolved(self._data.decode("utf-8", "replace"))
