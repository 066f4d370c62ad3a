"""peer.wire.sctp_tlv: parameters, causes, re-configuration parameters."""

import pytest

from peer.errors import DecodeError
from peer.wire import sctp_tlv as tlv

RECONFIGURATIONS = [
    tlv.OutgoingReset(1, 2, 3, (4, 5, 6)),
    tlv.OutgoingReset(0xFFFFFFFF, 0, 0xFFFFFFFF),
    tlv.IncomingReset(7, (1,)),
    tlv.IncomingReset(7),
    tlv.TsnReset(9),
    tlv.ReconfigurationResponse(1, tlv.ReconfigurationResult.PERFORMED),
    tlv.ReconfigurationResponse(1, 1, 100, 200),
    tlv.AddOutgoingStreams(5, 65_000),
    tlv.AddIncomingStreams(6, 1),
    tlv.UnknownReconfiguration(0x1234, b"abc"),
]


@pytest.mark.parametrize("parameter", RECONFIGURATIONS, ids=lambda p: type(p).__name__)
def test_a_reconfiguration_parameter_comes_back_as_it_was_said(parameter: tlv.Reconfiguration) -> None:
    assert tlv.pull_reconfigurations(parameter.serialize()) == (parameter,)


def test_an_outgoing_reset_has_the_bytes_of_rfc_6525_figure_4_1() -> None:
    assert tlv.OutgoingReset(1, 2, 3, (4,)).serialize().hex() == "000d001200000001000000020000000300040000"


def test_parameters_are_padded_and_the_padding_is_not_counted() -> None:
    parameters = (tlv.Parameter(0x8008, b"\x82\xc0\x40"), tlv.Parameter(0xC000), tlv.Parameter(7, b"cookie"))
    data = b"".join(p.serialize() for p in parameters)
    assert len(data) % 4 == 0
    assert tlv.pull_parameters(data) == parameters


def test_the_last_parameters_padding_may_be_missing() -> None:
    data = tlv.Parameter(0x8008, b"\x82\xc0\x40").serialize()
    assert tlv.pull_parameters(data[:7]) == tlv.pull_parameters(data)


@pytest.mark.parametrize("length", [0, 1, 3])
def test_a_parameter_of_length_below_four_is_an_error_and_no_loop(length: int) -> None:
    with pytest.raises(DecodeError, match="says length"):
        tlv.pull_parameters(b"\x80\x08" + length.to_bytes(2, "big") + bytes(8))


@pytest.mark.parametrize("data", [b"\x00\x07\x00\x09abcd", b"\x00\x07\x00", b"\x00\x07\x00\x04\x01"])
def test_a_parameter_that_goes_beyond_the_end_is_an_error(data: bytes) -> None:
    with pytest.raises(DecodeError):
        tlv.pull_parameters(data)


@pytest.mark.parametrize("parameter", RECONFIGURATIONS[:-1], ids=lambda p: type(p).__name__)
def test_a_reconfiguration_parameter_without_its_fixed_fields_is_an_error(parameter: tlv.Reconfiguration) -> None:
    data = parameter.serialize()
    with pytest.raises(DecodeError, match="too short"):
        tlv.pull_reconfigurations(data[:2] + b"\0\4")


def test_an_odd_list_of_streams_is_an_error() -> None:
    with pytest.raises(DecodeError, match="odd"):
        tlv.pull_reconfigurations(tlv.push_tlv(13, bytes(13)))


def test_causes_come_back_as_they_were_said() -> None:
    causes = (tlv.Cause(tlv.CauseCode.INVALID_STREAM, b"\0\1\0\0"), tlv.Cause(99, b"x"))
    assert tlv.pull_causes(b"".join(c.serialize() for c in causes)) == causes
