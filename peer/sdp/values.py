"""What attribute values become. `str(value)` is the text after the colon, as we write it ourselves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "Extmap",
    "Fingerprint",
    "Fmtp",
    "Group",
    "ImageAttributes",
    "Msid",
    "Rid",
    "RtcpFeedback",
    "Rtpmap",
    "Setup",
    "Simulcast",
    "SimulcastStream",
    "SsrcAttribute",
    "SsrcGroup",
]


class Setup(StrEnum):
    """RFC 4145 section 4."""

    ACTIVE = "active"
    PASSIVE = "passive"
    ACTPASS = "actpass"
    HOLDCONN = "holdconn"


@dataclass(frozen=True, slots=True)
class Group:
    """RFC 5888 section 5."""

    semantics: str
    mids: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join((self.semantics, *self.mids))


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """RFC 8122 section 5: hash name in lower case, value as upper case hexadecimal pairs with colons."""

    algorithm: str
    value: str

    def __str__(self) -> str:
        return f"{self.algorithm} {self.value}"


@dataclass(frozen=True, slots=True)
class Rtpmap:
    """RFC 8866 section 6.6. `parameters` is the number of channels for audio, None where it is left out."""

    payload_type: int
    name: str
    clock_rate: int
    parameters: str | None = None

    def __str__(self) -> str:
        tail = f"/{self.parameters}" if self.parameters is not None else ""
        return f"{self.payload_type} {self.name}/{self.clock_rate}{tail}"


@dataclass(frozen=True, slots=True)
class Fmtp:
    """RFC 8866 section 6.15: parameters of one format, verbatim."""

    format: str
    parameters: str

    def __str__(self) -> str:
        return f"{self.format} {self.parameters}"


@dataclass(frozen=True, slots=True)
class RtcpFeedback:
    """RFC 4585 section 4.2. `format` may be "*"."""

    format: str
    value: str

    def __str__(self) -> str:
        return f"{self.format} {self.value}"


@dataclass(frozen=True, slots=True)
class Extmap:
    """RFC 8285 section 8."""

    id: int
    uri: str
    direction: str | None = None
    attributes: str | None = None

    def __str__(self) -> str:
        direction = f"/{self.direction}" if self.direction else ""
        attributes = f" {self.attributes}" if self.attributes else ""
        return f"{self.id}{direction} {self.uri}{attributes}"


@dataclass(frozen=True, slots=True)
class Msid:
    """RFC 8830 section 2: MediaStream id ("-" for none) and, from older endpoints, the track id."""

    stream: str
    appdata: str | None = None

    def __str__(self) -> str:
        return self.stream if self.appdata is None else f"{self.stream} {self.appdata}"


@dataclass(frozen=True, slots=True)
class SsrcAttribute:
    """RFC 5576 section 4.1."""

    ssrc: int
    attribute: str
    value: str | None = None

    def __str__(self) -> str:
        return f"{self.ssrc} {self.attribute}" + ("" if self.value is None else f":{self.value}")


@dataclass(frozen=True, slots=True)
class SsrcGroup:
    """RFC 5576 section 4.2."""

    semantics: str
    ssrcs: tuple[int, ...]

    def __str__(self) -> str:
        return " ".join((self.semantics, *map(str, self.ssrcs)))


@dataclass(frozen=True, slots=True)
class Rid:
    """RFC 8851 section 10; `parameters` are the restrictions, verbatim."""

    id: str
    direction: str
    parameters: str | None = None

    def __str__(self) -> str:
        return f"{self.id} {self.direction}" + ("" if self.parameters is None else f" {self.parameters}")


@dataclass(frozen=True, slots=True)
class SimulcastStream:
    """One rid of a simulcast list; `paused` is the tilde."""

    rid: str
    paused: bool = False

    def __str__(self) -> str:
        return f"~{self.rid}" if self.paused else self.rid


@dataclass(frozen=True, slots=True)
class Simulcast:
    """RFC 8853 section 5.1: for each direction the streams in order of preference, each a tuple of alternatives."""

    send: tuple[tuple[SimulcastStream, ...], ...] = ()
    recv: tuple[tuple[SimulcastStream, ...], ...] = ()

    @classmethod
    def of(cls, lists: dict[str, str]) -> Simulcast:
        """From the two lists as they stand on the line, keyed "send" and "recv"."""
        return cls(**{direction: _streams(text) for direction, text in lists.items()})

    def __str__(self) -> str:
        lists = (("send", self.send), ("recv", self.recv))
        return " ".join(
            f"{direction} " + ";".join(",".join(map(str, alternatives)) for alternatives in streams)
            for direction, streams in lists
            if streams
        )


def _streams(text: str) -> tuple[tuple[SimulcastStream, ...], ...]:
    return tuple(
        tuple(SimulcastStream(one.lstrip("~"), one.startswith("~")) for one in alternatives.split(","))
        for alternatives in text.split(";")
    )


@dataclass(frozen=True, slots=True)
class ImageAttributes:
    """RFC 6236 section 3.1.1, the attribute list verbatim."""

    format: str
    attributes: str

    def __str__(self) -> str:
        return f"{self.format} {self.attributes}"
