"""Hypothesis strategies for session descriptions: valid by construction, and mutated ones."""

from __future__ import annotations

from hypothesis import strategies as st

from . import corpus

TOKEN_CHARACTERS = "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz{|}~"
ICE_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

tokens = st.text(TOKEN_CHARACTERS, min_size=1, max_size=12)
texts = st.text(st.characters(blacklist_characters="\r\n\0", blacklist_categories=["Cs"]), min_size=1, max_size=20)
ports = st.integers(0, 65535)
payload_types = st.integers(0, 127)
hosts = st.sampled_from(["192.0.2.1", "::1", "fd00::2", "f6c1b5b0-3a0e-4ed0-8d5c-2c3e4b8c7c71.local", "0.0.0.0"])


@st.composite
def candidates(draw: st.DrawFn) -> str:
    foundation = draw(st.text(ICE_CHARACTERS, min_size=1, max_size=32))
    kind = draw(st.sampled_from(["host", "srflx", "prflx", "relay"]))
    related = f" raddr {draw(hosts)} rport {draw(ports)}" if kind != "host" else ""
    extension = draw(st.sampled_from(["", " generation 0", " tcptype active", " ufrag abcd network-id 1"]))
    return (
        f"{foundation} {draw(st.integers(1, 256))} {draw(st.sampled_from(['udp', 'UDP', 'tcp']))} "
        f"{draw(st.integers(0, 2**32 - 1))} {draw(hosts)} {draw(ports)} typ {kind}{related}{extension}"
    )


def _lines(name: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return values.map(lambda value: f"a={name}:{value}")


attributes = st.one_of(
    st.sampled_from(
        ["a=rtcp-mux", "a=rtcp-rsize", "a=sendrecv", "a=inactive", "a=bundle-only", "a=end-of-candidates", "a=ice-lite"]
    ),
    _lines("candidate", candidates()),
    _lines("mid", tokens),
    _lines("ice-ufrag", st.text(ICE_CHARACTERS, min_size=4, max_size=32)),
    _lines("ice-pwd", st.text(ICE_CHARACTERS, min_size=22, max_size=40)),
    _lines("setup", st.sampled_from(["active", "passive", "actpass", "holdconn"])),
    _lines("fingerprint", st.binary(min_size=20, max_size=32).map(lambda value: f"sha-256 {value.hex(':').upper()}")),
    _lines("extmap", st.tuples(st.integers(1, 255), tokens).map(lambda pair: f"{pair[0]} urn:{pair[1]}")),
    _lines("rtpmap", st.tuples(payload_types, tokens).map(lambda pair: f"{pair[0]} {pair[1]}/90000")),
    _lines("fmtp", st.tuples(payload_types, texts).map(lambda pair: f"{pair[0]} {pair[1]}")),
    _lines("rtcp-fb", st.tuples(payload_types, tokens).map(lambda pair: f"{pair[0]} {pair[1]}")),
    _lines("ssrc", st.tuples(st.integers(0, 2**32 - 1), tokens).map(lambda pair: f"{pair[0]} cname:{pair[1]}")),
    _lines("msid", st.tuples(tokens, tokens).map(" ".join)),
    _lines("x-unknown", texts),
    tokens.filter(lambda name: ":" not in name).map(lambda name: f"a=x-{name}"),
)


@st.composite
def media_sections(draw: st.DrawFn) -> list[str]:
    proto, formats = draw(
        st.one_of(
            st.tuples(
                st.just("UDP/TLS/RTP/SAVPF"),
                st.lists(payload_types.map(str), min_size=1, max_size=5).map(" ".join),
            ),
            st.tuples(st.just("UDP/DTLS/SCTP"), st.just("webrtc-datachannel")),
        )
    )
    media = draw(st.sampled_from(["audio", "video", "application", "text"]))
    lines = [f"m={media} {draw(ports)} {proto} {formats}"]
    lines += draw(st.lists(texts.map(lambda text: f"i={text}"), max_size=1))
    lines += draw(st.lists(hosts.map(lambda host: f"c=IN IP4 {host}"), max_size=2))
    lines += draw(st.lists(st.integers(0, 10**9).map(lambda rate: f"b=AS:{rate}"), max_size=2))
    return lines + draw(st.lists(attributes, max_size=12))


@st.composite
def descriptions(draw: st.DrawFn) -> str:
    """A session description that is right by construction."""
    lines = ["v=0", f"o={draw(tokens)} {draw(st.integers(0, 2**63 - 1))} 1 IN IP4 0.0.0.0", f"s={draw(texts)}"]
    for kind, most in (("i", 1), ("u", 1), ("e", 2), ("p", 2)):
        lines += [f"{kind}={text}" for text in draw(st.lists(texts, max_size=most))]
    lines += draw(st.sampled_from([[], ["c=IN IP6 ::1"]]))
    lines += draw(st.sampled_from([[], ["b=CT:1000", "b=X-YZ:128"]]))
    lines += draw(st.sampled_from([["t=0 0"], ["t=1 2", "r=7d 1h 0 25h", "t=3 4"]]))
    lines += draw(st.sampled_from([[], ["z=2882844526 -1h 2898848070 0"], ["k=prompt"], ["k=clear:x"]]))
    lines += draw(st.lists(attributes, max_size=6))
    for section in draw(st.lists(media_sections(), max_size=4)):
        lines += section
    line_end = draw(st.sampled_from(["\r\n", "\n"]))
    return line_end.join([*lines, ""])


# --- mutations of what browsers say -------------------------------------------------------------------------

_NUMBERS = ("0", "-1", "65535", "65536", "4294967296", "18446744073709551616", "9" * 400, "1e9", "0x10", "\u0663")
_HOSTILE = ("", " ", ":", "\0", "\r", "\u2028", "a" * 3000, " " * 3000, "(" * 500, "[" * 500, "x=[" * 300, "~," * 300)


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """A recorded description with some lines dropped, doubled, moved, or changed inside."""
    lines = corpus.read(draw(st.sampled_from(corpus.NAMES))).split("\r\n")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        what = draw(st.sampled_from(["drop", "double", "move", "number", "insert", "cut", "byte"]))
        line = lines[at]
        if what == "drop" and len(lines) > 1:
            del lines[at]
        elif what == "double":
            lines.insert(at, line)
        elif what == "move":
            lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(at))
        elif what == "number":
            words = line.split(" ")
            words[draw(st.integers(0, len(words) - 1))] = draw(st.sampled_from(_NUMBERS))
            lines[at] = " ".join(words)
        elif what == "insert":
            cut = draw(st.integers(0, len(line)))
            lines[at] = line[:cut] + draw(st.sampled_from(_HOSTILE)) + line[cut:]
        elif what == "cut":
            lines[at] = line[: draw(st.integers(0, len(line)))]
        elif line:
            cut = draw(st.integers(0, len(line) - 1))
            lines[at] = line[:cut] + chr(draw(st.integers(0, 0x2FF))) + line[cut + 1 :]
    return "\r\n".join(lines)
