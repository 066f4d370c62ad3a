"""peer.wire.sctp: packets and chunks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.errors import DecodeError
from peer.wire import sctp
from peer.wire.sctp_tlv import Cause, CauseCode, OutgoingReset, Parameter, ParameterType

INFO = (Parameter(ParameterType.HEARTBEAT_INFO, b"12345"),)
CHUNKS: list[sctp.Chunk] = [
    sctp.Data(1, 2, 3, 51, b"hello", 0b1011),
    sctp.IData(1, 2, 3, 51, b"hello!!", 0b0111),
    sctp.Init(1, 2, 3, 4, 5, (Parameter(0xC000),)),
    sctp.InitAck(1, 2, 3, 4, 5, (Parameter(ParameterType.STATE_COOKIE, b"cookie"),)),
    sctp.Sack(7, 8, ((2, 3), (5, 5)), (1, 2)),
    sctp.Heartbeat(INFO),
    sctp.HeartbeatAck((*INFO, Parameter(0x9999, b"x"))),
    sctp.Abort((Cause(CauseCode.USER_INITIATED_ABORT, b"bye"),), reflected=True),
    sctp.Shutdown(9),
    sctp.ShutdownAck(),
    sctp.Error((Cause(CauseCode.STALE_COOKIE, bytes(4)),)),
    sctp.CookieEcho(b"crumbs"),
    sctp.CookieAck(),
    sctp.ShutdownComplete(reflected=True),
    sctp.Reconfig((OutgoingReset(1, 2, 3, (4,)),)),
    sctp.Pad(5),
    sctp.ForwardTsn(3, (sctp.SkippedStream(1, 2),)),
    sctp.IForwardTsn(3, (sctp.SkippedMessage(1, True, 0xFFFFFFFF), sctp.SkippedMessage(1, False, 2))),
    sctp.Unknown(0xFE, 3, b"what?"),
]


def test_every_chunk_type_is_in_the_round_trip() -> None:
    assert {chunk.type for chunk in CHUNKS} - {0xFE} == set(sctp.ChunkType)


@pytest.mark.parametrize("chunk", CHUNKS, ids=lambda c: type(c).__name__)
def test_a_chunk_comes_back_as_it_was_said(chunk: sctp.Chunk) -> None:
    packet = sctp.Packet(5000, 5001, 0xDEADBEEF, (chunk,))
    data = packet.serialize()
    assert len(data) % 4 == 0
    assert sctp.parse(data).chunks == (chunk,)
    assert sctp.parse(data).checksum == sctp.crc32c(data)


def test_chunks_are_bundled_in_order() -> None:
    packet = sctp.Packet(1, 2, 3, tuple(CHUNKS))
    assert sctp.parse(packet.serialize()).chunks == tuple(CHUNKS)


def test_the_checksum_is_crc32c_little_endian() -> None:
    # The CRC32c of 32 zero bytes is 0x8a9136aa (RFC 3720 section B.4); its bytes go least significant first.
    assert sctp.with_checksum(bytes(32))[8:12].hex() == "aa36918a"
    assert sctp.crc32c(sctp.with_checksum(bytes(32))) == 0x8A9136AA


def test_a_data_chunk_has_the_bytes_of_section_3_3_1() -> None:
    chunk = sctp.Data(0x01020304, 5, 6, 51, b"abc", 7)
    assert chunk.serialize().hex() == "0007001301020304000500060000003361626300"


def test_a_chunks_length_leaves_out_the_padding_of_its_last_parameter() -> None:
    one, two = Parameter(0x8008, b"\x82\xc0\x40"), Parameter(0xC000)
    assert int.from_bytes(sctp.Init(1, 2, 3, 4, 5, (two, one)).serialize()[2:4], "big") == 20 + 4 + 7
    assert int.from_bytes(sctp.Init(1, 2, 3, 4, 5, (one, two)).serialize()[2:4], "big") == 20 + 8 + 4
    assert int.from_bytes(sctp.Reconfig((OutgoingReset(1, 2, 3, (4,)),)).serialize()[2:4], "big") == 22
    assert len(sctp.Reconfig((OutgoingReset(1, 2, 3, (4,)),)).serialize()) == 24


def test_a_given_checksum_is_written_as_it_stands() -> None:
    packet = sctp.Packet(1, 2, 3, (sctp.CookieAck(),), checksum=0)
    assert packet.serialize()[8:12] == bytes(4)
    assert sctp.parse(packet.serialize()).checksum == 0


def test_raw_bytes_may_stand_among_the_chunks() -> None:
    raw = sctp.CookieAck().serialize()
    assert sctp.Packet(1, 2, 3, (raw,)).serialize() == sctp.Packet(1, 2, 3, (sctp.CookieAck(),)).serialize()


@pytest.mark.parametrize("length", [0, 1, 3, 9, 0xFFFF])
def test_a_chunk_length_that_cannot_be_is_an_error(length: int) -> None:
    data = bytes(12) + b"\x0b\0" + length.to_bytes(2, "big") + bytes(4)
    with pytest.raises(DecodeError, match="says length") as caught:
        sctp.parse(data)
    assert caught.value.offset == 12


@pytest.mark.parametrize("chunk", CHUNKS, ids=lambda c: type(c).__name__)
def test_every_truncation_of_a_chunk_parses_or_is_a_decode_error(chunk: sctp.Chunk) -> None:
    body = chunk.serialize()[4:]
    for size in range(len(body)):
        try:
            sctp.parse_chunk(chunk.type, 0, body[:size])
        except DecodeError:
            continue


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_are_a_decode_error(data: bytes) -> None:
    try:
        packet = sctp.parse(data)
    except DecodeError:
        return
    assert sctp.parse(packet.serialize()).chunks == packet.chunks


@given(st.sampled_from(CHUNKS), st.data())
def test_a_mutated_chunk_parses_or_is_a_decode_error(chunk: sctp.Chunk, draw: st.DataObject) -> None:
    data = bytearray(sctp.Packet(1, 2, 3, (chunk, sctp.CookieAck())).serialize())
    for _ in range(draw.draw(st.integers(1, 4))):
        data[draw.draw(st.integers(12, len(data) - 1))] = draw.draw(st.integers(0, 255))
    try:
        sctp.parse(bytes(data))
    except DecodeError:
        return


def test_the_cookie_of_an_init_ack() -> None:
    assert sctp.InitAck(1, 2, 3, 4, 5, (Parameter(7, b"c"),)).cookie == b"c"
    assert sctp.InitAck(1, 2, 3, 4, 5).cookie is None


def test_a_heartbeat_without_information_is_an_error() -> None:
    with pytest.raises(DecodeError, match="Heartbeat Info"):
        sctp.parse_chunk(sctp.ChunkType.HEARTBEAT, 0, b"")


def test_a_reconfig_without_a_parameter_is_an_error() -> None:
    with pytest.raises(DecodeError, match="without a parameter"):
        sctp.parse_chunk(sctp.ChunkType.RECONFIG, 0, b"")


def test_a_sack_that_announces_more_blocks_than_it_has_is_an_error() -> None:
    with pytest.raises(DecodeError, match="too short"):
        sctp.parse_chunk(sctp.ChunkType.SACK, 0, bytes(8) + b"\0\1\0\0")
