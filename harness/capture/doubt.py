"""When not seeing a message proves nothing: the capture has holes, or what would show it stayed sealed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.capture.frame import Frame
from harness.capture.items import Item, Part
from harness.capture.matcher import Matcher

__all__ = ["sealed"]

# Seen only once a record was opened.
_INSIDE: Final = frozenset(
    {Part.SCTP, Part.CHUNK, Part.DCEP, Part.RTCP_PACKET, Part.APPLICATION_DATA, Part.ACK, Part.ALERT}
)
# Handshake messages that are always in clear: the hellos, and those only DTLS 1.2 has (key exchanges, ServerHelloDone).
_IN_CLEAR: Final = frozenset({1, 2, 3, 12, 14, 16})


def sealed(matcher: Matcher, frames: Sequence[Frame], items: Sequence[tuple[Item, ...]]) -> str:
    """Why a message like this may have been there all the same; empty when it would have been seen.

    It is in doubt when it would travel protected and most of what its sender protected could not be opened.
    """
    inside = matcher.parts <= _INSIDE or (
        matcher.parts == {Part.HANDSHAKE} and matcher.codes is not None and not matcher.codes & _IN_CLEAR
    )
    if not inside:
        return ""
    outer = (
        (Part.RTCP,) if matcher.parts == {Part.RTCP_PACKET} else (Part.CLOSED, Part.APPLICATION_DATA, Part.HANDSHAKE)
    )
    closed = opened = 0
    for frame, held in zip(frames, items, strict=False):
        if matcher.sender is None or frame.sender == matcher.sender:
            for item in held:
                if item.protected and item.part in outer:
                    opened, closed = opened + item.opened, closed + (not item.opened)
    what = "RTCP packets" if outer == (Part.RTCP,) else "DTLS records"
    return f"{closed} {what} could not be opened: their secrets are not known" if closed > opened else ""
