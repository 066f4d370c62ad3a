"""RTP parameter dictionaries (webrtc-pc sections 5.2.x): to and from `peer.jsep`'s values, and the text's validation
steps.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final

from peer import jsep
from peer.api.errors import InvalidModificationError, OperationError, RangeError
from peer.api.webidl import (
    MISSING,
    Conversion,
    Dictionary,
    boolean,
    dictionary,
    double,
    one_of,
    sequence,
    sequence_of,
    string,
    unsigned,
    unsigned_long,
    unsigned_short,
)
from peer.jsep.capabilities import MID_URI
from peer.jsep.codecs import matches

__all__ = [
    "RTCDegradationPreference",
    "RTCPriorityType",
    "capabilities_dictionary",
    "check_extensions",
    "check_new_encodings",
    "check_set_parameters",
    "codec_matches",
    "extension_dictionaries",
    "parse_codec",
    "parse_encodings",
    "parse_extensions",
    "parse_preferences",
    "parse_send_parameters",
    "parse_set_parameter_options",
    "receive_parameters",
    "send_parameters",
]

# RFC 8851 section 10: rid-id = 1*(alpha-numeric / "-" / "_"); RFC 8852 section 3 has it fit in 255 bytes.
_RID: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")
# setCodecPreferences step 8, "RTX, RED, FEC or Comfort Noise": with only these there is nothing to offer.
_NOT_ENOUGH: Final = frozenset({"rtx", "red", "ulpfec", "flexfec-03", "flexfec", "cn"})

# --- codecs ------------------------------------------------------------------------------------------------------


def parse_codec(value: Any) -> jsep.Codec:
    """An RTCRtpCodec. Raises TypeError."""
    given = dictionary(value, "RTCRtpCodec", _CODEC, required=("mimeType", "clockRate"))
    return jsep.Codec(given["mimeType"], given["clockRate"], given.get("channels"), given.get("sdpFmtpLine"))


_CODEC: Final[Mapping[str, Conversion]] = {
    "channels": unsigned_short,
    "clockRate": unsigned_long,
    "mimeType": string,
    "sdpFmtpLine": string,
}


def codec_dictionary(codec: jsep.Codec, payload_type: int | None = None) -> Dictionary:
    """An RTCRtpCodec, or RTCRtpCodecParameters when a payload type is given."""
    dictionary = Dictionary() if payload_type is None else Dictionary(payloadType=payload_type)
    dictionary.update(mimeType=codec.mime_type, clockRate=codec.clock_rate)
    if codec.channels is not None:
        dictionary["channels"] = codec.channels
    if codec.fmtp is not None:
        dictionary["sdpFmtpLine"] = codec.fmtp
    return dictionary


def capabilities_dictionary(capabilities: jsep.Capabilities, *, sending: bool) -> Dictionary:
    """RTCRtpCapabilities for one direction: RTX stands in it once, without its sdpFmtpLine."""
    codecs: list[Dictionary] = []
    for codec in capabilities.codecs:
        if not (codec.sends if sending else codec.receives):
            continue
        shown = replace(codec, fmtp=None) if codec.name.lower() == "rtx" else codec
        entry = codec_dictionary(shown)
        if entry not in codecs:
            codecs.append(entry)
    extensions = [
        Dictionary(uri=extension.uri, direction=str(extension.direction))
        for extension in capabilities.extensions
        if (extension.direction.sends if sending else extension.direction.receives)
    ]
    return Dictionary(codecs=codecs, headerExtensions=extensions)


def _formats(fmtp: str) -> dict[str, str] | None:
    """An fmtp line as a map, names in lower case; None where it isn't in key-value format."""
    pairs = [part.strip() for part in fmtp.split(";") if part.strip()]
    if not all("=" in pair for pair in pairs):
        return None
    return {name.strip().lower(): value.strip() for name, _, value in (pair.partition("=") for pair in pairs)}


def codec_matches(first: jsep.Codec, second: jsep.Codec, *, ignore_asymmetrical: bool = False) -> bool:
    """The "codec dictionary match" algorithm, section 5.4.4."""
    same = (
        first.mime_type.lower() == second.mime_type.lower()
        and first.clock_rate == second.clock_rate
        and first.channels == second.channels
        and (first.fmtp is None) == (second.fmtp is None)
    )
    if not same or first.fmtp is None or second.fmtp is None:
        return same
    mine, theirs = _formats(first.fmtp), _formats(second.fmtp)
    if mine is None or theirs is None:
        return first.fmtp == second.fmtp
    return matches(first, second) and (ignore_asymmetrical or mine == theirs)


def parse_preferences(value: Any, capabilities: jsep.Capabilities) -> tuple[jsep.Codec, ...]:
    """Steps 3 to 8 of setCodecPreferences. Raises TypeError, InvalidModificationError."""
    codecs: list[jsep.Codec] = []
    for codec in (parse_codec(item) for item in sequence(value, "codecs")):
        if not any(codec_matches(codec, known) for known in codecs):  # step 4
            codecs.append(codec)
    if not codecs:
        return ()
    implemented = []
    implemented = [replace(one, fmtp=None) if one.name.lower() == "rtx" else one for one in capabilities.codecs]
    for codec in codecs:  # step 7
        if not any(codec_matches(codec, known) for known in implemented):
            raise InvalidModificationError(f"{codec.mime_type} in this form is not implemented")
    if all(codec.name.lower() in _NOT_ENOUGH for codec in codecs):  # step 8
        raise InvalidModificationError("nothing but RTX, RED, FEC and comfort noise")
    return tuple(codecs)


# --- header extensions (WebRTC Extensions, "RTP header extension control") -------------------------------------------

_STOPPED: Final = "stopped"
_DIRECTIONS: Final = frozenset({*jsep.Direction, _STOPPED})


def extension_dictionaries(capabilities: jsep.Capabilities, chosen: Iterable[jsep.HeaderExtension]) -> list[Dictionary]:
    """RTCRtpHeaderExtensionCapability of all that are implemented; those that aren't chosen are "stopped"."""
    directions = {one.uri: str(one.direction) for one in chosen}
    return [Dictionary(uri=one.uri, direction=directions.get(one.uri, _STOPPED)) for one in capabilities.extensions]


def _extension_direction(value: Any) -> str:
    direction = string(value)
    if direction not in _DIRECTIONS:
        raise TypeError(f"{direction!r} is not an RTCRtpTransceiverDirection")
    return direction


def _extension(value: Any) -> dict[str, Any]:
    conversions = {"direction": _extension_direction, "uri": string}
    return dictionary(value, "RTCRtpHeaderExtensionCapability", conversions, required=conversions)


parse_extensions: Final[Conversion] = sequence_of(_extension)


def check_extensions(given: list[dict[str, Any]], capabilities: jsep.Capabilities) -> tuple[jsep.HeaderExtension, ...]:
    """Steps 3 and 4 of setHeaderExtensionsToNegotiate. Raises InvalidModificationError."""
    if len(given) != len(capabilities.extensions):  # step 3
        raise InvalidModificationError("the list of header extensions can't change")
    chosen: list[jsep.HeaderExtension] = []
    for one, known in zip(given, capabilities.extensions, strict=True):
        if one["uri"] != known.uri:  # step 4.2
            raise InvalidModificationError("header extensions and their order can't change")
        # steps 4.3 and 4.4: RFC 9143 section 14 demands it of a bundle, whoever sends
        if known.uri == MID_URI and one["direction"] != jsep.Direction.SENDRECV:
            raise InvalidModificationError("a bundle can't do without the mid extension")
        if one["direction"] != _STOPPED:  # step 4.5
            chosen.append(replace(known, direction=jsep.Direction(one["direction"]) & known.direction))
    return tuple(chosen)


# --- encodings ---------------------------------------------------------------------------------------------------


class RTCPriorityType(StrEnum):
    VERY_LOW = "very-low"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class RTCDegradationPreference(StrEnum):
    """MediaStreamTrack Content Hints: what to keep where not all of a picture can be sent. We leave pictures out."""

    MAINTAIN_FRAMERATE = "maintain-framerate"
    MAINTAIN_RESOLUTION = "maintain-resolution"
    BALANCED = "balanced"
    MAINTAIN_FRAMERATE_AND_RESOLUTION = "maintain-framerate-and-resolution"


def _resolution(value: Any) -> tuple[int, int]:
    """An RTCResolutionRestriction; a dimension that isn't given is 0."""
    conversions = {"maxHeight": unsigned_long, "maxWidth": unsigned_long}
    given = dictionary(value, "RTCResolutionRestriction", conversions)
    return given.get("maxWidth", 0), given.get("maxHeight", 0)


_FIELDS: Final[Mapping[str, str]] = {
    "rid": "rid",
    "active": "active",
    "codec": "codec",
    "maxBitrate": "max_bitrate",
    "maxFramerate": "max_framerate",
    "scaleResolutionDownBy": "scale_resolution_down_by",
    "scaleResolutionDownTo": "scale_resolution_down_to",
    "priority": "priority",
    "networkPriority": "network_priority",
    "ptime": "ptime",
    "adaptivePtime": "adaptive_ptime",
}
_ENCODING: Final[Mapping[str, Conversion]] = {
    "rid": string,
    "active": boolean,
    "codec": parse_codec,
    "maxBitrate": unsigned_long,
    "maxFramerate": double,
    "scaleResolutionDownBy": double,
    "scaleResolutionDownTo": _resolution,
    "priority": one_of(RTCPriorityType),
    "networkPriority": one_of(RTCPriorityType),
    "ptime": unsigned_long,
    "adaptivePtime": boolean,
}


def parse_encoding(value: Any) -> jsep.Encoding:
    """An RTCRtpEncodingParameters. Raises TypeError."""
    given = dictionary(value, "RTCRtpEncodingParameters", _ENCODING)
    return jsep.Encoding(**{_FIELDS[name]: item for name, item in given.items()})


parse_encodings: Final[Conversion] = sequence_of(parse_encoding)


def encoding_dictionary(encoding: jsep.Encoding) -> Dictionary:
    """An RTCRtpEncodingParameters; absent members are left out."""
    dictionary = Dictionary() if encoding.rid is None else Dictionary(rid=encoding.rid)
    dictionary["active"] = encoding.active
    dictionary["priority"] = encoding.priority
    if encoding.codec is not None:
        dictionary["codec"] = codec_dictionary(encoding.codec)
    optional = {
        "maxBitrate": encoding.max_bitrate,
        "maxFramerate": encoding.max_framerate,
        "scaleResolutionDownBy": encoding.scale_resolution_down_by,
        "networkPriority": encoding.network_priority,
        "ptime": encoding.ptime,
    }
    dictionary.update({name: value for name, value in optional.items() if value is not None})
    if encoding.scale_resolution_down_to is not None:
        width, height = encoding.scale_resolution_down_to
        dictionary["scaleResolutionDownTo"] = Dictionary(maxWidth=width, maxHeight=height)
    dictionary["adaptivePtime"] = encoding.adaptive_ptime
    return dictionary


def check_new_encodings(
    encodings: list[jsep.Encoding], kind: jsep.Kind, capabilities: jsep.Capabilities, maximum: int
) -> tuple[jsep.Encoding, ...]:
    """The "addTransceiver sendEncodings validation steps". Raises TypeError, OperationError, RangeError."""
    rids = [encoding.rid for encoding in encodings if encoding.rid is not None]
    if not all(_RID.fullmatch(rid) for rid in rids):  # step 1
        raise TypeError("a rid is 1 to 255 letters, digits, - and _")
    if rids and len(rids) != len(encodings):
        raise TypeError("either all encodings have a rid, or none")
    if len(set(rids)) != len(rids):
        raise TypeError("two encodings have the same rid")
    sendable = [codec for codec in capabilities.codecs if codec.sends]
    for encoding in encodings:  # step 3
        if encoding.codec is not None and not any(codec_matches(encoding.codec, codec) for codec in sendable):
            raise OperationError(f"{encoding.codec.mime_type} in this form is not implemented")
    if kind is jsep.Kind.AUDIO:  # step 5
        encodings = [_for_audio(one) for one in encodings]
    if not _is_restriction_valid(encodings):
        raise OperationError(_RESTRICTION)
    _check_packet_times(encodings)
    _check_ranges(encodings)  # step 6
    if any(one.max_framerate == 0.0 for one in encodings):  # step 7: greater than zero here, unlike in setParameters
        raise RangeError("maxFramerate is above zero")
    if any(one.scale_resolution_down_by is not None for one in encodings):  # step 9
        encodings = [_with_scale(one, 1.0) for one in encodings]
    encodings = encodings[:maximum]  # steps 8 and 10
    if kind is jsep.Kind.VIDEO:  # step 11
        last = len(encodings) - 1
        encodings = [_with_scale(one, float(2 ** (last - index))) for index, one in enumerate(encodings)]
    if len(encodings) == 1:  # step 12
        encodings = [replace(encodings[0], rid=None)]
    return tuple(encodings)


def _check_packet_times(encodings: Iterable[jsep.Encoding]) -> None:
    """WebRTC Extensions, adaptivePtime. Raises InvalidModificationError."""
    if any(one.adaptive_ptime and one.ptime is not None for one in encodings):
        raise InvalidModificationError("adaptivePtime leaves no ptime to choose")


_RESTRICTION: Final = "scaleResolutionDownTo is for all active encodings, both dimensions above zero"


def _is_restriction_valid(encodings: Iterable[jsep.Encoding]) -> bool:
    """WebRTC Extensions, scaleResolutionDownTo: all active encodings have it or none, and both dimensions count."""
    encodings = list(encodings)
    given = [one.scale_resolution_down_to for one in encodings if one.scale_resolution_down_to is not None]
    everywhere = all(one.scale_resolution_down_to is not None for one in encodings if one.active)
    return not given or (everywhere and all(min(one) > 0 for one in given))


def _for_audio(encoding: jsep.Encoding) -> jsep.Encoding:
    """Without what is for video only."""
    return replace(encoding, scale_resolution_down_by=None, scale_resolution_down_to=None, max_framerate=None)


def _with_scale(encoding: jsep.Encoding, scale: float) -> jsep.Encoding:
    if encoding.scale_resolution_down_by is not None:
        return encoding
    return replace(encoding, scale_resolution_down_by=scale)


def _check_ranges(encodings: Iterable[jsep.Encoding]) -> None:
    for encoding in encodings:
        if encoding.scale_resolution_down_by is not None and encoding.scale_resolution_down_by < 1.0:
            raise RangeError("scaleResolutionDownBy is at least 1.0")
        if encoding.max_framerate is not None and encoding.max_framerate < 0.0:
            raise RangeError("maxFramerate is not negative")


# --- getParameters and setParameters --------------------------------------------------------------------------------


def _common(media: jsep.MediaParameters) -> Dictionary:
    return Dictionary(
        headerExtensions=[
            Dictionary(uri=extension.uri, id=extension.id, encrypted=extension.encrypted)
            for extension in media.extensions
        ],
        codecs=[codec_dictionary(entry.codec, entry.payload_type) for entry in media.codecs],
    )


def send_parameters(
    transceiver: jsep.Transceiver, transaction_id: str, cname: str, preference: RTCDegradationPreference | None
) -> Dictionary:
    """RTCRtpSendParameters: step 3 of getParameters."""
    preferred = {} if preference is None else {"degradationPreference": str(preference)}
    return Dictionary(
        transactionId=transaction_id,
        encodings=[encoding_dictionary(encoding) for encoding in transceiver.encodings],
        **_common(transceiver.send),
        rtcp=Dictionary(cname=cname, reducedSize=transceiver.send.reduced_size_rtcp),
        **preferred,
    )


def receive_parameters(transceiver: jsep.Transceiver) -> Dictionary:
    """RTCRtpReceiveParameters."""
    return Dictionary(
        **_common(transceiver.receive),
        rtcp=Dictionary(reducedSize=transceiver.receive.reduced_size_rtcp),
    )


def parse_send_parameters(value: Any) -> dict[str, Any]:
    """An RTCRtpSendParameters. Raises TypeError."""
    if value is MISSING:
        raise TypeError("RTCRtpSendParameters is required")
    required = _SEND_PARAMETERS.keys() - {"degradationPreference"}
    return dictionary(value, "RTCRtpSendParameters", _SEND_PARAMETERS, required=required)


def parse_set_parameter_options(value: Any) -> list[bool]:
    """RTCSetParameterOptions of WebRTC Extensions: for each of its encodingOptions, whether a key frame is wanted.
    Raises TypeError.
    """
    given = dictionary(value, "RTCSetParameterOptions", {"encodingOptions": sequence_of(_key_frame)})
    return list(given.get("encodingOptions", []))


def _key_frame(value: Any) -> bool:
    return bool(dictionary(value, "RTCEncodingOptions", {"keyFrame": boolean}).get("keyFrame", False))


def _header_extension(value: Any) -> dict[str, Any]:
    conversions = {"encrypted": boolean, "id": unsigned_short, "uri": string}
    return {
        "encrypted": False,
        **dictionary(value, "RTCRtpHeaderExtensionParameters", conversions, required=("uri", "id")),
    }


def _codec_parameters(value: Any) -> dict[str, Any]:
    conversions = {**_CODEC, "payloadType": lambda number: unsigned(number, "payloadType", 8)}
    return dictionary(value, "RTCRtpCodecParameters", conversions, required=("mimeType", "clockRate", "payloadType"))


def _rtcp(value: Any) -> dict[str, Any]:
    return dictionary(value, "RTCRtcpParameters", {"cname": string, "reducedSize": boolean})


_SEND_PARAMETERS: Final[Mapping[str, Conversion]] = {
    "codecs": sequence_of(_codec_parameters),
    "degradationPreference": one_of(RTCDegradationPreference),
    "encodings": parse_encodings,
    "headerExtensions": sequence_of(_header_extension),
    "rtcp": _rtcp,
    "transactionId": string,
}


def check_set_parameters(
    given: Mapping[str, Any],
    last_returned: Mapping[str, Any],
    transceiver: jsep.Transceiver,
    capabilities: jsep.Capabilities,
) -> tuple[jsep.Encoding, ...]:
    """The "setParameters validation steps", for what `parse_send_parameters` made. Raises InvalidModificationError,
    RangeError.
    """
    encodings = given["encodings"]
    if len(encodings) != len(transceiver.encodings):  # step 6
        raise InvalidModificationError("the number of encodings can't change")
    if [one.rid for one in encodings] != [one.rid for one in transceiver.encodings]:
        raise InvalidModificationError("rids and the order of encodings can't change")
    for name in ("transactionId", "headerExtensions", "rtcp", "codecs"):
        if _plain(given[name]) != _plain(last_returned[name]):
            raise InvalidModificationError(f"{name} is read-only")
    choosable = [entry.codec for entry in transceiver.send.codecs] or [one for one in capabilities.codecs if one.sends]
    for encoding in encodings:
        if encoding.codec is not None and not any(
            codec_matches(encoding.codec, codec, ignore_asymmetrical=True) for codec in choosable
        ):
            raise InvalidModificationError(f"{encoding.codec.mime_type} is not among the negotiated codecs")
    if transceiver.kind is jsep.Kind.AUDIO:  # step 7
        encodings = [_for_audio(one) for one in encodings]
    else:  # step 8
        encodings = [_with_scale(one, 1.0) for one in encodings]
    if not _is_restriction_valid(encodings):
        raise InvalidModificationError(_RESTRICTION)
    _check_packet_times(encodings)
    _check_ranges(encodings)  # steps 9 and 10
    return tuple(encodings)


def _plain(value: Any) -> Any:
    """Plain lists and dicts of a dictionary's value, for comparison."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
