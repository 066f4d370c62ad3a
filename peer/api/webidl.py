"""Web IDL's conversions, from Python values: what a page's bindings do before an algorithm of webrtc-pc starts.

A dictionary argument is any mapping, or an object with attributes of those names. A dictionary we return is a
`Dictionary`: a dict whose members are attributes too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

__all__ = ["Dictionary", "boolean", "double", "enumeration", "integer", "members", "sequence", "string", "unsigned"]

E = TypeVar("E", bound=StrEnum)


class Dictionary(dict[str, Any]):
    """A Web IDL dictionary: `offer.sdp` is `offer["sdp"]`; a member that isn't present reads as None."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.get(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        self.pop(name, None)

    def toJSON(self) -> dict[str, Any]:
        return dict(self)


def members(value: Any, names: Iterable[str], interface: str) -> dict[str, Any]:
    """The members of a dictionary argument that are present, without those that aren't. None is the empty dictionary.

    Raises TypeError for a value that can't be a dictionary.
    """
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {name: value[name] for name in names if name in value}
    if isinstance(value, str | bytes | int | float | bool | list | tuple | set):
        raise TypeError(f"{interface}: {type(value).__name__} is not a dictionary")
    return {name: getattr(value, name) for name in names if hasattr(value, name)}


def sequence(value: Any, what: str) -> list[Any]:
    """A sequence: any iterable but str and bytes."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise TypeError(f"{what}: {type(value).__name__} is not a sequence")
    return list(value)


def enumeration(kind: type[E], value: Any, what: str) -> E:
    """A member of a Web IDL enumeration; TypeError for any other string."""
    try:
        return kind(value)
    except ValueError:
        raise TypeError(f"{what}: {value!r} is not a valid value of {kind.__name__}") from None


def string(value: Any) -> str:
    """A USVString: a lone surrogate becomes U+FFFD."""
    if value is None:
        return "null"
    text = value if isinstance(value, str) else str(value)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def boolean(value: Any) -> bool:
    return bool(value)


def _number(value: Any, what: str) -> float | int:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    raise TypeError(f"{what}: {value!r} is not a number")


def integer(value: Any, what: str, minimum: int, maximum: int) -> int:
    """An integer type with [EnforceRange]: TypeError for NaN, infinities and numbers outside."""
    number = _number(value, what)
    if isinstance(number, float):
        if not math.isfinite(number):
            raise TypeError(f"{what}: {value!r} is not a finite number")
        number = math.trunc(number)
    if not minimum <= number <= maximum:
        raise TypeError(f"{what}: {value!r} is outside {minimum}..{maximum}")
    return number


def unsigned(value: Any, what: str, bits: int) -> int:
    """An unsigned integer type without [EnforceRange]: modulo 2^bits, as ECMAScript does."""
    number = _number(value, what)
    if isinstance(number, float):
        number = math.trunc(number) if math.isfinite(number) else 0
    return number % (1 << bits)


def double(value: Any, what: str) -> float:
    """A `double`: TypeError for NaN and infinities."""
    number = float(_number(value, what))
    if not math.isfinite(number):
        raise TypeError(f"{what}: {value!r} is not a finite number")
    return number
