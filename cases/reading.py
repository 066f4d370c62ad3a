"""Reading descriptions as text, without the reference peer's own parser: a case must not trust what it judges."""

from __future__ import annotations

from dataclasses import dataclass

from harness.endpoints.base import Endpoint

__all__ = ["Said", "Section", "answer_of", "offer_of"]


@dataclass(frozen=True, slots=True)
class Section:
    """Lines of the session part or of one m-section, without line ends."""

    lines: tuple[str, ...]

    @property
    def media(self) -> list[str]:
        """The fields of the m= line: media, port, proto, formats."""
        return self.lines[0].removeprefix("m=").split(" ")

    def attributes(self, name: str) -> list[str]:
        """The values of all a=`name` lines; a flag has the value ""."""
        found = [line.removeprefix("a=") for line in self.lines if line.startswith("a=")]
        return [value for line in found for key, _, value in [line.partition(":")] if key == name]

    def attribute(self, name: str) -> str | None:
        return next(iter(self.attributes(name)), None)

    def of_type(self, letter: str) -> list[str]:
        return [line[2:] for line in self.lines if line.startswith(f"{letter}=")]


@dataclass(frozen=True, slots=True)
class Said:
    """A description by its parts."""

    session: Section
    sections: tuple[Section, ...]

    @classmethod
    def of(cls, sdp: str) -> Said:
        lines = sdp.split("\r\n")[:-1]
        starts = [index for index, line in enumerate(lines) if line.startswith("m=")]
        ends = [*starts[1:], len(lines)]
        parts = [Section(tuple(lines[start:end])) for start, end in zip(starts, ends, strict=True)]
        return cls(Section(tuple(lines[: starts[0] if starts else len(lines)])), tuple(parts))

    def everywhere(self, name: str) -> list[str]:
        """The values of an attribute that may stand at either level, one for each m-section."""
        default = self.session.attribute(name)
        values = [section.attribute(name) or default for section in self.sections]
        return [value for value in values if value is not None]

    @property
    def data(self) -> Section:
        """The m-section of data channels."""
        return next(section for section in self.sections if section.media[0] == "application")


async def offer_of(endpoint: Endpoint) -> Said:
    """An initial offer with audio, video and data."""
    pc = await endpoint.peer_connection()
    await pc.addTransceiver("audio")
    await pc.addTransceiver("video")
    await pc.createDataChannel("case")
    return Said.of(str((await pc.createOffer())["sdp"]))


async def answer_of(endpoint: Endpoint, offer: str) -> Said:
    """What the endpoint answers to an offer."""
    pc = await endpoint.peer_connection()
    await pc.setRemoteDescription({"type": "offer", "sdp": offer})
    return Said.of(str((await pc.createAnswer())["sdp"]))
