"""When not seeing a message proves nothing."""

from __future__ import annotations

import pytest

from harness.capture.doubt import sealed
from harness.capture.match import datagram, dtls, rtp, sctp, stun
from harness.capture.matcher import Matcher
from harness.tests.capture.recorded import MEDIA_12, load, shared


@pytest.mark.parametrize("matcher", [sctp.init(), dtls.finished(), rtp.nack(), stun.error(), datagram.containing(b"x")])
def test_where_everything_was_opened_there_is_no_doubt(matcher: Matcher) -> None:
    recording = shared(MEDIA_12)
    assert sealed(matcher, recording.frames, recording.items()) == ""


@pytest.mark.parametrize(
    ("matcher", "words"),
    [
        (sctp.init(), "23 DTLS records"),
        (sctp.init().sent_by("offerer"), "DTLS records"),
        (rtp.nack(), "75 RTCP packets"),
        (dtls.finished(), "DTLS records"),
        (dtls.handshake("CertificateVerify"), "DTLS records"),
        (dtls.handshake("ServerKeyExchange"), ""),
        (dtls.client_hello(), ""),
        (dtls.anything(), ""),
        (rtp.packet(), ""),
        (stun.error(), ""),
        (sctp.init().sent_by("nobody"), ""),
    ],
)
def test_without_secrets_what_travels_inside_is_in_doubt(matcher: Matcher, words: str) -> None:
    recording = load(MEDIA_12)
    recording.keylog._secrets.clear()
    recording.keylog.generation += 1
    reason = sealed(matcher, recording.frames, recording.items())
    assert words in reason
    assert bool(reason) is bool(words)
