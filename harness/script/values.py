"""Values in scripts and traces, and how they travel as JSON.

Python                       JSON                              in a page
None, bool, str, int, float  themselves                        themselves
inf, -inf, nan               {"$number": "Infinity"}           Infinity
bytes                        {"$bytes": "<base64>"}            ArrayBuffer
Ref("offer.sdp")             {"$ref": "offer.sdp"}             the object (or its attribute) a handle stands for
Opaque("RTCRtpSender")       {"$object": "RTCRtpSender"}       an object no handle stands for (results only)
list, tuple                  arrays                            arrays
dict                         objects                           dictionaries, records, stats reports

`undefined` comes back as None: W3C's dictionaries and our Python peer don't tell the two apart.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

__all__ = ["JSON", "Opaque", "Ref", "ScriptError", "Value", "from_json", "to_json"]

JSON: TypeAlias = "bool | int | float | str | list[Any] | dict[str, Any] | None"
Value: TypeAlias = Any

_NUMBERS: Final = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}


class ScriptError(ValueError):
    """Something that is not a script, or not a value one can hold."""


@dataclass(frozen=True, slots=True)
class Ref:
    """What a handle stands for, or an attribute reached from it: `Ref("pc")`, `Ref("offer.sdp")`."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class Opaque:
    """A platform object in a result that no handle stands for: only its interface is known."""

    interface: str


def to_json(value: Value) -> JSON:
    """The JSON form. Raises ScriptError for a value that has none."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return str(value)
        case float():
            return value if math.isfinite(value) else {"$number": _number_name(value)}
        case bytes() | bytearray() | memoryview():
            return {"$bytes": base64.b64encode(value).decode("ascii")}
        case Ref():
            return {"$ref": value.path}
        case Opaque():
            return {"$object": value.interface}
        case list() | tuple():
            return [to_json(item) for item in value]
        case Mapping():
            return {str(key): to_json(item) for key, item in value.items()}
    raise ScriptError(f"a script can't hold a {type(value).__name__}")


def _number_name(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def from_json(data: JSON) -> Value:
    """The value of a JSON form. Raises ScriptError when a tagged object is malformed."""
    if isinstance(data, list):
        return [from_json(item) for item in data]
    if not isinstance(data, dict):
        return data
    if len(data) == 1:
        ((tag, content),) = data.items()
        if tag in _TAGS:
            return _TAGS[tag](content)
    return {key: from_json(item) for key, item in data.items()}


def _bytes(content: Any) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise ScriptError(f"$bytes: {error}") from error


def _number(content: Any) -> float:
    if content not in _NUMBERS:
        raise ScriptError(f"$number: {content!r}")
    return _NUMBERS[content]


def _text(content: Any) -> str:
    if not isinstance(content, str):
        raise ScriptError(f"a name was expected, not {content!r}")
    return content


_TAGS: Final[Mapping[str, Callable[[Any], Value]]] = {
    "$bytes": _bytes,
    "$number": _number,
    "$ref": lambda content: Ref(_text(content)),
    "$object": lambda content: Opaque(_text(content)),
}
