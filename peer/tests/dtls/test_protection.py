from __future__ import annotations

from peer.dtls.protection import NullOpener
from peer.wire.dtls_parameters import DTLS12
from peer.wire.dtls_record import ContentType, Record


def test_in_clear_only_exact_doubles_are_dropped() -> None:
    """Firefox gives its ServerHello the number of a repeated HelloRetryRequest."""
    opener = NullOpener()
    retry, hello = (Record(ContentType.HANDSHAKE, DTLS12, 0, 1, fragment) for fragment in (b"retry", b"hello"))
    for record in (retry, hello):
        assert opener.open(record) == (ContentType.HANDSHAKE, 1, record.fragment)
        assert opener.open(record) is None
