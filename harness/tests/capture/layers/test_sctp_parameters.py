"""The parameters of SCTP chunks; `test_sctp` builds them into chunks."""

from __future__ import annotations

import pytest

from harness.capture.layers import sctp_parameters as parameters
from harness.capture.layers.base import rebuilt
from harness.capture.layers.sctp import ReConfig, chunk


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("000d 0012 00000001 00000002 00000003 0005 0000", parameters.OutgoingReset),
        ("000d 0010 00000001 00000002 00000003", parameters.OutgoingReset),
        ("000d 000c 00000001 00000002", parameters.Parameter),
        ("000e 0008 00000001", parameters.IncomingReset),
        ("000f 0008 00000001", parameters.TsnReset),
        ("000f 000c 00000001 00000001", parameters.Parameter),
        ("0010 000c 00000001 00000006", parameters.ReconfigResponse),
        ("0011 000c 00000001 0002 0000", parameters.AddOutgoingStreams),
        ("8008 0007 8240c0 00", parameters.SupportedExtensions),
        ("c000 0004", parameters.ForwardTsnSupported),
        ("8001 0008 00000001", parameters.ZeroChecksum),
        ("1234 0005 61 000000", parameters.Parameter),
        ("000d 00ff 00000001", parameters.Parameter),
    ],
)
def test_a_parameter_that_fits_its_type_is_dissected_and_any_other_keeps_its_bytes(value: str, expected: type) -> None:
    data = bytes.fromhex(value.replace(" ", ""))
    whole = b"\x82\0" + (4 + len(data)).to_bytes(2, "big") + data
    read = chunk(whole)
    assert isinstance(read, ReConfig)
    assert type(read.parameters[0]) is expected
    assert rebuilt(read.parameters[0])[: len(data)] == data


def test_lengths_are_padded_to_four_bytes() -> None:
    assert [parameters.padded(length) for length in range(6)] == [0, 4, 4, 4, 4, 8]
