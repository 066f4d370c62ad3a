"""One line of words a frame."""

from __future__ import annotations

import pytest

from harness.capture.describe import describe, describe_frame
from harness.capture.items import Item, Part
from harness.capture.layers import rtcp, sctp
from harness.tests.capture.recorded import DATA_12, DATA_13, shared


@pytest.mark.parametrize(
    ("session", "number", "words"),
    [
        (DATA_12, 2, "STUN Binding success response XOR-MAPPED-ADDRESS=192.0.2.2:37297"),
        (DATA_12, 8, "ChangeCipherSpec, Finished"),
        (DATA_12, 17, "DATA_CHANNEL_OPEN stream=1 label='hé'"),
        (DATA_12, 22, "SACK to 228238730, DATA tsn=3103093495 stream=1 ssn=1 string 5 bytes"),
        (DATA_12, 49, "alert close_notify"),
        (DATA_13, 3, "ClientHello [bytes 0..1175 of 1413]"),
        (DATA_13, 10, "ClientHello (again)"),
        (DATA_13, 14, "ACK"),
    ],
)
def test_frames_of_real_sessions(session: str, number: int, words: str) -> None:
    assert describe_frame(shared(session).items()[number - 1]) == words


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (Item(Part.STUN, 1, b"\0\1"), "malformed stun (2 bytes)"),
        (Item(Part.CLOSED, 23, b"\x17abc", protected=True), "DTLS protected application data (3 bytes)"),
        (Item(Part.CLOSED, 0, b"\0abc", protected=True), "DTLS protected record (3 bytes)"),
        (
            Item(Part.CHUNK, 0, bytes(sctp.Data(beginning=1, ending=0, ppid=99, data=b"x"))),
            "DATA first tsn=0 stream=0 ssn=0 ppid=99 1 bytes",
        ),
        (
            Item(Part.CHUNK, 64, bytes(sctp.IData(beginning=0, ending=1, ppid_or_fsn=2, mid=4, data=b"xy"))),
            "I-DATA last tsn=0 stream=0 mid=4 fsn=2 2 bytes",
        ),
        (Item(Part.CHUNK, 64, bytes(sctp.IData(data=b"xy"))), "I-DATA tsn=0 stream=0 mid=0 binary 2 bytes"),
        (Item(Part.CHUNK, 3, bytes(sctp.Sack(gaps=[sctp.GapBlock()]))), "SACK to 0, 1 gaps"),
        (Item(Part.CHUNK, 6, bytes(sctp.Abort(parameters=[sctp.Cause(type=12)]))), "ABORT (User-Initiated Abort)"),
        (Item(Part.CHUNK, 6, bytes(sctp.Abort())), "ABORT"),
        (
            Item(Part.CHUNK, 130, bytes(sctp.ReConfig(parameters=[sctp.OutgoingReset(streams=[1, 3])]))),
            "RE-CONFIG reset [1, 3]",
        ),
        (
            Item(Part.CHUNK, 130, bytes(sctp.ReConfig(parameters=[sctp.ReconfigResponse(result=2)]))),
            "RE-CONFIG response: Denied",
        ),
        (Item(Part.CHUNK, 192, bytes(sctp.ForwardTsn(cumulative_tsn=9))), "FORWARD TSN to 9"),
        (Item(Part.CHUNK, 77, b"\x4d\0\0\4"), "chunk 77"),
        (Item(Part.RTCP_PACKET, 205, bytes(rtcp.Nack())), "RTCP NACK"),
        (Item(Part.RTCP, 200, b"\x80\xc8\0\1"), "RTCP SR"),
        (Item(Part.CHANNEL_DATA, 0x4001, b"\x40\1\0\2ab"), "TURN ChannelData 0x4001 (2 bytes)"),
        (Item(Part.HANDSHAKE, 99, b"\x63"), "handshake message 99"),
        (Item(Part.ALERT, 99, b"\2\x63"), "alert 99"),
        (Item(Part.DCEP, 9, b"\x09"), "DCEP message 9"),
    ],
)
def test_single_messages(item: Item, words: str) -> None:
    assert describe(item) == words


def test_a_frame_of_nothing_is_empty() -> None:
    assert describe_frame([]) == "empty"
