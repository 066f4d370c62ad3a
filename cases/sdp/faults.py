"""The fault that turns each case of this folder red; see cases/planting.py."""

from __future__ import annotations

from cases.planting import instead, lacks, lines, planted, says

__all__ = ["FAULTS"]

OFFERS = "cases/sdp/test_rfc9429_5_2_1_initial_offers.py::test_"
ANSWERS = "cases/sdp/test_rfc9429_5_3_1_initial_answers.py::test_"

FAULTS = {
    **planted(
        OFFERS,
        sanity_an_offer_has_three_m_sections=says(lambda text: text[: text.rindex("m=")]),
        the_first_line_is_the_version=instead("v=0", "v=1", 1),
        the_second_line_is_the_origin=says(lambda text: text.replace("s=-\r\n", "", 1).replace("o=", "s=-\r\no=", 1)),
        the_session_id_is_below_two_to_the_63_minus_1=lines(
            lambda line: f"o=- {2**63} 1 IN IP4 127.0.0.1" if line.startswith("o=") else line
        ),
        the_third_line_is_the_session_name=lacks("s="),
        there_are_no_keys_in_the_description=instead("t=0 0\r\n", "t=0 0\r\nk=clear:me\r\n"),
        there_is_a_t_line=lacks("t="),
        ice_options_say_trickle_and_ice2=instead("trickle ice2", "trickle"),
        all_m_sections_have_the_same_fingerprints=says(
            lambda text: (
                text.replace("m=video", "a=fingerprint:sha-256 00:11\r\nm=video", 1)
                if "a=fingerprint" not in text.split("m=")[0]
                else text + "a=fingerprint:sha-256 00:11\r\n"
            )
        ),
        the_port_is_9_before_there_are_candidates=instead("m=audio 9 ", "m=audio 5004 "),
        media_use_the_dtls_srtp_profile=instead("UDP/TLS/RTP/SAVPF", "RTP/AVP", 1),
        the_codecs_every_endpoint_must_have_are_offered=instead("PCMU/8000", "L16/8000"),
        a_c_line_follows_each_m_line=instead("c=IN IP4 0.0.0.0\r\n", "", 1),
        the_connection_address_is_0_0_0_0=instead("c=IN IP4 0.0.0.0", "c=IN IP4 127.0.0.1", 1),
        each_m_section_has_a_mid=says(lambda text: text.replace("a=mid:1", "a=mid:0")),
        the_offered_setup_is_actpass=instead("a=setup:actpass", "a=setup:active"),
        data_are_offered_as_udp_dtls_sctp=instead("UDP/DTLS/SCTP", "DTLS/SCTP"),
        the_format_of_data_is_webrtc_datachannel=instead("webrtc-datachannel", "5000"),
        data_have_an_sctp_port=lacks("a=sctp-port"),
        a_bundle_group_names_every_mid=lacks("a=group"),
    ),
    **planted(
        ANSWERS,
        sanity_an_answer_has_the_m_sections_of_the_offer=says(lambda text: text[: text.rindex("m=")]),
        the_port_is_9_before_there_are_candidates=instead("m=audio 9 ", "m=audio 5004 "),
        the_protos_are_those_of_the_offer=instead("UDP/TLS/RTP/SAVPF", "RTP/SAVPF", 1),
        each_m_section_keeps_a_format_of_the_offer=lines(
            lambda line: "m=audio 9 UDP/TLS/RTP/SAVPF 77" if line.startswith("m=audio") else line
        ),
        a_c_line_follows_each_m_line=instead("c=IN IP4 0.0.0.0\r\n", "", 1),
        the_connection_address_is_0_0_0_0=instead("c=IN IP4 0.0.0.0", "c=IN IP4 127.0.0.1", 1),
        the_mids_are_those_of_the_offer=instead("a=mid:", "a=mid:x"),
        the_answered_setup_is_active_or_passive=says(
            lambda text: text.replace("a=setup:active", "a=setup:actpass").replace("a=setup:passive", "a=setup:actpass")
        ),
        the_m_line_of_data_is_that_of_the_offer=instead("webrtc-datachannel", "5000"),
        data_have_a_mid_and_an_sctp_port=lacks("a=sctp-port"),
        the_bundle_group_is_answered_whole=lacks("a=group"),
        nothing_is_bundle_only_in_an_answer=says(lambda text: text + "a=bundle-only\r\n"),
    ),
}
