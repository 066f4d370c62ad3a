"""Descriptions a remote side might have said: made of words, so that a case shows what it is about."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Section", "audio", "data", "description", "video"]

_OPUS = ("111", ("rtpmap:111 opus/48000/2", "fmtp:111 minptime=10;useinbandfec=1"))
_VP8 = ("96", ("rtpmap:96 VP8/90000",))
_FINGERPRINT = ":".join(f"{number:02X}" for number in range(32))


@dataclass(frozen=True, slots=True)
class Section:
    """One m-section. `lines` are further attributes, without "a="."""

    media: str
    mid: str
    direction: str = "sendrecv"
    lines: tuple[str, ...] = ()
    rejected: bool = False
    formats: str = ""
    codecs: tuple[str, ...] = field(default=(), repr=False)

    def text(self, *, setup: str, ufrag: str) -> str:
        port = 0 if self.rejected else 9
        proto = "UDP/DTLS/SCTP" if self.media == "application" else "UDP/TLS/RTP/SAVPF"
        own = [f"mid:{self.mid}"]
        if self.media != "application":
            own += [self.direction, "rtcp-mux"]
        own += [f"ice-ufrag:{ufrag}", "ice-pwd:passwordpasswordpassword", f"fingerprint:sha-256 {_FINGERPRINT}"]
        attributes = [*own, f"setup:{setup}", *self.codecs, *self.lines]
        lines = [f"m={self.media} {port} {proto} {self.formats}", "c=IN IP4 0.0.0.0"]
        return "\r\n".join([*lines, *(f"a={one}" for one in attributes), ""])


def audio(mid: str = "0", direction: str = "sendrecv", *lines: str, rejected: bool = False) -> Section:
    """An m-section for Opus."""
    return Section("audio", mid, direction, lines, rejected, *_OPUS)


def video(mid: str = "0", direction: str = "sendrecv", *lines: str, rejected: bool = False) -> Section:
    """An m-section for VP8."""
    return Section("video", mid, direction, lines, rejected, *_VP8)


def data(mid: str = "0", *lines: str, rejected: bool = False) -> Section:
    """An m-section for data channels."""
    own = ("sctp-port:5000", *lines)
    return Section("application", mid, "", own, rejected, "webrtc-datachannel")


def description(
    *sections: Section, setup: str = "actpass", ufrag: str = "ufrag", bundle: bool = True, lines: tuple[str, ...] = ()
) -> str:
    """A description of these sections, in one bundle. `lines` stand at session level, without "a="."""
    alive = " ".join(section.mid for section in sections if not section.rejected)
    group = [f"group:BUNDLE {alive}"] if bundle and alive else []
    head = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", *(f"a={line}" for line in (*group, *lines)), ""]
    return "\r\n".join(head) + "".join(section.text(setup=setup, ufrag=ufrag) for section in sections)
