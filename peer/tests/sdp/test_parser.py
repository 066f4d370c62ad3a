"""RFC 8866 section 5 and 9: the lines, their order, what is refused and where."""

from __future__ import annotations

import os
import random
import time

import pytest
from hypothesis import given, settings

from peer import sdp
from peer.errors import DecodeError

from . import corpus, strategies

SWEEP = int(os.environ.get("PEERPROOF_SWEEP", "300"))

SESSION = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
AUDIO = "m=audio 9 UDP/TLS/RTP/SAVPF 0 111\r\nc=IN IP4 0.0.0.0\r\n"


@pytest.mark.parametrize("name", corpus.NAMES)
def test_recorded_descriptions_come_back_byte_for_byte(name: str) -> None:
    text = corpus.read(name)
    assert sdp.serialize(sdp.parse(text)) == text


@given(strategies.descriptions())
def test_what_the_grammar_allows_comes_back_byte_for_byte(text: str) -> None:
    assert sdp.serialize(sdp.parse(text)) == text


@settings(max_examples=SWEEP)
@given(strategies.mutations())
def test_a_mutated_description_parses_or_raises_decode_error(text: str) -> None:
    description, line = parse_or_line(text)
    assert 1 <= line <= text.count("\n") + 2
    # every typed look works on what was let in
    for block in (description.session, *description.media) if description else ():
        for attribute in sdp.ATTRIBUTES.values():
            assert len(block.all(attribute)) == block.count(attribute)


def parse_or_line(text: str) -> tuple[sdp.SessionDescription | None, int]:
    try:
        return sdp.parse(text), 1
    except DecodeError as error:
        return None, error.line or 0


def test_seeded_mutations_in_bulk() -> None:
    """As above without hypothesis in between, so that a million is a matter of minutes (PEERPROOF_SWEEP=1000000)."""
    chance = random.Random(20261121)
    texts = [corpus.read(name).split("\r\n") for name in corpus.NAMES]
    for _ in range(SWEEP * 10 if SWEEP < 1000 else SWEEP):
        parse_or_line("\r\n".join(mutated(chance.choice(texts), chance)))


def mutated(lines: list[str], chance: random.Random) -> list[str]:
    """The lines with one to three of them dropped, doubled, moved, cut, or changed in a character."""
    lines = list(lines)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(lines))
        line, cut = lines[at], chance.randint(0, len(lines[at]))
        lines[at : at + 1] = chance.choice(
            (
                [],
                [line, line],
                [line[:cut]],
                [line[cut:] + line[:cut]],
                [line[:cut] + chr(chance.randrange(0x250)) + line[cut + 1 :]],
                [line[:cut] + str(chance.getrandbits(chance.choice((1, 16, 33, 65)))) + line[cut:]],
                [chance.choice(lines)],
            )
        )
        lines = lines or [""]
    return lines


def test_time_is_linear_in_the_length() -> None:
    def seconds(lines: int) -> float:
        text = SESSION + AUDIO + "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * lines
        best = float("inf")
        for _ in range(5):
            start = time.process_time()
            sdp.parse(text)
            best = min(best, time.process_time() - start)
        return best

    # ten times the length in well under a hundred times the time, of this process: others want the processor too
    assert seconds(20_000) < 30 * seconds(2_000)


@pytest.mark.parametrize(
    "line",
    [
        "a=imageattr:97 send " + "[" * 20_000,
        "a=imageattr:97 send" + " [x=[1]]" * 5_000 + "!",
        "a=candidate:" + "1 " * 20_000,
        "a=simulcast:send " + "a;" * 20_000 + " ",
        "a=ice-options:" + "a " * 20_000 + "\t",
        "a=fingerprint:sha-256 " + "AA:" * 20_000,
        "a=group:BUNDLE" + " a" * 20_000 + "\t",
        "a=ssrc-group:FID" + " 1" * 20_000 + "x",
        "a=identity:" + "A" * 20_000 + " ",
    ],
)
def test_hostile_lines_are_refused_quickly(line: str) -> None:
    start = time.perf_counter()
    with pytest.raises(DecodeError):
        sdp.parse(f"{SESSION}{AUDIO}{line}\r\n")
    assert time.perf_counter() - start < 0.5


def test_lf_is_read_and_kept() -> None:
    text = (SESSION + AUDIO).replace("\r\n", "\n")
    description = sdp.parse(text)
    assert description.line_end == "\n"
    assert sdp.serialize(description) == text


def test_a_missing_last_line_end_is_forgiven() -> None:
    assert sdp.parse(SESSION.removesuffix("\r\n")) == sdp.parse(SESSION)


def test_every_optional_line_in_its_place() -> None:
    lines = ["v=0", "o=- 1 1 IN IP4 h", "s=x", "i=x", "u=x", "e=x", "e=y", "p=x", "c=IN IP4 h", "b=AS:1", "b=TIAS:2"]
    lines += ["t=0 0", "r=7d 1h 0 25h", "t=1 2", "z=0 -1h", "k=prompt", "a=x"]
    lines += ["m=audio 9/2 RTP/AVP 0", "i=x", "c=IN IP4 h", "c=IN IP4 i", "b=AS:1", "k=uri:x", "a=x"]
    text = "\r\n".join([*lines, ""])
    assert sdp.serialize(sdp.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("\r\n", 1),
        ("nonsense", 1),
        ("v=1\r\no=- 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\n", 1),
        ("v=0\r\ns=-\r\no=- 1 1 IN IP4 h\r\nt=0 0\r\n", 2),
        ("v=0\r\n", 2),
        ("v=0\r\ni=x\r\ns=-\r\nt=0 0\r\n", 2),
        ("v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\n", 3),
        (SESSION + "s=-\r\n", 5),
        (SESSION + "x=1\r\n", 5),
        (SESSION + "t\r\n", 5),
        (SESSION + "t=now 0\r\n", 5),
        (SESSION + "\r\n" + AUDIO, 5),
        (SESSION + "a=x\r\nt=0 0\r\n", 6),
        (SESSION + "a=\r\n", 5),
        (SESSION + "a=bad name:1\r\n", 5),
        (SESSION + AUDIO + "t=0 0\r\n", 7),
        (SESSION + AUDIO + "b=AS:1\r\nc=IN IP4 h\r\n", 8),
        (SESSION + "m=audio 65536 RTP/AVP 0\r\n", 5),
        (SESSION + "m=audio 9 RTP/AVP\r\n", 5),
        (SESSION + "m=audio 9 RTP/AVP 128\r\n", 5),
        (SESSION + "m=audio 9 UDP/TLS/RTP/SAVPF opus\r\n", 5),
        (SESSION + AUDIO + "a=rtcp-mux:yes\r\n", 7),
        (SESSION + AUDIO + "a=mid\r\n", 7),
        (SESSION + AUDIO + "a=mid:\r\n", 7),
        (SESSION + AUDIO + "a=setup:maybe\r\n", 7),
        (SESSION + AUDIO + "a=rtpmap:128 x/1\r\n", 7),
        (SESSION + AUDIO + "a=rtpmap:\u0661 x/1\r\n", 7),
        (SESSION + AUDIO + "a=candidate:1 1 udp 1 h 65536 typ host\r\n", 7),
        (SESSION + AUDIO + "a=x:\0\r\n", 7),
        (SESSION + AUDIO + "a=x:\r1\r\n", 7),
        (SESSION + AUDIO + "a=x:1\na=y\r\n", 7),
        (SESSION.replace("\r\n", "\n") + "a=x\r", 5),
    ],
)
def test_what_is_not_sdp_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(DecodeError) as caught:
        sdp.parse(text)
    assert caught.value.line == line
