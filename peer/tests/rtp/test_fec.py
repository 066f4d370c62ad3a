from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.errors import DecodeError
from peer.rtp.fec import MAX_MEDIA, MAX_PARITY, Parity, Recovery, pull_flexfec, pull_ulpfec, without_mutable
from peer.wire import rtp


def media(number: int, size: int, *, extensions: tuple[rtp.Extension, ...] = ()) -> bytes:
    payload = bytes((number * 31 + place) & 0xFF for place in range(size))
    return rtp.Packet(
        96, number & 0xFFFF, number * 3000, 0x1234, payload, number % 3 == 0, extensions=extensions
    ).serialize()


def xor(packets: list[bytes]) -> tuple[bytes, int, int, bytes]:
    """(first two bytes, length, timestamp, body) of parity over packets, by the plainest way."""
    size = max(len(packet) for packet in packets) - 12
    head, length, timestamp, body = bytearray(2), 0, 0, bytearray(size)
    for packet in packets:
        head[0] ^= packet[0]
        head[1] ^= packet[1]
        length ^= len(packet) - 12
        timestamp ^= struct.unpack_from("!L", packet, 4)[0]
        for place, byte in enumerate(packet[12:]):
            body[place] ^= byte
    return bytes(head), length, timestamp, bytes(body)


def ulpfec(packets: list[bytes], base: int, places: list[int], *, long: bool = False) -> bytes:
    head, length, timestamp, body = xor(packets)
    width = 48 if long else 16
    mask = sum(1 << width - 1 - place for place in places).to_bytes(width // 8, "big")
    first = head[0] & 0x3F | (0x40 if long else 0)
    return struct.pack("!BBHLHH", first, head[1], base, timestamp, length, len(body)) + mask + body


def flexfec(packets: list[bytes], base: int, places: list[int], *, masks: int = 1) -> bytes:
    head, length, timestamp, body = xor(packets)
    data = struct.pack("!BBHLLLH", head[0] & 0x3F, head[1], length, timestamp, 1 << 24, 0x1234, base)
    start = 0
    for order, width in enumerate((15, 31, 63)[:masks]):
        mask = sum(1 << width - 1 - (place - start) for place in places if start <= place < start + width)
        data += ((1 << width if order == masks - 1 else 0) | mask).to_bytes((width + 1) // 8, "big")
        start += width
    return data + body


@given(st.lists(st.integers(1, 60), min_size=2, max_size=10), st.data())
def test_one_missing_packet_comes_back_whatever_it_is(sizes: list[int], data: st.DataObject) -> None:
    packets = [media(65530 + place, size) for place, size in enumerate(sizes)]
    lost = data.draw(st.integers(0, len(packets) - 1))
    for parity in (
        pull_ulpfec(ulpfec(packets, 65530, list(range(len(packets)))), 0x1234),
        pull_ulpfec(ulpfec(packets, 65530, list(range(len(packets))), long=True), 0x1234),
        pull_flexfec(flexfec(packets, 65530, list(range(len(packets))))),
    ):
        recovery = Recovery()
        for place, packet in enumerate(packets):
            if place != lost:
                assert recovery.media((65530 + place) & 0xFFFF, packet) == []
        assert recovery.parity(parity) == [packets[lost]]


@pytest.mark.parametrize("masks", [2, 3])
def test_flexfec_masks_reach_46_and_109_packets(masks: int) -> None:
    places = [0, 14, 15, 45] if masks == 2 else [3, 45, 46, 108]
    packets = [media(100 + place, 20) for place in places]
    parity = pull_flexfec(flexfec(packets, 100, places, masks=masks))
    assert parity.protects == tuple(100 + place for place in places)


def test_one_packet_recovered_lets_another_be() -> None:
    packets = [media(number, 30 + number) for number in range(4)]
    recovery = Recovery()
    recovery.media(0, packets[0])
    recovery.media(3, packets[3])
    assert recovery.parity(pull_ulpfec(ulpfec(packets[1:], 1, [0, 1, 2]), 0x1234)) == []
    assert recovery.parity(pull_ulpfec(ulpfec(packets[:2], 0, [0, 1]), 0x1234)) == [packets[1], packets[2]]


def test_parity_that_is_of_no_use_is_counted() -> None:
    packets = [media(number, 30) for number in range(3)]
    recovery = Recovery()
    for number, packet in enumerate(packets):
        recovery.media(number, packet)
    assert recovery.parity(pull_ulpfec(ulpfec(packets, 0, [0, 1, 2]), 0x1234)) == []
    assert recovery.discarded == 1


def test_a_packet_longer_than_what_is_protected_stays_lost() -> None:
    recovery = Recovery()
    recovery.media(0, media(0, 10))
    assert recovery.parity(Parity(1, (0, 1), 0, 0, 0, 900, b"\0" * 40)) == []
    assert recovery.discarded == 1


def test_memory_is_bounded() -> None:
    recovery = Recovery()
    for number in range(3 * MAX_MEDIA):
        recovery.media(number, media(number, 4))
        recovery.parity(Parity(1, (number + 1000, number + 1001), 0, 0, 0, 0, b""))
    assert len(recovery._media) <= MAX_MEDIA
    assert len(recovery._parity) <= MAX_PARITY


@pytest.mark.parametrize("pull", [lambda data: pull_ulpfec(data, 1), pull_flexfec])
@given(data=st.binary(max_size=80))
def test_garbage_is_a_decode_error(pull: object, data: bytes) -> None:
    assert callable(pull)
    try:
        parity = pull(data)
    except DecodeError:
        return
    assert parity.protects


@pytest.mark.parametrize("long", [False, True])
def test_extensions_that_change_on_the_way_are_zero_in_parity(long: bool) -> None:
    filler = b"z" * (20 if long else 2)
    values = (rtp.Extension(2, b"abc"), rtp.Extension(5, filler), rtp.Extension(3, b"de"))
    zero = (rtp.Extension(2, b"\0\0\0"), rtp.Extension(5, filler), rtp.Extension(3, b"\0\0"))
    assert without_mutable(media(1, 9, extensions=values), [2, 3]) == media(1, 9, extensions=zero)
