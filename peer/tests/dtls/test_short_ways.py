"""The short way of opening a record foresees its header; the long way reads it. Nobody may see which was taken."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peer.dtls.protection import Opener, Sealer
from peer.dtls.protection12 import make_opener, make_sealer
from peer.dtls.protection13 import Opener13, Sealer13
from peer.dtls.suites import SUITES, Suite
from peer.errors import DecodeError
from peer.tests.dtls.test_protection12 import iv_of
from peer.wire.dtls_parameters import DTLS12
from peer.wire.dtls_record import MAX_FRAGMENT, Record, iterate_records

EVERY_KIND = [
    pytest.param(suite, id=f"{suite.version}-{suite.aead}")
    for suite in {(suite.version, suite.aead): suite for suite in SUITES.values()}.values()
]


@dataclass(frozen=True)
class Sent:
    """A record, and what becomes of it.

    It is `ahead` of the highest number sent before (0 or less: late or again). A bit of the datagram is `flipped`, its
    end is `cut` (-1: a byte more), or it waits to be `joined` with the next.
    """

    size: int
    ahead: int = 1
    kind: int = 23
    flipped: int | None = None
    cut: int = 0
    joined: bool = False


SIZES = st.sampled_from((1200, 700, 3, 1, 0, MAX_FRAGMENT))
GOOD = st.builds(Sent, size=SIZES)
BAD = st.builds(
    Sent,
    ahead=st.sampled_from((1, 1, 1, 0, -1, -2, -3, 2, 3, -300, 250, 300, 70_000)),
    size=SIZES,
    kind=st.sampled_from((23, 22)),
    flipped=st.one_of(st.none(), st.integers(0, 8 * 24 - 1)),
    cut=st.one_of(st.just(0), st.integers(-1, 40)),
    joined=st.booleans(),
)
RECORDS = st.lists(st.one_of(GOOD, GOOD, BAD), min_size=15, max_size=40)


@pytest.mark.parametrize("suite", EVERY_KIND)
@settings(max_examples=100)
@given(sent=RECORDS, start=st.sampled_from((0, 250, 65_530)))
def test_the_short_way_gives_what_the_long_one_gives(suite: Suite, sent: list[Sent], start: int) -> None:
    (sealer, short), (_, long) = ends(suite), ends(suite)
    for number, datagram in enumerate(datagrams(sealer, sent, start)):
        assert received(short, datagram, short_way=True) == received(long, datagram, short_way=False), number


def ends(suite: Suite) -> tuple[Sealer, Opener]:
    if suite.authentication is None:
        secret = bytes(32 if suite.hash == "sha256" else 48)
        return Sealer13(suite, secret, 3), Opener13(suite, secret, 3)
    key, iv = bytes(suite.key_size), iv_of(suite)
    return make_sealer(suite, key, iv, 1), make_opener(suite, key, iv, 1)


def datagrams(sealer: Sealer, sent: list[Sent], start: int) -> list[bytes]:
    made: list[bytes] = []
    highest, before = start - 1, b""
    for one in sent:
        number = max(0, highest + one.ahead)
        highest = max(highest, number)
        record = sealer.seal_record(Record(one.kind, DTLS12, sealer.epoch, number, bytes(one.size)))
        datagram = bytearray(before + record)
        before = bytes(datagram) if one.joined else b""
        if one.joined:
            continue
        datagram = datagram[: len(datagram) - one.cut] if one.cut >= 0 else datagram + b"\x00"
        if one.flipped is not None and one.flipped // 8 < len(datagram):
            datagram[one.flipped // 8] ^= 1 << one.flipped % 8
        made.append(bytes(datagram))
    return made


def received(opener: Opener, datagram: bytes, *, short_way: bool) -> list[tuple[int, bytes]]:
    payload = opener.open_application_data(datagram) if short_way else None
    if payload is not None:
        return [(23, payload)]
    found = []
    try:
        for record in iterate_records(datagram, 0):
            opened = opener.open(record)
            if opened is not None:
                found.append((opened[0], opened[2]))
    except DecodeError:
        pass
    return found


@pytest.mark.parametrize("suite", EVERY_KIND)
def test_no_bit_of_a_foreseen_header_may_be_another(suite: Suite) -> None:
    """What is foreseen need not be read to decrypt the record, so only a comparison shows that it was changed."""
    sealer, opener = ends(suite)
    for bit in range(8 * (sealer.overhead - 1)):
        size = 700 + bit % 2
        assert opener.open_application_data(sealer.seal(23, bytes(size))) == bytes(size), "nothing is foreseen"
        changed = bytearray(sealer.seal(23, bytes(size)))
        changed[bit // 8] ^= 1 << bit % 8
        assert received(opener, bytes(changed), short_way=True) == [], f"bit {bit}"


@pytest.mark.parametrize("suite", EVERY_KIND)
def test_what_came_the_long_way_is_not_taken_again(suite: Suite) -> None:
    sealer, opener = ends(suite)
    first, second, third, fourth = (sealer.seal(23, bytes([number])) for number in range(4))
    assert opener.open_application_data(first) == b"\x00"
    assert received(opener, second + third, short_way=True) == [(23, b"\x01"), (23, b"\x02")]
    for datagram in (first, second, third):
        assert received(opener, datagram, short_way=True) == []
    assert opener.open_application_data(fourth) == b"\x03"
