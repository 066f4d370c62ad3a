"""SCTP as scapy layers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.capture.items import Part
from harness.capture.layers import sctp
from harness.capture.layers.base import read, rebuilt
from harness.capture.layers.sctp import SCTP
from harness.tests.capture.layers.roundtrip import same_after_dissection
from harness.tests.capture.recorded import NAMES, shared

short, word, bit = st.integers(0, 65535), st.integers(0, 2**32 - 1), st.integers(0, 1)
blob = st.binary(max_size=30)
shorts = st.lists(short, max_size=5)
parameters = st.lists(
    st.one_of(
        st.builds(sctp.StateCookie, cookie=blob),
        st.builds(sctp.SupportedExtensions, chunk_types=st.lists(st.integers(0, 255), max_size=6)),
        st.builds(sctp.ForwardTsnSupported),
        st.builds(sctp.EcnCapable),
        st.builds(sctp.ZeroChecksum, method=word),
        st.builds(sctp.Parameter, type=st.sampled_from([1, 5, 6, 0x8002, 0x9999]), value=blob),
    ),
    max_size=4,
)
resets = st.lists(
    st.one_of(
        st.builds(sctp.OutgoingReset, request=word, response=word, last_tsn=word, streams=shorts),
        st.builds(sctp.IncomingReset, request=word, streams=shorts),
        st.builds(sctp.TsnReset, request=word),
        st.builds(sctp.ReconfigResponse, response=word, result=st.integers(0, 6)),
        st.builds(sctp.AddOutgoingStreams, request=word, count=short),
        st.builds(sctp.AddIncomingStreams, request=word, count=short),
    ),
    min_size=1,
    max_size=2,
)
causes = st.lists(st.builds(sctp.Cause, type=st.integers(1, 13), value=blob), max_size=3)
gaps = st.lists(st.builds(sctp.GapBlock, start=short, end=short), max_size=4)
chunks = st.one_of(
    st.builds(
        sctp.Data,
        unordered=bit,
        beginning=bit,
        ending=bit,
        immediate=bit,
        tsn=word,
        stream=short,
        ssn=short,
        ppid=word,
        data=blob,
    ),
    st.builds(
        sctp.IData,
        unordered=bit,
        beginning=bit,
        ending=bit,
        tsn=word,
        stream=short,
        mid=word,
        ppid_or_fsn=word,
        data=blob,
    ),
    st.builds(
        sctp.Init, initiate_tag=word, a_rwnd=word, outbound_streams=short, initial_tsn=word, parameters=parameters
    ),
    st.builds(sctp.InitAck, initiate_tag=word, inbound_streams=short, parameters=parameters),
    st.builds(sctp.Sack, cumulative_tsn=word, a_rwnd=word, gaps=gaps, duplicates=st.lists(word, max_size=3)),
    st.builds(sctp.Heartbeat, parameters=st.lists(st.builds(sctp.Parameter, type=st.just(1), value=blob), max_size=1)),
    st.builds(
        sctp.HeartbeatAck, parameters=st.lists(st.builds(sctp.Parameter, type=st.just(1), value=blob), max_size=1)
    ),
    st.builds(sctp.Abort, reflected_tag=bit, parameters=causes),
    st.builds(sctp.Error, parameters=causes),
    st.builds(sctp.Shutdown, cumulative_tsn=word),
    st.builds(sctp.ShutdownAck),
    st.builds(sctp.ShutdownComplete, reflected_tag=bit),
    st.builds(sctp.CookieEcho, cookie=blob),
    st.builds(sctp.CookieAck),
    st.builds(sctp.ReConfig, parameters=resets),
    st.builds(
        sctp.ForwardTsn,
        cumulative_tsn=word,
        skipped=st.lists(st.builds(sctp.Skipped, stream=short, ssn=short), max_size=3),
    ),
    st.builds(
        sctp.IForwardTsn,
        cumulative_tsn=word,
        skipped=st.lists(st.builds(sctp.SkippedMessage, stream=short, unordered=bit, mid=word), max_size=3),
    ),
    st.builds(sctp.Chunk, type=st.sampled_from([12, 13, 15, 63, 200, 255]), flags=st.integers(0, 255), value=blob),
)


@given(short, short, word, st.lists(chunks, max_size=4))
def test_any_packet_survives_the_round_trip(source: int, target: int, tag: int, several: list[sctp.Chunk]) -> None:
    packet = SCTP(source_port=source, destination_port=target, tag=tag, chunks=several)
    read = same_after_dissection(packet, SCTP)
    assert [type(each) for each in read.chunks] == [type(each) for each in several]
    assert sctp.checksum_is_valid(bytes(packet))
    assert b"".join(sctp.split(bytes(packet))) == bytes(packet)[12:]
    for data, built in zip(sctp.split(bytes(packet)), several, strict=True):
        assert type(sctp.chunk(data)) is type(built)


@given(parameters)
def test_the_length_of_a_chunk_leaves_out_the_last_parameters_padding(several: list[sctp.Parameter]) -> None:
    data = bytes(sctp.Init(parameters=several))
    declared = int.from_bytes(data[2:4], "big")
    padding = 0
    if several:
        last = bytes(several[-1])
        padding = len(last) - int.from_bytes(last[2:4], "big")
    assert declared == len(data) - padding


@given(st.binary(max_size=80))
def test_any_bytes_are_dissected(data: bytes) -> None:
    read(SCTP, data).show(dump=True)
    for each in sctp.split(data):
        sctp.chunk(each).show(dump=True)
    for kind in (0, 1, 3, 6, 130, 192):
        read(SCTP, bytes(12) + bytes([kind, 0]) + data).show(dump=True)


@given(st.lists(chunks, min_size=1, max_size=3), st.data())
def test_a_changed_packet_gives_the_same_bytes(several: list[sctp.Chunk], data: st.DataObject) -> None:
    changed = bytearray(bytes(SCTP(chunks=several)))
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    read = SCTP(bytes(changed))
    assert bytes(read)[: len(changed)] == bytes(changed)
    read.show(dump=True)


def test_a_list_of_more_than_a_hundred_items_is_read() -> None:
    gaps = [sctp.GapBlock(start=number, end=number) for number in range(300)]
    assert len(SCTP(bytes(SCTP(chunks=[sctp.Sack(gaps=gaps)]))).chunks[0].gaps) == 300


@pytest.mark.parametrize("name", NAMES)
def test_real_packets_are_rebuilt_byte_for_byte_and_their_checksums_hold(name: str) -> None:
    seen = set()
    for items in shared(name).items():
        for item in items:
            if item.part is Part.SCTP:
                assert rebuilt(item.packet) == item.data
                assert sctp.checksum_is_valid(item.data)
                assert all(type(chunk) is not sctp.Chunk for chunk in item.packet.chunks)
                seen |= {chunk.title for chunk in item.packet.chunks}
    assert seen >= {"INIT", "INIT ACK", "COOKIE ECHO", "COOKIE ACK", "DATA", "SACK", "ABORT"}


def test_the_checksum_of_a_known_packet() -> None:
    # CRC-32C of "123456789" is e3069283 (RFC 3720 appendix B.4 uses the same polynomial); the field is little-endian on
    # the wire.
    packet = bytearray(bytes(SCTP(chunks=[sctp.CookieAck()])))
    packet[12] ^= 1
    assert not sctp.checksum_is_valid(bytes(packet))
