"""The SCTP transport: W3C steps 7, 8 and 10, RFC 8841."""

from __future__ import annotations

import pytest

from peer import sdp
from peer.jsep import DtlsRole, Side
from peer.jsep import effects as fx

from .party import changed, connected, negotiate, pair, without


def test_an_offer_makes_the_transport_on_both_sides() -> None:
    one, other = pair()
    offer = one.data().offer()
    made = one.one(fx.SctpTransportCreated)
    assert one.state.sctp is not None
    assert (made.key, made.transport) == (one.state.sctp.key, one.state.sections[0].transport)
    other.hear("offer", offer)
    assert other.one(fx.SctpTransportCreated)
    other.answer()
    assert other.all(fx.SctpTransportCreated) == []
    negotiated = other.one(fx.SctpNegotiated)
    assert (negotiated.local_port, negotiated.remote_port, negotiated.remote_max_message_size) == (5000, 5000, 262144)
    assert other.one(fx.ChannelIdsAssigned).role is DtlsRole.CLIENT


@pytest.mark.parametrize(
    ("line", "size"), [("a=max-message-size:0\r\n", 0), ("", 65536), ("a=max-message-size:7\r\n", 7)]
)
def test_the_max_message_size(line: str, size: int) -> None:
    """RFC 8841 section 6: without the attribute 65536, zero is any size."""
    one, other = pair()
    other.hear("offer", changed(one.data().offer(), "a=max-message-size:262144\r\n", line))
    other.answer()
    assert other.one(fx.MaxMessageSizeUpdated).remote_max_message_size == size


def test_a_second_round_changes_nothing() -> None:
    one, other = connected()
    negotiate(one, other)
    assert not one.all(fx.SctpNegotiated)
    assert not one.all(fx.MaxMessageSizeUpdated)


def test_a_new_remote_port_is_a_new_association() -> None:
    one, other = connected()
    other.hear("offer", one.offer())
    one.hear("answer", changed(other.answer(), "a=sctp-port:5000", "a=sctp-port:6000"))
    assert one.one(fx.SctpNegotiated).remote_port == 6000


@pytest.mark.parametrize(("number", "port"), [("5001", 5001), ("99999", 5000), ("webrtc-datachannel", 5000)])
def test_the_sctpmap_of_older_endpoints(number: str, port: int) -> None:
    one, other = pair()
    text = changed(one.data().offer(), "UDP/DTLS/SCTP webrtc-datachannel", f"DTLS/SCTP {number}")
    other.hear("offer", changed(text, "a=sctp-port:5000", "a=sctpmap:5000 webrtc-datachannel 1024"))
    answer = sdp.parse(other.answer())
    assert answer.media[0].proto == "DTLS/SCTP"
    assert other.one(fx.SctpNegotiated).remote_port == port


def test_a_rejecting_answer_ends_it() -> None:
    one, other = connected("audio")
    other.hear("offer", one.offer())
    answer = changed(changed(other.answer(), "m=application 9", "m=application 0"), "BUNDLE 0 1", "BUNDLE 0")
    key = one.state.sctp.key if one.state.sctp else None
    one.hear("answer", answer)
    assert one.one(fx.SctpTransportRemoved).key == key
    assert one.state.sctp is None
    assert one.state.sections[1].rejected
    # a channel still wants its section: the rejected one is used again
    text = one.offer()
    assert [media.mid for media in sdp.parse(text).media] == ["0", "2"]
    assert one.state.sctp is not None


def test_an_answer_of_ours_moves_the_association_into_the_bundle() -> None:
    one, other = pair()
    one.add("audio")
    one.data().offer()
    assert one.state.sctp is not None
    before = one.state.sctp.transport
    other.hear("offer", one.state.last_created_offer)
    one.hear("answer", other.answer())
    assert one.state.sctp is not None
    assert one.state.sctp.transport == one.state.sections[0].transport != before


def test_an_offer_without_data_makes_none() -> None:
    one, other = pair()
    one.add("audio")
    other.hear("offer", one.offer())
    assert one.state.sctp is other.state.sctp is None
    other.set(Side.LOCAL, "answer", other.create_answer())
    assert other.all(fx.SctpTransportRemoved) == []


def test_no_port_no_association() -> None:
    one, other = pair()
    one.add("audio")
    one.data()
    other.hear("offer", one.offer())
    assert without(other.answer(), "a=sctp-port")
