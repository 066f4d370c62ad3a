"""The fault that turns each case of this folder red; see cases/planting.py."""

from __future__ import annotations

from dataclasses import replace

from cases.bending import dropped, each
from cases.planting import Fault, also_sends, hello, instead, patched, planted
from peer.api import Seams
from peer.wire import dtls_handshake, dtls_handshake12

__all__ = ["FAULTS"]

ESTABLISHMENT = "cases/dtls/test_rfc5763_5_establishment.py::test_"

FAULTS = {
    **planted(
        ESTABLISHMENT,
        sanity_the_endpoints_shake_hands=Fault(Seams(dtls_handshake=dropped(dtls_handshake.ClientHello))),
        the_offerer_says_actpass=instead("a=setup:actpass", "a=setup:passive"),
        the_answerer_takes_a_role=instead("a=setup:active", "a=setup:actpass"),
        the_active_side_sends_the_client_hello=Fault(Seams(dtls_handshake=dropped(dtls_handshake.ClientHello))),
        there_is_no_connection_attribute=instead("a=setup:actpass", "a=setup:actpass\r\na=connection:new"),
        the_fingerprint_is_that_of_the_certificate=Fault(
            Seams(
                dtls_handshake=each(
                    dtls_handshake12.CertificateList, lambda one: (replace(one, certificates=(b"\x30\x00",)),)
                )
            )
        ),
        a_certificate_that_is_not_the_announced_one_ends_it=patched(
            "peer.dtls.conversation.is_vouched_for", lambda *_: True
        ),
        all_candidate_pairs_carry_one_association=Fault(
            Seams(dtls_handshake=each(dtls_handshake.ClientHello, lambda one: (one, one, one)))
        ),
        the_client_offers_srtp_profiles=Fault(Seams(dtls={"srtp_profiles": ()})),
        the_server_selects_an_offered_profile=Fault(
            Seams(dtls_handshake=each(dtls_handshake.ServerHello, lambda one: (replace(one, extensions=()),)))
        ),
        the_mandatory_suite_is_negotiated_when_it_alone_is_there=hello(
            lambda one: replace(one, cipher_suites=(0xC02C,))
        ),
        no_compression_is_offered=hello(lambda one: replace(one, compression_methods=b"\x00\x01")),
        the_handshake_goes_in_order=Fault(Seams(dtls_handshake=dropped(dtls_handshake.CertificateVerify))),
        no_media_travels_unprotected=also_sends(b"\x80\x60" + bytes(20)),
    ),
}
