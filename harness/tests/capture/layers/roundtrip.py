"""Build, dissect, build again: what every layer must survive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.capture.layers.base import rebuilt


def same_after_dissection(packet: Any, dissect: Callable[[bytes], Any]) -> Any:
    """The packet read back from its bytes: of the same class, with the same fields, giving the same bytes anew."""
    data = bytes(packet)
    read = dissect(data)
    assert type(read) is type(packet)
    assert bytes(read) == data
    assert rebuilt(read) == data
    for name, value in packet.fields.items():
        if value is not None and not isinstance(value, list):
            assert read.getfieldval(name) == value, name
    return read
