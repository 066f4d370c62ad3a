"""RTCSessionDescription, webrtc-pc section 4.6."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from peer.api.webidl import Dictionary, dictionary, one_of, string

__all__ = ["RTCSdpType", "RTCSessionDescription", "description_init", "local_description_init"]


class RTCSdpType(StrEnum):
    OFFER = "offer"
    PRANSWER = "pranswer"
    ANSWER = "answer"
    ROLLBACK = "rollback"


def local_description_init(value: Any) -> tuple[RTCSdpType | None, str]:
    """An RTCLocalSessionDescriptionInit as (type, sdp); type is None when absent. Raises TypeError."""
    init = dictionary(value, "RTCLocalSessionDescriptionInit", {"sdp": string, "type": one_of(RTCSdpType)})
    return init.get("type"), init.get("sdp", "")


def description_init(value: Any) -> tuple[RTCSdpType, str]:
    """An RTCSessionDescriptionInit as (type, sdp). Raises TypeError, also where `type` is missing."""
    kind, sdp = local_description_init(value)
    if kind is None:
        raise TypeError("RTCSessionDescriptionInit: type is required")
    return kind, sdp


class RTCSessionDescription:
    """`RTCSessionDescription({"type": "offer", "sdp": "v=0..."})`. Immutable."""

    __slots__ = ("_sdp", "_type")

    def __init__(self, descriptionInitDict: Any) -> None:
        self._type, self._sdp = description_init(descriptionInitDict)

    @property
    def type(self) -> RTCSdpType:
        return self._type

    @property
    def sdp(self) -> str:
        return self._sdp

    def toJSON(self) -> Dictionary:
        return Dictionary(type=str(self._type), sdp=self._sdp)

    def __repr__(self) -> str:
        return f"<RTCSessionDescription {self._type}, {len(self._sdp)} characters>"
