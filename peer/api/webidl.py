"""Web IDL's conversions, from Python values: what a page's bindings do before an algorithm of webrtc-pc starts.

`None` is null; a member or argument that isn't given is undefined. A dictionary argument is any mapping, or an object
with attributes of those names. A dictionary we return is a `Dictionary`: a dict whose members are attributes too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Container, Iterable, Mapping
from enum import StrEnum
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

__all__ = [
    "MISSING",
    "Conversion",
    "Dictionary",
    "boolean",
    "dictionary",
    "double",
    "enforced",
    "enumeration",
    "integer",
    "interface",
    "long",
    "members",
    "nullable",
    "one_of",
    "sequence",
    "sequence_of",
    "string",
    "unsigned",
    "unsigned_long",
    "unsigned_short",
]

E = TypeVar("E", bound=StrEnum)
#: From a value as given to the value of a type. Raises TypeError.
Conversion: TypeAlias = Callable[[Any], Any]


class _Missing:
    """The default of an argument that is required where a missing one has to reject a promise."""

    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing()


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
    if isinstance(value, str | bytes | int | float | bool | _Missing):
        raise TypeError(f"{interface}: {value!r} is not a dictionary")
    if isinstance(value, list | tuple | set) or callable(value):
        return {}  # an object without such properties
    return {name: getattr(value, name) for name in names if hasattr(value, name)}


def dictionary(
    value: Any, interface: str, conversions: Mapping[str, Conversion], *, required: Container[str] = ()
) -> dict[str, Any]:
    """A dictionary argument, its members converted in lexicographical order; those that aren't given are left out.

    Raises TypeError with the member's name.
    """
    given = members(value, sorted(conversions), interface)
    converted = {}
    for name in sorted(conversions):
        if name in given:
            try:
                converted[name] = conversions[name](given[name])
            except TypeError as error:
                raise TypeError(f"{interface}.{name}: {error}") from None
        elif name in required:
            raise TypeError(f"{interface}: {name} is required")
    return converted


def sequence(value: Any, what: str) -> list[Any]:
    """A sequence: any iterable but str, bytes and mappings."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise TypeError(f"{what}: {type(value).__name__} is not a sequence")
    return list(value)


def sequence_of(convert: Conversion) -> Conversion:
    """The conversion to a sequence of what `convert` makes."""
    return lambda value: [convert(item) for item in sequence(value, "a sequence")]


def nullable(convert: Conversion) -> Conversion:
    """The conversion to a nullable type."""
    return lambda value: None if value is None else convert(value)


def one_of(kind: type[E]) -> Conversion:
    """The conversion to an enumeration."""
    return lambda value: enumeration(kind, value, kind.__name__)


def interface(name: str) -> Conversion:
    """The conversion to an interface type, by its name: none of them is a subclass of a class of another name."""

    def convert(value: Any) -> Any:
        if not any(kind.__name__ == name for kind in type(value).__mro__):
            raise TypeError(f"{type(value).__name__} is not {name}")
        return value

    return convert


def enumeration(kind: type[E], value: Any, what: str) -> E:
    """A member of a Web IDL enumeration; TypeError for any other string."""
    try:
        return kind(string(value))
    except ValueError:
        raise TypeError(f"{what}: {value!r} is not a valid value of {kind.__name__}") from None


def string(value: Any) -> str:
    """A USVString of any value, as ECMAScript writes it: a lone surrogate becomes U+FFFD."""
    if isinstance(value, str):
        text = str(value)
    elif value is None:
        text = "null"
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, float):
        text = _digits(value)
    elif isinstance(value, list | tuple):
        text = ",".join("" if item is None else string(item) for item in value)
    else:
        text = "[object Object]" if isinstance(value, Mapping) else str(value)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _digits(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)


def boolean(value: Any) -> bool:
    """ECMAScript's truth: of objects, empty ones are true as well."""
    if isinstance(value, float) and math.isnan(value):
        return False
    return bool(value) if value is None or isinstance(value, str | int | float) else True


_NUMERAL: Final = re.compile(r"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|Infinity)|0[xX][0-9a-fA-F]+")


def _number(value: Any) -> float | int:
    """ECMAScript's ToNumber: null is 0, what is no numeral is NaN."""
    if value is None:
        return 0
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    text = string(value).strip()
    if not text:
        return 0
    if _NUMERAL.fullmatch(text) is None:
        return math.nan
    return int(text, 16) if text[:2].lower() == "0x" else float(text)


def integer(value: Any, what: str, minimum: int, maximum: int) -> int:
    """An integer type with [EnforceRange]: TypeError for NaN, infinities and numbers outside."""
    number = _number(value)
    if not math.isfinite(number):
        raise TypeError(f"{what}: {value!r} is not a finite number")
    number = math.trunc(number)
    if not minimum <= number <= maximum:
        raise TypeError(f"{what}: {value!r} is outside {minimum}..{maximum}")
    return number


def enforced(minimum: int, maximum: int) -> Conversion:
    """The conversion to an integer type with [EnforceRange]."""
    return lambda value: integer(value, "the number", minimum, maximum)


def unsigned(value: Any, what: str, bits: int) -> int:
    """An unsigned integer type without [EnforceRange]: modulo 2^bits, as ECMAScript does. `what` names it to a
    reader of the call.
    """
    number = _number(value)
    return (math.trunc(number) if math.isfinite(number) else 0) % (1 << bits)


def long(value: Any) -> int:
    """A `long`: 32 bits, signed."""
    number = unsigned(value, "a long", 32)
    return number - (1 << 32) if number >= 1 << 31 else number


unsigned_short: Final[Conversion] = partial(unsigned, what="an unsigned short", bits=16)
unsigned_long: Final[Conversion] = partial(unsigned, what="an unsigned long", bits=32)


def double(value: Any, what: str = "the number") -> float:
    """A `double`: TypeError for NaN and infinities."""
    number = float(_number(value))
    if not math.isfinite(number):
        raise TypeError(f"{what}: {value!r} is not a finite number")
    return number
