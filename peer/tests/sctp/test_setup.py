"""peer.sctp.setup: cookies, offers, and Table 12 of RFC 9260 section 5.2.4."""

from dataclasses import replace

import pytest

from peer.sctp import Config
from peer.sctp.setup import Cookie, CookieJar, Meaning, Offer, judge, offer_of, own_offer, parameters, unrecognized
from peer.wire.sctp_tlv import Parameter, ParameterType

COOKIE = Cookie(1.5, 1, 2, 0, 0, 3, 4, 5, 6, 7, Offer(True, False, True, False))


def test_a_sealed_cookie_comes_back_whole() -> None:
    jar = CookieJar(b"key")
    assert jar.open(jar.seal(COOKIE)) == COOKIE


def test_nobody_else_can_make_or_change_a_cookie() -> None:
    sealed = CookieJar(b"key").seal(COOKIE)
    assert CookieJar(b"other").open(sealed) is None
    for i in range(len(sealed)):
        assert CookieJar(b"key").open(sealed[:i] + bytes([sealed[i] ^ 1]) + sealed[i + 1 :]) is None
        assert CookieJar(b"key").open(sealed[:i]) is None


@pytest.mark.parametrize(
    "config",
    [
        Config(),
        Config(interleaving=True),
        Config(partial_reliability=False, reconfiguration=False, zero_checksum=False),
    ],
)
def test_what_is_offered_is_understood(config: Config) -> None:
    assert offer_of(parameters(config)) == own_offer(config)


def test_zero_checksum_is_the_other_sides_to_allow() -> None:
    own, other = Offer(zero_checksum=False), Offer(zero_checksum=True)
    assert own.common(other).zero_checksum
    assert not other.common(own).zero_checksum


def test_another_error_detection_method_than_dtls_is_not_ours() -> None:
    said = (Parameter(ParameterType.ZERO_CHECKSUM_ACCEPTABLE, b"\0\0\0\2"),)
    assert not offer_of(said).zero_checksum


def test_partial_reliability_with_i_data_needs_i_forward_tsn() -> None:
    said = (Parameter(ParameterType.FORWARD_TSN_SUPPORTED), Parameter(ParameterType.SUPPORTED_EXTENSIONS, b"\x40\xc0"))
    assert not offer_of(said).partial_reliability


@pytest.mark.parametrize(
    ("local", "peer", "cookie_ties", "known_peer", "meaning"),
    [
        ("X", "X", (8, 9), 2, Meaning.RESTART),
        ("M", "X", (0, 0), 2, Meaning.COLLISION),
        ("M", "X", (8, 9), 2, Meaning.COLLISION),
        ("M", "0", (0, 0), 0, Meaning.COLLISION),
        ("X", "M", (0, 0), 2, Meaning.LATE),
        ("M", "M", (0, 0), 2, Meaning.DUPLICATE),
        ("M", "M", (8, 9), 2, Meaning.DUPLICATE),
        ("X", "X", (8, 8), 2, Meaning.NONE),
        ("X", "X", (0, 0), 2, Meaning.NONE),
        ("X", "M", (8, 9), 2, Meaning.NONE),
        ("X", "0", (0, 0), 0, Meaning.NONE),
    ],
)
def test_table_12(local: str, peer: str, cookie_ties: tuple[int, int], known_peer: int, meaning: Meaning) -> None:
    cookie = replace(
        COOKIE,
        local_tag=1 if local == "M" else 77,
        peer_tag=2 if peer != "X" else 99,
        local_tie=cookie_ties[0],
        peer_tie=cookie_ties[1],
    )
    assert judge(cookie, 1, known_peer, (8, 9)) is meaning


def test_parameters_after_one_that_stops_are_not_looked_at() -> None:
    known, stop = Parameter(ParameterType.FORWARD_TSN_SUPPORTED), Parameter(0x0123)
    assert unrecognized((stop, known)) == ((), ())
    assert unrecognized((known, stop)) == ((known,), ())
