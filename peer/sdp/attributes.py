"""The attributes we know: name -> grammar -> value.

Each `Attribute` is one row: its name, the regular expression of its value (from the ABNF quoted above it), and what
the match becomes. The parser uses the expression only, so a line costs one match; the value is built when somebody
asks (`block.all(RTPMAP)`). An attribute that has no row survives untouched.

All expressions are matched in full, over ASCII digits, and are free of nested repetition over the same characters:
linear time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from . import values as v

__all__ = [
    "ATTRIBUTES",
    "BUNDLE_ONLY",
    "CANDIDATE",
    "CRYPTO",
    "DIRECTIONS",
    "END_OF_CANDIDATES",
    "EXTMAP",
    "EXTMAP_ALLOW_MIXED",
    "FINGERPRINT",
    "FMTP",
    "FRAMERATE",
    "GROUP",
    "ICE_LITE",
    "ICE_OPTIONS",
    "ICE_PWD",
    "ICE_UFRAG",
    "IDENTITY",
    "IMAGEATTR",
    "INACTIVE",
    "KEY_MGMT",
    "MAXPTIME",
    "MAX_MESSAGE_SIZE",
    "MID",
    "MSID",
    "PTIME",
    "QUALITY",
    "RECVONLY",
    "REMOTE_CANDIDATES",
    "RID_LINE",
    "RTCP",
    "RTCP_FB",
    "RTCP_MUX",
    "RTCP_MUX_ONLY",
    "RTCP_RSIZE",
    "RTCP_XR",
    "RTPMAP",
    "SCTPMAP",
    "SCTP_PORT",
    "SENDONLY",
    "SENDRECV",
    "SETUP",
    "SIMULCAST",
    "SSRC_ATTRIBUTE",
    "SSRC_GROUP",
    "TLS_ID",
    "Attribute",
]

T = TypeVar("T")

# RFC 8866 section 9: token-char = %x21 / %x23-27 / %x2A-2B / %x2D-2E / %x30-39 / %x41-5A / %x5E-7E
NAME = r"[!#-'*+\-.0-9A-Z^-~]+"
PORT = r"(?:6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|\d{1,4})"
PAYLOAD_TYPE = r"(?:12[0-7]|1[01]\d|\d{1,2})"
# RFC 8839 section 5.1: ice-char = ALPHA / DIGIT / "+" / "/"
ICE_CHAR = r"[A-Za-z0-9+/]"
# RFC 8851 section 10 with erratum 7132: rid-id = 1*(alpha-numeric / "-" / "_")
RID = r"[A-Za-z0-9_\-]+"
SSRC = r"\d{1,10}"


@dataclass(frozen=True, slots=True)
class Attribute(Generic[T]):
    """One row of the table. `single`: a second one in the same section is an error (RFC 9429 section 5.8)."""

    name: str
    pattern: re.Pattern[str]
    build: Callable[[re.Match[str]], T]
    single: bool = False

    def line(self, value: T) -> str:
        """The whole line for a value, without line end. A flag's value is True."""
        return f"a={self.name}" if value is True else f"a={self.name}:{value}"


ATTRIBUTES: dict[str, Attribute[Any]] = {}


def _row(name: str, pattern: str, build: Callable[[re.Match[str]], T], *, single: bool = False) -> Attribute[T]:
    row = Attribute(name, re.compile(pattern, re.ASCII), build, single)
    ATTRIBUTES[name] = row
    return row


def _flag(name: str) -> Attribute[bool]:
    return _row(name, "", lambda match: True, single=True)


def _text(name: str, pattern: str, *, single: bool = True) -> Attribute[str]:
    return _row(name, pattern, lambda match: match[0], single=single)


def _number(name: str, pattern: str, *, single: bool = True) -> Attribute[int]:
    return _row(name, pattern, lambda match: int(match[0]), single=single)


# --- session structure --------------------------------------------------------------------------------------

# RFC 5888 section 5: "group:" semantics *(SP identification-tag)
GROUP = _row("group", rf"({NAME})((?: {NAME})*) ?", lambda m: v.Group(m[1], tuple(m[2].split())))
# RFC 5888 section 4: "mid:" identification-tag
MID = _text("mid", NAME)
BUNDLE_ONLY = _flag("bundle-only")  # RFC 9143 section 6
SENDRECV = _flag("sendrecv")  # RFC 8866 section 6.7
SENDONLY = _flag("sendonly")
RECVONLY = _flag("recvonly")
INACTIVE = _flag("inactive")
DIRECTIONS = (SENDRECV, SENDONLY, RECVONLY, INACTIVE)

# --- transport ----------------------------------------------------------------------------------------------

ICE_LITE = _flag("ice-lite")  # RFC 8839 section 5.3
# RFC 8839 section 5.4. The size limits are judged with the contents, as RFC 9429 section 5.8.3 has it.
ICE_UFRAG = _text("ice-ufrag", f"{ICE_CHAR}+")
ICE_PWD = _text("ice-pwd", f"{ICE_CHAR}+")
# RFC 8839 section 5.6: ice-option-tag *(SP ice-option-tag); tags with "-" exist in the field
ICE_OPTIONS = _row("ice-options", rf"{NAME}(?: {NAME})*", lambda m: tuple(m[0].split()), single=True)
# RFC 8839 section 5.1: foundation SP component-id SP transport SP priority SP connection-address SP port SP "typ" SP
# cand-type [SP rel-addr] [SP rel-port] *(SP cand-extension)
CANDIDATE = _text(
    "candidate",
    rf"{ICE_CHAR}{{1,32}} \d{{1,5}} {NAME} \d{{1,10}} \S+ {PORT} typ {NAME}(?: \S+ \S*)*",
    single=False,
)
# RFC 8839 section 5.2: component-id SP connection-address SP port, repeated
REMOTE_CANDIDATES = _text("remote-candidates", rf"\d{{1,5}} \S+ {PORT}(?: \d{{1,5}} \S+ {PORT})*")
END_OF_CANDIDATES = _flag("end-of-candidates")  # RFC 8840 section 8.2
# RFC 8122 section 5: hash-func SP 2UHEX *(":" 2UHEX); lower case is read too
FINGERPRINT = _row(
    "fingerprint",
    rf"({NAME}) ([0-9A-Fa-f]{{2}}(?::[0-9A-Fa-f]{{2}})*)",
    lambda m: v.Fingerprint(m[1].lower(), m[2].upper()),
)
# RFC 4145 section 4
SETUP = _row("setup", "active|passive|actpass|holdconn", lambda m: v.Setup(m[0]), single=True)
# RFC 8842 section 5: 20*255(tls-id-char)
TLS_ID = _text("tls-id", r"[A-Za-z0-9+/_\-]{20,255}")
# RFC 8827 section 5.2: base64 *(SP extension)
IDENTITY = _text("identity", r"[A-Za-z0-9+/=]+(?: \S+)*", single=False)
# RFC 8841 section 5: 1*5DIGIT, 0 to 65535
SCTP_PORT = _number("sctp-port", PORT)
# RFC 8841 section 6: 1*DIGIT, 0 is "any size"
MAX_MESSAGE_SIZE = _number("max-message-size", r"\d{1,20}")
# draft-ietf-mmusic-sctp-sdp-05, still said by old endpoints: port SP protocol [SP streams]
SCTPMAP = _text("sctpmap", rf"{PORT} {NAME}(?: \d+)?", single=False)

# --- RTP ----------------------------------------------------------------------------------------------------

# RFC 8866 section 6.6: payload-type SP encoding-name "/" clock-rate ["/" encoding-params]
RTPMAP = _row(
    "rtpmap",
    rf"({PAYLOAD_TYPE}) ({NAME})/(\d{{1,9}})(?:/(\S+))?",
    lambda m: v.Rtpmap(int(m[1]), m[2], int(m[3]), m[4]),
)
# RFC 8866 section 6.15: fmt SP byte-string
FMTP = _row("fmtp", rf"({NAME}) (.+)", lambda m: v.Fmtp(m[1], m[2]))
# RFC 4585 section 4.2: (fmt / "*") SP rtcp-fb-val
RTCP_FB = _row("rtcp-fb", rf"(\*|{NAME}) ({NAME}(?: .+)?)", lambda m: v.RtcpFeedback(m[1], m[2]))
# RFC 3605 section 2.1: port [SP nettype SP addrtype SP connection-address]
RTCP = _text("rtcp", rf"{PORT}(?: {NAME} {NAME} \S+)?")
RTCP_MUX = _flag("rtcp-mux")  # RFC 5761 section 5.1.3
RTCP_MUX_ONLY = _flag("rtcp-mux-only")  # RFC 8858 section 3
RTCP_RSIZE = _flag("rtcp-rsize")  # RFC 5506 section 5
# RFC 8866 section 6.4, 6.5: milliseconds; fractions are in use
PTIME = _row("ptime", r"\d{1,9}(?:\.\d{1,9})?", lambda m: float(m[0]), single=True)
MAXPTIME = _row("maxptime", r"\d{1,9}(?:\.\d{1,9})?", lambda m: float(m[0]), single=True)
# RFC 8285 section 8: (1..14, 1..255, 4096..4351) ["/" direction] SP URI [SP attributes]
EXTMAP = _row(
    "extmap",
    r"(\d{1,4})(?:/(sendrecv|sendonly|recvonly|inactive))? (\S+)(?: (.+))?",
    lambda m: v.Extmap(int(m[1]), m[3], m[2], m[4]),
)
EXTMAP_ALLOW_MIXED = _flag("extmap-allow-mixed")  # RFC 8285 section 6
# RFC 8830 section 2: msid-id [SP msid-appdata], each 1*64token-char
MSID = _row("msid", rf"({NAME})(?: ({NAME}))?", lambda m: v.Msid(m[1], m[2]))
# RFC 5576 section 4.1: ssrc-id SP attribute [":" value]
SSRC_ATTRIBUTE = _row("ssrc", rf"({SSRC}) ({NAME})(?::(.*))?", lambda m: v.SsrcAttribute(int(m[1]), m[2], m[3]))
# RFC 5576 section 4.2: semantics *(SP ssrc-id)
SSRC_GROUP = _row(
    "ssrc-group",
    rf"({NAME})((?: {SSRC})*)",
    lambda m: v.SsrcGroup(m[1], tuple(int(one) for one in m[2].split())),
)
# RFC 8851 section 10: rid-id SP ("send" / "recv") [SP (pt-param-list / rid-param-list)]
RID_LINE = _row("rid", rf"({RID}) (send|recv)(?: (\S+(?: \S+)*))?", lambda m: v.Rid(m[1], m[2], m[3]))
# RFC 8853 section 5.1: (send [SP recv]) / (recv [SP send]), lists ";" of alternatives "," of ["~"] rid-id
_SC_LIST = rf"~?{RID}(?:[,;]~?{RID})*"
SIMULCAST = _row(
    "simulcast",
    rf"(send|recv) ({_SC_LIST})(?: (send|recv) ({_SC_LIST}))?",
    lambda m: v.Simulcast.of({m[1]: m[2], **({m[3]: m[4]} if m[3] else {})}),
    single=True,
)
# RFC 6236 section 3.1.1: PT 1*WSP attr-list; sets may nest one bracket deep
_IMAGE_SET = r"\[(?:[^\[\]]|\[[^\[\]]*\])+\]"
IMAGEATTR = _row(
    "imageattr",
    rf"(\*|{PAYLOAD_TYPE})((?:[ \t]+(?:send|recv)(?:[ \t]+\*|(?:[ \t]+{_IMAGE_SET})+))+)",
    lambda m: v.ImageAttributes(m[1], m[2].strip()),
)
# RFC 8866 section 6.13; RFC 8866 section 6.1, 6.10 to 6.12: known, kept as text
FRAMERATE = _text("framerate", r"\d{1,9}(?:\.\d{1,9})?")
QUALITY = _text("quality", r"\d{1,2}")
RTCP_XR = _text("rtcp-xr", r".*", single=False)  # RFC 3611 section 5.1
CRYPTO = _text("crypto", r".+", single=False)  # RFC 4568 section 9.1, prohibited by RFC 9429 section 5.1.1
KEY_MGMT = _text("key-mgmt", r".+", single=False)  # RFC 4567, prohibited likewise
