"""Reading the session: data sections, directions, candidates gathered, numbers that stay."""

from __future__ import annotations

import pytest

from peer import sdp
from peer.jsep import Direction, HeaderExtension, IceCredentials
from peer.jsep.session import (
    ExtensionIds,
    bundles,
    credentials_in,
    direction_of,
    gathered,
    is_data,
    is_rejected,
    last_answer,
    media_at,
)
from peer.jsep.write import NO_CANDIDATE

from .party import Party, connected


@pytest.mark.parametrize(
    ("line", "data"),
    [
        ("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", True),
        ("m=application 9 TCP/DTLS/SCTP webrtc-datachannel", True),
        ("m=application 9 DTLS/SCTP 5000", True),
        ("m=application 9 UDP/DTLS/SCTP bfcp", False),
        ("m=application 9 TCP/TLS/BFCP *", False),
        ("m=audio 9 UDP/TLS/RTP/SAVPF 0", False),
    ],
)
def test_data_sections(line: str, data: bool) -> None:
    assert is_data(sdp.Media((line,))) is data


def test_port_zero_rejects_unless_bundle_only() -> None:
    assert is_rejected(sdp.Media(("m=audio 0 RTP/AVP 0",)))
    assert not is_rejected(sdp.Media(("m=audio 0 RTP/AVP 0", "a=bundle-only")))


def test_nothing_said_yet() -> None:
    state = Party().state
    assert last_answer(state) is None
    assert media_at(None, 0) is None
    assert credentials_in(None) == frozenset()
    assert gathered(state, "0", IceCredentials("a", "b")).address == NO_CANDIDATE


def test_the_last_answer_is_whoevers() -> None:
    one, other = connected()
    assert one.state.current_remote is not None
    assert other.state.current_local is not None
    assert last_answer(one.state) is one.state.current_remote.model
    assert last_answer(other.state) is other.state.current_local.model


def test_directions_default_to_sendrecv() -> None:
    media = sdp.Media(("m=audio 9 RTP/AVP 0",))
    assert direction_of(sdp.SessionDescription(sdp.Block(()), (media,)), media) is Direction.SENDRECV
    session = sdp.Block(("a=inactive",))
    assert direction_of(sdp.SessionDescription(session, (media,)), media) is Direction.INACTIVE


def test_extension_ids_are_unique() -> None:
    ids = ExtensionIds({"urn:a": 1})
    assert ids.assign(HeaderExtension("urn:a", 5)).id == 1
    assert ids.assign(HeaderExtension("urn:b", 1)).id == 2
    assert ids.assign(HeaderExtension("urn:c", 9)).id == 9
    full = ExtensionIds({f"urn:{number}": number for number in range(1, 15)})
    assert full.assign(HeaderExtension("urn:x", 3)).id == 16


@pytest.mark.parametrize(
    ("old", "new", "groups"),
    [
        ("", "", [("0", "1")]),
        ("BUNDLE 0 1", "BUNDLE 0 1 9", []),
        ("BUNDLE 0 1", "BUNDLE 0 9\r\na=group:BUNDLE 0 1", [("0", "1")]),
        ("a=mid:1\r\n", "", []),
    ],
)
def test_a_bundle_names_sections_that_are_there(old: str, new: str, groups: list[tuple[str, ...]]) -> None:
    """RFC 5888 section 6."""
    party = Party()
    party.add("audio")
    party.add("video")
    assert bundles(sdp.parse(party.create_offer().replace(old, new))) == groups
