"""Packs the pages of single cases into the one file: raw DEFLATE, then base64, so that ten thousand of them stay small.

The browser unpacks a page when it is opened (`DecompressionStream`). The text is our own HTML, escaped already.
"""

from __future__ import annotations

import base64
import zlib

__all__ = ["pack", "unpack"]


def pack(text: str) -> str:
    """The packed form: ASCII of the base64 alphabet, safe inside a script element."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return base64.b64encode(packer.compress(text.encode("utf-8", "replace")) + packer.flush()).decode("ascii")


def unpack(packed: str) -> str:
    """The inverse of `pack`, for tests and for tools that read a report."""
    return zlib.decompress(base64.b64decode(packed), -15).decode("utf-8")
