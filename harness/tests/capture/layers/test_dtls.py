"""DTLS records as scapy layers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from scapy.packet import Raw

from harness.capture.kinds import Kind
from harness.capture.layers import dtls
from harness.capture.layers.base import read
from harness.capture.layers.dtls import DTLS, Ciphertext, HandshakeFragment, Plaintext
from harness.tests.capture.layers.roundtrip import same_after_dissection
from harness.tests.capture.recorded import NAMES, shared

short, byte = st.integers(0, 65535), st.integers(0, 255)
fragments = st.builds(
    HandshakeFragment,
    type=st.sampled_from(sorted(dtls.HANDSHAKE_TYPES)),
    length=st.integers(0, 2**24 - 1),
    message_seq=short,
    fragment_offset=st.integers(0, 2**24 - 1),
    body=st.binary(max_size=30),
)
in_clear = st.one_of(
    st.builds(
        Plaintext,
        type=st.just(22),
        sequence=st.integers(0, 2**48 - 1),
        body=st.lists(fragments, min_size=1, max_size=3),
    ),
    st.builds(
        lambda level, description: Plaintext(type=21, body=[dtls.Alert(level=level, description=description)]),
        byte,
        byte,
    ),
    st.just(Plaintext(type=20, body=[dtls.ChangeCipherSpec()])),
    st.builds(
        lambda numbers: Plaintext(
            type=26, body=[dtls.ACK(records=[dtls.RecordNumber(epoch=a, sequence=b) for a, b in numbers])]
        ),
        st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)), max_size=4),
    ),
)
protected = st.one_of(
    st.builds(
        lambda kind, epoch, body: Plaintext(type=kind, epoch=epoch, body=[Raw(body)]),
        st.integers(20, 26),
        st.integers(1, 65535),
        st.binary(min_size=1, max_size=40),
    ),
    st.builds(
        Ciphertext,
        long_sequence=st.just(1),
        epoch_bits=st.integers(0, 3),
        sequence_bits=short,
        body=st.binary(min_size=2, max_size=40),
    ),
    st.builds(
        Ciphertext,
        long_sequence=st.just(0),
        epoch_bits=st.integers(0, 3),
        sequence_bits=byte,
        body=st.binary(min_size=2, max_size=40),
    ),
)


@given(st.lists(st.one_of(in_clear, protected), min_size=1, max_size=4))
def test_any_records_survive_the_round_trip(records: list[Plaintext | Ciphertext]) -> None:
    datagram = same_after_dissection(DTLS(records=records), DTLS)
    assert [type(each) for each in datagram.records] == [type(each) for each in records]
    for found, built in zip(datagram.records, records, strict=True):
        if isinstance(built, Plaintext):
            assert [type(each) for each in found.body] == [type(each) for each in built.body]


def test_a_last_record_without_a_length_takes_the_rest() -> None:
    datagram = DTLS(bytes(DTLS(records=[Ciphertext(has_length=0, body=b"sealed bytes")])))
    assert datagram.records[0].body == b"sealed bytes"


def test_a_body_that_does_not_fit_its_content_type_keeps_its_bytes() -> None:
    for kind, body in ((22, b"short"), (21, b"abc"), (20, b"ab"), (26, b"\x00\x10abc")):
        datagram = DTLS(bytes(DTLS(records=[Plaintext(type=kind, body=[Raw(body)])])))
        assert isinstance(datagram.records[0].body[0], Raw)


@given(st.binary(max_size=80))
def test_any_bytes_are_dissected(data: bytes) -> None:
    read(DTLS, data).show(dump=True)
    read(DTLS, b"\x16\xfe\xfd" + data).show(dump=True)


def test_real_datagrams_are_rebuilt_byte_for_byte() -> None:
    seen = 0
    for name in NAMES:
        for frame in shared(name).frames:
            if frame.kind is Kind.DTLS:
                same_after_dissection(DTLS(frame.payload), DTLS)
                seen += 1
    assert seen > 80
