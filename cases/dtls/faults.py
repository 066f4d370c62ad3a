"""The fault that turns each case of this folder red; see cases/planting.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cases.bending import changed, dropped, each
from cases.dtls.broken import (
    ANOTHER_ALERT,
    BELIEVES_CERTIFICATES,
    BELIEVES_NO_KEY,
    BELIEVES_SIGNATURES,
    CHOKES_ON_CHANGE_CIPHER_SPEC,
    IGNORES_ALERTS,
    NO_ACKS,
    NO_RENEGOTIATION_ALERT,
    NO_REPLAY_PROTECTION,
    NOT_A_WORD,
    ONLY_1_2,
    ONLY_1_3,
    accepts_any_cookie,
    and_a_byte_more,
    and_change_cipher_spec,
    around,
    believes_the_version,
    dies,
    dies_of_bad_records,
    dies_of_the_past,
    dies_of_what_comes_in_clear,
    dies_silently,
    dies_silently_as_client,
    dies_silently_of_bad_records,
    dies_silently_where,
    dies_where_it_is_none,
    falls_silent,
    first_piece_only,
    forgets_the_extended_master_secret,
    from_the_start_only,
    handles,
    ignores,
    in_a_small_buffer,
    keeps_reading_in_clear,
    knows_no_padding,
    lacks_extension,
    lacks_in_the_answer,
    listens_to_strangers,
    minds_another_hello,
    moves_the_window_first,
    overlooks_a_second_retry,
    reads_at_once,
    says_1_0_in_clear,
    skips_gaps,
    splits,
    wants_to_be_asked,
    wants_to_be_asked_in_1_2,
    whole_messages_only,
    with_a_share_more,
    with_mki,
    with_the_label_of_tls,
    with_the_old_version,
    without_cookie,
)
from cases.planting import Fault, also_sends, hello, instead, patched, planted
from peer.api import Seams
from peer.dtls import Fingerprint, NamedGroup
from peer.dtls.client12 import Client12
from peer.dtls.client13 import Client13
from peer.dtls.machine12 import Machine12
from peer.dtls.opening import ClientOpening
from peer.dtls.protection12 import GcmOpener
from peer.dtls.protection13 import Opener13
from peer.dtls.reassembly import Reassembler
from peer.dtls.records import RecordLayer
from peer.dtls.server12 import Server12
from peer.dtls.server13 import Server13
from peer.wire import dtls_handshake, dtls_handshake12
from peer.wire.dtls_extensions import ExtensionType
from peer.wire.dtls_handshake import ClientHello, HandshakeType, ServerHello
from peer.wire.dtls_record import ContentType

__all__ = ["FAULTS"]

ESTABLISHMENT = "cases/dtls/test_rfc5763_5_establishment.py::test_"
RECORDS = "cases/dtls/test_rfc9147_4_record_layer.py::test_"
HANDSHAKE = "cases/dtls/test_rfc9147_5_handshake.py::test_"
DTLS_1_2 = "cases/dtls/test_rfc6347_4_dtls12.py::test_"

HELLOS = "cases/dtls/test_rfc8446_4_hellos.py::test_"
AUTHENTICATION = "cases/dtls/test_rfc8446_4_authentication.py::test_"
HANDSHAKE_1_2 = "cases/dtls/test_rfc5246_7_handshake.py::test_"
ATTACKS = "cases/dtls/test_rfc9147_11_attacks.py::test_"
AFTER = "cases/dtls/test_rfc8446_6_after.py::test_"
FINGERPRINTS = "cases/dtls/test_rfc8122_5_fingerprints.py::test_"
NEGOTIATION = "cases/dtls/test_negotiation_of_each_parameter.py::test_"
DISORDER = "cases/dtls/test_rfc6347_4_disorder.py::test_"


def vouched_for_if(holds: Callable[[list[Fingerprint]], bool]) -> Fault:
    """Certificates are believed where the announced fingerprints are such."""
    return patched("peer.dtls.conversation.is_vouched_for", lambda _, fingerprints: holds(list(fingerprints)))


FAULTS = {
    **planted(
        FINGERPRINTS,
        sanity_a_fingerprint_of_sha_256=vouched_for_if(lambda _: False),
        a_stronger_hash_vouches_for_a_certificate=vouched_for_if(lambda these: these[0].algorithm == "sha-256"),
        fingerprints_of_one_certificate_by_two_hashes=vouched_for_if(lambda these: len(these) == 1),
        one_of_the_fingerprints_of_two_certificates_is_enough=vouched_for_if(lambda these: len(these) == 1),
        two_fingerprints_of_other_certificates_vouch_for_nothing=BELIEVES_CERTIFICATES,
        a_fingerprint_of_md5_vouches_for_nothing=BELIEVES_CERTIFICATES,
        the_fingerprint_is_of_sha_256_or_stronger=instead("a=fingerprint:sha-256", "a=fingerprint:md5"),
    ),
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
    **planted(
        RECORDS,
        sanity_dtls_1_3_is_negotiated=ONLY_1_2,
        plaintext_records_say_version_1_2=Fault(Seams(dtls_record=says_1_0_in_clear)),
        a_datagram_is_a_row_of_whole_records=Fault(Seams(datagram=and_a_byte_more)),
        a_record_of_an_unknown_type_is_dropped=patched("peer.dtls.records.RecordLayer._split", splits(dies)),
        application_data_in_clear_is_dropped=Fault(patch=keeps_reading_in_clear),
        a_record_too_short_for_its_number_is_dropped=around(Opener13, "open", dies_where_it_is_none),
        a_replayed_record_is_dropped=NO_REPLAY_PROTECTION,
        a_forged_record_leaves_the_window_alone=around(Opener13, "_open", moves_the_window_first),
        a_forged_record_is_dropped_without_an_alert=around(Opener13, "_open", dies_where_it_is_none),
        an_alert_in_clear_does_not_end_the_connection=Fault(patch=keeps_reading_in_clear),
    ),
    **planted(
        HANDSHAKE,
        sanity_each_side_may_be_the_client=ONLY_1_2,
        a_client_hello_keeps_the_old_fields_quiet=hello(lambda one: replace(one, session_id=bytes(32))),
        a_server_does_not_echo_the_session_id=Fault(
            Seams(dtls_handshake=changed(ServerHello, session_id=bytes(range(32))))
        ),
        nobody_sends_a_change_cipher_spec=Fault(Seams(dtls_record=and_change_cipher_spec)),
        a_legacy_cookie_is_refused=around(Server13, "_check_hello", lambda *_: None),
        a_client_brings_the_cookie_back=hello(without_cookie),
        a_client_makes_a_share_for_the_group_it_is_asked_for=Fault(Seams(dtls={"groups": (NamedGroup.x25519,)})),
        a_second_hello_retry_request_is_refused=around(Client13, "_handle_retry", overlooks_a_second_retry),
        an_invalid_cookie_is_refused=around(Server13, "handle_message", accepts_any_cookie),
        a_server_asks_for_no_cookie_in_the_old_way=Fault(
            Seams(
                dtls_handshake=each(
                    ServerHello, lambda one: (dtls_handshake12.HelloVerifyRequest(0xFEFD, b"cookie"), one)
                )
            )
        ),
        a_client_gets_along_with_a_server_of_1_2=ONLY_1_3,
        small_fragments_are_put_together=around(Reassembler, "receive", whole_messages_only),
        overlapping_fragments_are_put_together=around(Reassembler, "receive", first_piece_only),
        a_message_from_the_past_is_dropped=Fault(patch=dies_of_the_past),
        a_server_acknowledges_the_last_flight=NO_ACKS,
        a_key_update_is_acknowledged_and_the_old_keys_still_read=NO_ACKS,
        a_key_update_that_asks_for_one_gets_one=patched(
            "peer.dtls.machine13.Machine13.update_keys", lambda *_, request: None
        ),
        a_request_for_connection_ids_that_nobody_negotiated=ignores(HandshakeType.REQUEST_CONNECTION_ID),
        new_connection_ids_that_nobody_negotiated=ignores(HandshakeType.NEW_CONNECTION_ID),
    ),
    **planted(
        DTLS_1_2,
        sanity_dtls_1_2_is_negotiated=ONLY_1_3,
        a_client_brings_the_cookie_back_and_changes_nothing_else=hello(
            lambda one: replace(one, random=bytes(32)) if one.cookie else one
        ),
        a_client_answers_a_second_hello_verify_request=patched("peer.dtls.opening._MOST_COOKIES", 1),
        version_1_0_in_a_hello_verify_request_means_nothing=around(
            ClientOpening, "_handle_verify_request", believes_the_version
        ),
        small_fragments_are_put_together=around(Reassembler, "receive", whole_messages_only),
        overlapping_fragments_are_put_together=around(Reassembler, "receive", first_piece_only),
        a_message_from_the_past_is_dropped=Fault(patch=dies_of_the_past),
        a_replayed_record_is_dropped=NO_REPLAY_PROTECTION,
        a_forged_record_is_dropped=around(GcmOpener, "open", dies_where_it_is_none),
        application_data_in_clear_is_dropped=Fault(patch=keeps_reading_in_clear),
        a_server_refuses_a_renegotiation=NO_RENEGOTIATION_ALERT,
        a_client_refuses_a_renegotiation=NO_RENEGOTIATION_ALERT,
        a_client_refuses_an_mki_that_it_did_not_offer=patched(
            "peer.dtls.client12.selected_srtp_profile", lambda *_: None
        ),
        a_client_offers_no_mki=hello(with_mki),
    ),
    **planted(
        HELLOS,
        sanity_dtls_1_3_both_ways=ONLY_1_2,
        a_client_refuses_a_suite_that_it_did_not_offer=ANOTHER_ALERT,
        a_client_refuses_another_session_id=ANOTHER_ALERT,
        a_client_refuses_a_compression=ANOTHER_ALERT,
        a_client_refuses_a_version_that_it_did_not_offer=ANOTHER_ALERT,
        a_client_refuses_an_old_version_in_supported_versions=ANOTHER_ALERT,
        a_client_notices_that_it_was_downgraded=patched("peer.dtls.opening.DOWNGRADE_SENTINELS", ()),
        a_client_notices_that_it_was_downgraded_further=patched("peer.dtls.opening.DOWNGRADE_SENTINELS", ()),
        a_client_refuses_a_share_of_another_group=ANOTHER_ALERT,
        a_client_refuses_a_share_of_the_wrong_length=ANOTHER_ALERT,
        a_client_refuses_a_share_that_makes_a_secret_of_zeros=ANOTHER_ALERT,
        a_client_refuses_a_point_that_is_not_on_the_curve=ANOTHER_ALERT,
        a_client_refuses_a_hybrid_share_without_its_classical_half=ANOTHER_ALERT,
        a_client_misses_the_key_share=ANOTHER_ALERT,
        a_client_refuses_an_extension_that_it_did_not_offer=ANOTHER_ALERT,
        a_client_refuses_an_extension_in_the_hello_that_it_did_not_offer=ANOTHER_ALERT,
        a_client_refuses_an_extension_in_the_wrong_message=ANOTHER_ALERT,
        a_client_refuses_an_extension_twice=ANOTHER_ALERT,
        a_client_refuses_a_server_hello_with_a_byte_too_much=ANOTHER_ALERT,
        a_client_refuses_to_repeat_a_share=ANOTHER_ALERT,
        a_client_refuses_a_group_that_it_did_not_offer=ANOTHER_ALERT,
        a_client_refuses_a_retry_that_changes_nothing=ANOTHER_ALERT,
        a_client_refuses_a_strange_extension_in_a_retry=ANOTHER_ALERT,
        a_client_refuses_another_suite_than_the_retry_said=ANOTHER_ALERT,
        a_client_refuses_another_group_than_the_retry_said=ANOTHER_ALERT,
        a_client_replaces_its_shares_by_the_one_asked_for=hello(with_a_share_more),
        a_server_refuses_a_compression=ANOTHER_ALERT,
        a_server_misses_the_key_share=ANOTHER_ALERT,
        a_server_misses_the_groups=ANOTHER_ALERT,
        a_server_misses_the_signature_algorithms=ANOTHER_ALERT,
        a_server_refuses_groups_that_it_has_not=ANOTHER_ALERT,
        a_server_refuses_suites_that_it_has_not=ANOTHER_ALERT,
        a_server_refuses_signature_schemes_that_it_has_not=ANOTHER_ALERT,
        a_server_refuses_a_share_of_the_wrong_length=ANOTHER_ALERT,
        a_server_refuses_a_share_that_makes_a_secret_of_zeros=ANOTHER_ALERT,
        a_server_refuses_a_point_that_is_not_on_the_curve=ANOTHER_ALERT,
        a_server_refuses_a_hybrid_share_without_its_classical_half=ANOTHER_ALERT,
        a_server_refuses_a_client_hello_with_a_byte_too_much=ANOTHER_ALERT,
        a_server_refuses_an_extension_twice=ANOTHER_ALERT,
        a_server_ignores_what_it_does_not_know=around(Server13, "_check_hello", dies),
        a_server_takes_1_2_out_of_supported_versions=Fault(
            Seams(dtls_handshake=each(ServerHello, with_the_old_version))
        ),
        a_server_that_knows_1_3_marks_its_random_in_1_2=patched("peer.dtls.server12.DOWNGRADE_SENTINEL", bytes(8)),
        a_server_asks_for_a_share_that_it_can_use=around(Server13, "_say_retry", dies),
        a_server_refuses_a_second_hello_without_the_share=ANOTHER_ALERT,
    ),
    **planted(
        AUTHENTICATION,
        sanity_both_sides_have_certificates=Fault(Seams(dtls={"request_client_certificate": False})),
        a_client_refuses_an_empty_certificate=ANOTHER_ALERT,
        a_client_refuses_a_certificate_that_is_none=ANOTHER_ALERT,
        a_client_refuses_a_certificate_of_another_fingerprint=BELIEVES_CERTIFICATES,
        a_client_verifies_the_signature=BELIEVES_SIGNATURES,
        a_client_refuses_a_signature_scheme_that_it_did_not_offer=ANOTHER_ALERT,
        a_client_refuses_a_signature_with_sha_1=ANOTHER_ALERT,
        a_client_refuses_a_scheme_that_does_not_fit_the_key=ANOTHER_ALERT,
        a_client_refuses_a_certificate_without_its_signature=ANOTHER_ALERT,
        a_client_refuses_a_server_without_a_certificate=ANOTHER_ALERT,
        a_client_refuses_a_flight_without_encrypted_extensions=ANOTHER_ALERT,
        a_client_refuses_a_certificate_request_before_the_extensions=ANOTHER_ALERT,
        a_client_misses_the_algorithms_of_a_certificate_request=ANOTHER_ALERT,
        a_client_ignores_a_strange_extension_in_a_certificate_request=around(Client13, "say_certificate", dies),
        a_client_gets_along_without_a_certificate_request=around(Client13, "check_certificate", wants_to_be_asked),
        a_client_refuses_a_strange_extension_in_a_certificate=ANOTHER_ALERT,
        a_client_verifies_finished=ANOTHER_ALERT,
        a_client_refuses_encrypted_extensions_with_a_byte_too_much=ANOTHER_ALERT,
        a_client_refuses_a_key_update_before_finished=ANOTHER_ALERT,
        a_client_refuses_an_end_of_early_data=ANOTHER_ALERT,
        a_client_refuses_a_message_that_does_not_exist=ANOTHER_ALERT,
        a_client_refuses_an_srtp_profile_that_it_did_not_offer=ANOTHER_ALERT,
        a_client_refuses_two_srtp_profiles=ANOTHER_ALERT,
        a_server_verifies_the_signature=BELIEVES_SIGNATURES,
        a_server_refuses_a_signature_scheme_that_it_did_not_ask_for=ANOTHER_ALERT,
        a_server_refuses_a_signature_with_sha_1=ANOTHER_ALERT,
        a_server_refuses_a_certificate_without_its_signature=ANOTHER_ALERT,
        a_server_refuses_a_client_that_leaves_its_certificate_out=ANOTHER_ALERT,
        a_server_refuses_a_client_without_a_certificate=ANOTHER_ALERT,
        a_server_refuses_a_certificate_of_another_fingerprint=BELIEVES_CERTIFICATES,
        a_server_refuses_a_certificate_with_a_context=ANOTHER_ALERT,
        a_server_verifies_finished=ANOTHER_ALERT,
        a_server_refuses_a_finished_cut_short=ANOTHER_ALERT,
        a_server_refuses_a_key_update_before_finished=ANOTHER_ALERT,
        a_server_refuses_a_ticket_from_a_client=ANOTHER_ALERT,
    ),
    **planted(
        AFTER,
        sanity_dtls_1_3_carries_messages=ONLY_1_2,
        a_key_update_that_asks_for_nonsense_is_refused=ANOTHER_ALERT,
        a_key_update_of_two_bytes_is_refused=ANOTHER_ALERT,
        a_certificate_request_after_the_handshake_is_refused=ANOTHER_ALERT,
        a_client_hello_under_keys_is_refused=ANOTHER_ALERT,
        a_finished_comes_once=ANOTHER_ALERT,
        a_server_gets_no_ticket=ANOTHER_ALERT,
        no_early_data_ends_after_the_handshake=ANOTHER_ALERT,
        a_message_that_does_not_exist_is_refused=ANOTHER_ALERT,
        a_ticket_is_acknowledged_whatever_it_carries=NO_ACKS,
        a_record_of_an_unknown_type_under_keys=NOT_A_WORD,
        a_change_cipher_spec_under_keys=handles(ContentType.CHANGE_CIPHER_SPEC, dies_silently),
        a_record_of_nothing_but_padding=NOT_A_WORD,
        an_empty_handshake_record=NOT_A_WORD,
        an_empty_alert_record=NOT_A_WORD,
        two_alerts_in_a_record=NOT_A_WORD,
        a_record_of_an_unknown_type_under_keys_to_a_server=NOT_A_WORD,
        padding_is_taken_off=around(Opener13, "_open", knows_no_padding),
        an_ack_for_what_was_never_sent=handles(ContentType.ACK, dies_silently),
        an_ack_that_ends_in_the_middle=NOT_A_WORD,
        an_ack_in_clear_is_dropped=Fault(patch=dies_of_what_comes_in_clear),
        a_fatal_alert_ends_the_connection=IGNORES_ALERTS,
        the_level_of_an_alert_means_nothing=IGNORES_ALERTS,
        an_unknown_alert_is_an_error=IGNORES_ALERTS,
        close_notify_closes_a_client=IGNORES_ALERTS,
        close_notify_closes_a_server=IGNORES_ALERTS,
    ),
    **planted(
        HANDSHAKE_1_2,
        sanity_dtls_1_2_with_certificates_on_both_sides=Fault(Seams(dtls={"request_client_certificate": False})),
        a_client_refuses_dtls_1_0=ANOTHER_ALERT,
        a_client_refuses_a_version_that_does_not_exist=ANOTHER_ALERT,
        a_client_refuses_a_suite_that_it_did_not_offer=ANOTHER_ALERT,
        a_client_refuses_a_suite_of_1_3=ANOTHER_ALERT,
        a_client_refuses_a_compression=ANOTHER_ALERT,
        a_client_refuses_an_extension_that_it_did_not_offer=ANOTHER_ALERT,
        a_client_refuses_an_extension_twice=ANOTHER_ALERT,
        a_client_refuses_a_server_hello_with_a_byte_too_much=ANOTHER_ALERT,
        a_client_refuses_a_renegotiation_that_never_was=ANOTHER_ALERT,
        a_client_offers_what_makes_1_2_safe=hello(lacks_extension(ExtensionType.RENEGOTIATION_INFO)),
        a_client_refuses_an_srtp_profile_that_it_did_not_offer=ANOTHER_ALERT,
        a_client_refuses_two_srtp_profiles=ANOTHER_ALERT,
        a_client_refuses_a_certificate_of_another_fingerprint=BELIEVES_CERTIFICATES,
        a_client_refuses_an_empty_certificate=ANOTHER_ALERT,
        a_client_refuses_a_server_without_a_certificate=ANOTHER_ALERT,
        a_client_refuses_a_server_without_a_key_exchange=ANOTHER_ALERT,
        a_client_refuses_a_message_that_does_not_exist=ANOTHER_ALERT,
        a_client_refuses_a_signature_scheme_that_it_did_not_offer=ANOTHER_ALERT,
        a_client_verifies_the_signature=patched("peer.dtls.client12.verify", lambda *_: True),
        a_client_refuses_a_group_that_it_did_not_offer=ANOTHER_ALERT,
        a_client_refuses_a_done_with_something_in_it=ANOTHER_ALERT,
        a_client_verifies_finished=ANOTHER_ALERT,
        a_client_gets_along_without_a_certificate_request=Fault(patch=wants_to_be_asked_in_1_2),
        a_client_uses_the_extended_master_secret=around(Client12, "_check_hello", forgets_the_extended_master_secret),
        a_server_refuses_dtls_1_0=ANOTHER_ALERT,
        a_server_refuses_a_hello_without_the_null_compression=ANOTHER_ALERT,
        a_server_refuses_suites_that_it_has_not=ANOTHER_ALERT,
        a_server_refuses_a_client_hello_with_a_byte_too_much=ANOTHER_ALERT,
        a_server_ignores_what_it_does_not_know=around(Server12, "_check_hello", dies),
        a_server_refuses_a_renegotiation_that_never_was=ANOTHER_ALERT,
        a_server_understands_the_signalling_suite=lacks_in_the_answer(ExtensionType.RENEGOTIATION_INFO),
        a_server_agrees_to_the_extended_master_secret=lacks_in_the_answer(ExtensionType.EXTENDED_MASTER_SECRET),
        a_server_refuses_a_client_that_knows_compressed_points_only=around(
            Server12, "_check_point_formats", lambda *_: None
        ),
        a_server_refuses_a_point_that_is_not_on_the_curve=ANOTHER_ALERT,
        a_server_refuses_a_share_that_makes_a_secret_of_zeros=ANOTHER_ALERT,
        a_server_refuses_a_client_without_a_certificate=ANOTHER_ALERT,
        a_server_refuses_a_certificate_of_another_fingerprint=BELIEVES_CERTIFICATES,
        a_server_verifies_the_signature=patched("peer.dtls.server12.verify", lambda *_: True),
        a_server_refuses_a_signature_scheme_that_it_did_not_ask_for=ANOTHER_ALERT,
        a_server_refuses_a_signature_before_the_key_exchange=ANOTHER_ALERT,
        a_server_refuses_a_client_that_leaves_its_certificate_out=ANOTHER_ALERT,
        a_server_refuses_a_client_without_a_key_exchange=ANOTHER_ALERT,
        a_server_verifies_finished=ANOTHER_ALERT,
        a_server_refuses_a_finished_cut_short=ANOTHER_ALERT,
    ),
    **planted(
        ATTACKS,
        sanity_both_versions_connect=ONLY_1_2,
        a_client_drops_records_whose_tag_is_wrong=Fault(patch=dies_of_bad_records),
        a_server_drops_records_whose_tag_is_wrong=Fault(patch=dies_of_bad_records),
        a_record_number_that_was_changed_is_dropped=Fault(patch=dies_of_bad_records),
        a_record_of_a_strange_epoch_is_dropped=Fault(patch=dies_of_bad_records),
        a_record_that_says_to_be_longer_than_its_datagram_is_dropped=Fault(patch=dies_of_bad_records),
        a_record_that_is_too_long=Fault(patch=dies_silently_of_bad_records),
        an_empty_record_of_application_data=handles(ContentType.APPLICATION_DATA, dies_silently),
        a_fatal_alert_in_clear_is_not_believed=Fault(patch=keeps_reading_in_clear),
        a_client_hello_in_clear_does_not_end_the_association=Fault(patch=dies_of_bad_records),
        a_finished_in_clear_does_nothing=Fault(patch=dies_of_bad_records),
        a_change_cipher_spec_in_the_handshake_of_1_3_is_dropped=handles(ContentType.CHANGE_CIPHER_SPEC, dies),
        application_data_before_the_handshake_is_not_taken=handles(ContentType.APPLICATION_DATA, dies_silently),
        messages_that_overtake_each_other_do_no_harm=NO_ACKS,
        a_flood_of_key_updates=NOT_A_WORD,
        a_piece_twice_is_put_together=around(Reassembler, "receive", first_piece_only),
        the_last_piece_may_come_first=around(Reassembler, "receive", first_piece_only),
        a_client_hello_from_a_stranger_is_not_answered=Fault(patch=listens_to_strangers),
        an_alert_from_a_stranger_is_nothing=Fault(patch=listens_to_strangers),
        a_client_hello_in_two_datagrams_may_come_the_wrong_way_round=around(
            Reassembler, "receive", from_the_start_only
        ),
        a_server_hello_in_pieces_is_put_together=around(Reassembler, "receive", whole_messages_only),
        keys_are_derived_with_the_label_of_dtls=Fault(patch=with_the_label_of_tls),
        a_serial_number_of_40_bytes=BELIEVES_NO_KEY,
        certificates_of_the_same_serial_number_and_issuer=patched(
            "peer.dtls.conversation.public_key_of", dies_silently
        ),
        an_rsa_certificate=patched("peer.dtls.conversation.public_key_of", dies),
    ),
    **planted(
        DISORDER,
        sanity_a_long_flight_is_understood=ONLY_1_2,
        overlapping_fragments_that_disagree=NOT_A_WORD,
        fragments_without_a_byte=dies_silently_where(lambda _, fragment: bool(fragment.length and not fragment.data)),
        fragments_of_two_lengths=NOT_A_WORD,
        messages_before_their_turn=dies_silently_where(
            lambda inbound, fragment: fragment.sequence > inbound.next_sequence
        ),
        a_message_behind_a_gap_waits=around(Reassembler, "receive", skips_gaps),
        a_hello_request_behind_a_gap_waits=around(Reassembler, "receive", skips_gaps),
        another_client_hello_in_the_middle=Fault(patch=minds_another_hello),
        another_handshake_that_interleaves=NOT_A_WORD,
        a_fatal_alert_in_clear_is_not_believed_under_keys=Fault(patch=keeps_reading_in_clear),
        a_fatal_alert_in_clear_before_there_are_keys=handles(ContentType.ALERT, falls_silent),
        a_message_in_clear_after_keys_does_nothing=Fault(patch=dies_of_bad_records),
        application_data_before_finished=handles(ContentType.APPLICATION_DATA, dies_silently),
        an_early_change_cipher_spec=CHOKES_ON_CHANGE_CIPHER_SPEC,
        a_change_cipher_spec_before_the_key_exchange=CHOKES_ON_CHANGE_CIPHER_SPEC,
        a_change_cipher_spec_twice=CHOKES_ON_CHANGE_CIPHER_SPEC,
        a_change_cipher_spec_of_another_value=CHOKES_ON_CHANGE_CIPHER_SPEC,
        a_change_cipher_spec_of_two_bytes=CHOKES_ON_CHANGE_CIPHER_SPEC,
        a_change_cipher_spec_that_was_lost_comes_again=CHOKES_ON_CHANGE_CIPHER_SPEC,
        a_server_takes_no_finished_without_a_change_cipher_spec=around(Machine12, "derive_keys", reads_at_once),
        a_record_of_3000_bytes_is_read=around(RecordLayer, "receive", in_a_small_buffer),
        a_flood_of_key_updates_to_a_server=NOT_A_WORD,
    ),
    **planted(
        NEGOTIATION,
        sanity_with_nothing_restricted=Fault(Seams(dtls_handshake=dropped(ClientHello))),
        a_server_takes_what_is_offered_or_says_an_alert=patched(
            "peer.dtls.opening.ServerOpening.handle_message", dies_silently
        ),
        a_client_goes_along_or_it_ends_with_an_alert=around(ClientOpening, "handle_message", dies_silently_as_client),
    ),
}
