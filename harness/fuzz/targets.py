"""The targets by name, imported when they are asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Final

from harness.fuzz.target import Target

__all__ = ["TARGETS", "class_of", "make"]

#: name -> (module, class)
TARGETS: Final[Mapping[str, tuple[str, str]]] = {
    "sdp-parse": ("harness.fuzz.sdp", "SdpParse"),
    "sdp-apply": ("harness.fuzz.sdp_apply", "SdpApply"),
    "signalling": ("harness.fuzz.signalling", "Signalling"),
    "stun": ("harness.fuzz.wire", "Stun"),
    "dtls": ("harness.fuzz.wire", "Dtls"),
    "sctp": ("harness.fuzz.wire", "Sctp"),
    "dcep": ("harness.fuzz.wire", "Dcep"),
    "rtp": ("harness.fuzz.media", "Rtp"),
    "rtcp": ("harness.fuzz.media", "Rtcp"),
}

#: The same on an endpoint that is met over real sockets: name -> (module, class)
LIVE: Final[Mapping[str, tuple[str, str]]] = {
    "stun": ("harness.fuzz.live", "LiveStun"),
    "dtls": ("harness.fuzz.live", "LiveDtls"),
    "sctp": ("harness.fuzz.live", "LiveSctp"),
    "dcep": ("harness.fuzz.live", "LiveDcep"),
    "rtp": ("harness.fuzz.live", "LiveRtp"),
    "rtcp": ("harness.fuzz.live", "LiveRtcp"),
}


def class_of(name: str, endpoints: tuple[str, ...] = ("reference",)) -> type[Target]:
    """A target's class. Raises KeyError for an unknown name."""
    module, attribute = (LIVE if endpoints != ("reference",) and name in LIVE else TARGETS)[name]
    found: type[Target] = getattr(importlib.import_module(module), attribute)
    return found


def make(name: str, endpoints: tuple[str, ...] = ("reference",)) -> Target:
    """A target. Raises KeyError for an unknown name, ValueError for endpoints it can't be played on."""
    return class_of(name, endpoints)(endpoints)
