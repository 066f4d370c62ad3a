"""Codecs: when two are the same, what stands in an offer, what survives into an answer.

A codec list is a tuple of `NegotiatedCodec`: the formats of one m-line with payload types, in its order. rtx is one
capability ("video/rtx" without parameters, as W3C has it) and many formats, each with `apt`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from peer.errors import PeerError
from peer.sdp import FMTP, RTCP_FB, RTPMAP, Media

from .model import Capabilities, Codec, Direction, Kind, NegotiatedCodec, Transceiver

__all__ = ["PayloadTypes", "answered", "codecs_of", "is_media", "matches", "offered", "parameters", "wanted"]

# formats that carry no media of their own (W3C setCodecPreferences, step 8)
_RESILIENCE = frozenset({"rtx", "red", "ulpfec", "flexfec-03", "flexfec"})
_AUXILIARY = _RESILIENCE | {"cn", "telephone-event"}
# RFC 3551 section 6: formats that need no a=rtpmap
_STATIC = {
    0: ("PCMU", 8000),
    3: ("GSM", 8000),
    4: ("G723", 8000),
    5: ("DVI4", 8000),
    6: ("DVI4", 16000),
    7: ("LPC", 8000),
    8: ("PCMA", 8000),
    9: ("G722", 8000),
    13: ("CN", 8000),
    15: ("G728", 8000),
    18: ("G729", 8000),
    26: ("JPEG", 90000),
    31: ("H261", 90000),
    34: ("H263", 90000),
}
# RFC 3551 section 6 dynamic, then the range RFC 5761 section 4 leaves when RTP and RTCP share a port
_DYNAMIC = (*range(96, 128), *range(35, 64))


def parameters(fmtp: str | None) -> dict[str, str]:
    """An a=fmtp value as a dictionary with lower case names; what isn't `name=value` is its own name."""
    pairs = (part.strip().partition("=") for part in (fmtp or "").split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}


def is_media(codec: Codec) -> bool:
    """Whether the codec alone makes a usable m-section."""
    return codec.name.lower() not in _AUXILIARY


# --- matching -----------------------------------------------------------------------------------------------

# RFC 6184 section 8.1: without a profile-level-id, Baseline at level 1
_H264_DEFAULT = "42000a"
# RFC 6184 section 8.1 table 5: profile-level-id byte 1 and the significant bits of byte 2 -> profile
_H264_PROFILES = (
    (0x42, 0x4F, 0x40, "constrained-baseline"),
    (0x4D, 0x8F, 0x80, "constrained-baseline"),
    (0x58, 0xCF, 0xC0, "constrained-baseline"),
    (0x42, 0x4F, 0x00, "baseline"),
    (0x58, 0xCF, 0x80, "baseline"),
    (0x4D, 0xAF, 0x00, "main"),
    (0x64, 0xFF, 0x00, "high"),
    (0x64, 0xFF, 0x0C, "constrained-high"),
)


def _h264_format(values: dict[str, str]) -> tuple[str, str]:
    text = values.get("profile-level-id", _H264_DEFAULT)
    try:
        number = int(text, 16)
    except ValueError:
        return (values.get("packetization-mode", "0"), text)
    idc, iop = number >> 16 & 0xFF, number >> 8 & 0xFF
    named = (name for first, mask, bits, name in _H264_PROFILES if idc == first and iop & mask == bits)
    return (values.get("packetization-mode", "0"), next(named, text.lower()))


# codec -> what must be equal on both sides (the symmetrical parameters of W3C "codec dictionary match")
_FORMAT: dict[str, Callable[[dict[str, str]], tuple[str, ...]]] = {
    "h264": _h264_format,
    "vp9": lambda values: (values.get("profile-id", "0"),),
    "av1": lambda values: (values.get("profile", "0"),),
    "h265": lambda values: (values.get("profile-id", "1"), values.get("tx-mode", "SRST").upper()),
    "rtx": lambda values: (values.get("apt", ""),),
}


@lru_cache(maxsize=1024)
def _identity(codec: Codec) -> tuple[object, ...]:
    name = codec.name.lower()
    distinguish = _FORMAT.get(name)
    extra = distinguish(parameters(codec.fmtp)) if distinguish else ()
    return (codec.mime_type.lower(), codec.clock_rate, codec.channels or 1, extra)


def matches(first: Codec, second: Codec) -> bool:
    """W3C "codec dictionary match" with ignoreAsymmetricalParameters, inferred defaults filled in."""
    return _identity(first) == _identity(second)


# --- reading an m-section -----------------------------------------------------------------------------------


# One description is read many times while it is planned: by the checks, the media steps, and the answer.
@lru_cache(maxsize=64)
def codecs_of(media: Media) -> tuple[NegotiatedCodec, ...]:
    """The formats of an RTP m-section, in the order of its m-line; those without a known mapping are left out."""
    maps = {row.payload_type: row for row in media.all(RTPMAP)}
    fmtps = {row.format: row.parameters for row in media.all(FMTP)}
    feedback = media.all(RTCP_FB)
    found = []
    for text in media.formats:
        number = int(text)
        if number in maps:
            row = maps[number]
            channels = int(row.parameters) if row.parameters and row.parameters.isdigit() else None
            name, rate = row.name, row.clock_rate
        elif number in _STATIC:
            (name, rate), channels = _STATIC[number], None
        else:
            continue
        if media.media == "audio":
            channels = channels or 1
        values = tuple(row.value for row in feedback if row.format in (text, "*"))
        codec = Codec(f"{media.media}/{name}", rate, channels, fmtps.get(text), values, number)
        found.append(NegotiatedCodec(number, codec))
    return tuple(found)


# --- payload types ------------------------------------------------------------------------------------------


class PayloadTypesExhausted(PeerError):
    """More formats than payload types."""


@dataclass(slots=True)
class PayloadTypes:
    """Which payload type means what, all through one session: one number, one format (RFC 3264 section 8.3.2)."""

    given: dict[int, tuple[object, ...]]

    @classmethod
    def of(cls, known: Iterable[NegotiatedCodec]) -> PayloadTypes:
        given: dict[int, tuple[object, ...]] = {}
        for one in known:
            given.setdefault(one.payload_type, _identity(one.codec))
        return cls(given)

    def assign(self, codec: Codec, *, near: int | None = None) -> NegotiatedCodec:
        """The number this format has, else the one it likes, else the first free one, above `near` if possible."""
        identity = _identity(codec)
        number = next((one for one, other in self.given.items() if other == identity), None)
        if number is None:
            number = self._free(codec.payload_type, near)
            self.given[number] = identity
        return NegotiatedCodec(number, codec)

    def _free(self, liked: int | None, near: int | None) -> int:
        if liked is not None and liked not in self.given:
            return liked
        above = [one for one in _DYNAMIC if near is not None and one > near and (one < 96) is (near < 96)]
        number: int | None = next((one for one in (*above, *_DYNAMIC) if one not in self.given), None)
        if number is None:
            raise PayloadTypesExhausted("no payload type left")
        return number


# --- offers -------------------------------------------------------------------------------------------------


def wanted(transceiver: Transceiver, capabilities: Capabilities, direction: Direction) -> tuple[Codec, ...]:
    """The codecs a description may name for a transceiver: its preferences filtered by direction, else all we have.

    W3C createOffer, final steps, step 3.2, and createAnswer, step 3.1.
    """
    able = tuple(
        one
        for one in capabilities.codecs
        if (one.sends or not direction.sends) and (one.receives or not direction.receives)
    )
    chosen = []
    for preferred in transceiver.preferred_codecs:
        same = next((one for one in able if matches(one, preferred)), None)
        if same is not None:
            chosen.append(same)
    return tuple(chosen) or able


def offered(
    codecs: Iterable[Codec],
    payload_types: PayloadTypes,
    *,
    before: tuple[NegotiatedCodec, ...] = (),
    reorder: bool = True,
) -> tuple[NegotiatedCodec, ...]:
    """The formats of an offered m-section; where `reorder`, those of `before` (the most recent answer) come first.

    RFC 9429 sections 5.2.1 and 5.2.2. Every media codec gets its rtx when "rtx" is among the codecs, and so does red:
    media wrapped in it is repaired under its payload type (RFC 4588 section 8.1), or not at all.
    """
    listed = list(codecs)
    if reorder:
        rank = {_identity(one.codec): position for position, one in enumerate(before)}
        listed.sort(key=lambda codec: rank.get(_identity(codec), len(rank)))
    retransmitted = any(codec.name.lower() == "rtx" for codec in listed)
    listed = [codec for codec in listed if codec.name.lower() != "rtx"]
    # all that is named by others first, so that an rtx takes no number a format likes
    primaries = [payload_types.assign(codec) for codec in listed if codec.mime_type.lower() != "audio/red"]
    result = []
    for primary in primaries:
        result.append(primary)
        if retransmitted and (is_media(primary.codec) or primary.codec.name.lower() == "red"):
            rtx = Codec("video/rtx", primary.codec.clock_rate, None, f"apt={primary.payload_type}")
            result.append(payload_types.assign(rtx, near=primary.payload_type))
    return tuple(_with_red(listed, result, payload_types))


def _with_red(listed: list[Codec], result: list[NegotiatedCodec], payload_types: PayloadTypes) -> list[NegotiatedCodec]:
    """Audio red names the primary it protects (RFC 2198 section 5), so that has to have its number first."""
    red = next((one for one in listed if one.mime_type.lower() == "audio/red"), None)
    primary = next((at for at, one in enumerate(result) if one.codec.name.lower() == "opus"), None)
    if red is None or primary is None:
        return result
    number = result[primary].payload_type
    formed = NegotiatedCodec(payload_types.assign(red).payload_type, replace(red, fmtp=f"{number}/{number}"))
    # in front, where the preferences want it in front; else behind what it protects
    position = primary + 1 if listed.index(red) > 0 else primary
    return [*result[:position], formed, *result[position:]]


# --- answers ------------------------------------------------------------------------------------------------


def answered(
    ours: tuple[Codec, ...], theirs: tuple[NegotiatedCodec, ...], *, preferred: bool
) -> tuple[NegotiatedCodec, ...]:
    """The formats both sides know, with the offer's payload types; in our order where we prefer one (`preferred`).

    RFC 9429 section 5.3.1. Formats we have and the offer lacks are left out, which RFC 3264 section 6.1 permits: no
    browser adds them. rtx and red survive only with the format they point to.
    """
    common = []
    for remote in theirs:
        local = next((one for one in ours if _answers(one, remote.codec)), None)
        if local is not None:
            common.append((ours.index(local), NegotiatedCodec(remote.payload_type, _agree(local, remote.codec))))
    if preferred:
        common.sort(key=lambda pair: pair[0])
    kept = [one for _, one in common]
    alive = {one.payload_type for one in kept if one.codec.name.lower() != "rtx"}
    kept = [one for one in kept if one.codec.name.lower() != "rtx" or one.associated in alive]
    if preferred:
        kept = _rtx_after_primary(kept)
    return tuple(kept) if any(is_media(one.codec) for one in kept) else ()


def _answers(local: Codec, remote: Codec) -> bool:
    if local.name.lower() == "rtx":
        return remote.name.lower() == "rtx" and remote.clock_rate == local.clock_rate
    return matches(local, remote)


def _agree(local: Codec, remote: Codec) -> Codec:
    """Our codec as the answer says it: our parameters, the feedback both know; pointers to payload types are theirs."""
    feedback = tuple(one for one in remote.feedback if one in local.feedback)
    if local.name.lower() in _RESILIENCE:
        return replace(local, fmtp=remote.fmtp, feedback=feedback, clock_rate=remote.clock_rate)
    fmtp = _h264_answer(local.fmtp, remote.fmtp) if local.name.lower() == "h264" else local.fmtp
    return replace(local, mime_type=f"{local.mime_type.partition('/')[0]}/{remote.name}", feedback=feedback, fmtp=fmtp)


def _h264_answer(local: str | None, remote: str | None) -> str | None:
    """RFC 6184 section 8.2.2: unless both sides allow asymmetry, the answer's level is not above the offer's."""
    ours, theirs = parameters(local), parameters(remote)
    if ours.get("level-asymmetry-allowed") == theirs.get("level-asymmetry-allowed") == "1":
        return local
    mine, offered_level = (values.get("profile-level-id", _H264_DEFAULT) for values in (ours, theirs))
    if _h264_level(mine) <= _h264_level(offered_level):
        return local
    # the profiles are the same, so all of theirs can be said
    return ";".join(f"{name}={value}" for name, value in {**ours, "profile-level-id": offered_level}.items())


def _h264_level(profile_level_id: str) -> float:
    """level_idc, with level 1b between 1 and 1.1 in both its forms (RFC 6184 section 8.1)."""
    number = int(profile_level_id, 16)
    idc, flagged, level = number >> 16 & 0xFF, number >> 8 & 0x10, number & 0xFF
    is_1b = level == 9 or (level == 11 and flagged and idc in (0x42, 0x4D, 0x58))
    return 10.5 if is_1b else level


def _rtx_after_primary(codecs: list[NegotiatedCodec]) -> list[NegotiatedCodec]:
    """Each rtx behind the format it repairs: a preference list has one entry for all of them."""
    result = []
    for one in codecs:
        if one.codec.name.lower() != "rtx":
            result.append(one)
            result += [rtx for rtx in codecs if rtx.codec.name.lower() == "rtx" and rtx.associated == one.payload_type]
    return result


def kind_of(media: Media) -> Kind | None:
    """The transceiver kind of an m-section, None for data and for what we don't know."""
    return Kind(media.media) if media.media in ("audio", "video") and "RTP/" in media.proto else None
