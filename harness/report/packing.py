"""Packs the pages of single cases into the one file: raw DEFLATE, then base64, so that ten thousand of them stay small.

Pages are alike, so they are packed some dozens at a time. The browser unpacks a block when one of its pages is opened
(`DecompressionStream`). The text is our own HTML, escaped already.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

__all__ = ["Block", "pack", "unpack"]

_BLOCK = 1 << 19


@dataclass(frozen=True, slots=True)
class Block:
    """Some pages together: their names, and all of them packed."""

    names: tuple[str, ...]
    packed: str


def pack(pages: Iterable[tuple[str, str]]) -> Iterator[Block]:
    """Pack (name, HTML) pairs into blocks of about half a megabyte; the packed form is ASCII of the base64 alphabet."""
    names: list[str] = []
    texts: list[str] = []
    size = 0
    for name, text in pages:
        names.append(name)
        texts.append(text)
        size += len(text)
        if size > _BLOCK:
            yield Block(tuple(names), _pack(texts))
            names, texts, size = [], [], 0
    if names:
        yield Block(tuple(names), _pack(texts))


def _pack(texts: list[str]) -> str:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = json.dumps(texts, ensure_ascii=False).encode("utf-8", "replace")
    return base64.b64encode(packer.compress(data) + packer.flush()).decode("ascii")


def unpack(block: Block) -> dict[str, str]:
    """The pages of a block by name, for tests and for tools that read a report."""
    texts: list[str] = json.loads(zlib.decompress(base64.b64decode(block.packed), -15))
    return dict(zip(block.names, texts, strict=True))
