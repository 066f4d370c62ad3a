"""The fault that turns each case of this folder red; see cases/planting.py."""

from __future__ import annotations

from dataclasses import replace

from cases.bending import without
from cases.planting import also_sends, and_attribute, answers, planted, requests, stun
from peer.wire.stun import Attribute, AttributeType, Class

__all__ = ["FAULTS"]

CHECKS = "cases/stun/test_rfc8445_7_connectivity_checks.py::test_"
PROCESSING = "cases/stun/test_rfc8489_6_3_processing.py::test_"

FAULTS = {
    **planted(
        CHECKS,
        sanity_the_endpoints_connect_by_checks=stun(lambda _: ()),
        checks_carry_a_peer_reflexive_priority=requests(
            lambda one: replace(
                one,
                attributes=tuple(
                    Attribute(each.type, 126 << 24) if each.type == AttributeType.PRIORITY else each
                    for each in one.attributes
                ),
            )
        ),
        the_controlling_side_nominates_with_use_candidate=stun(without(AttributeType.USE_CANDIDATE)),
        the_controlled_side_never_nominates=requests(and_attribute(AttributeType.USE_CANDIDATE, None)),
        the_controlling_side_says_so=stun(without(AttributeType.ICE_CONTROLLING)),
        the_controlled_side_says_so=stun(without(AttributeType.ICE_CONTROLLED)),
        checks_use_the_short_term_credentials_of_the_descriptions=requests(
            lambda one: replace(one, integrity_key=b"another password")
        ),
        checks_have_a_right_fingerprint=requests(lambda one: replace(one, fingerprint=False)),
        answers_are_protected_by_the_password_of_the_request=answers(
            lambda one: replace(one, integrity_key=b"another")
        ),
        answers_have_no_username=answers(and_attribute(AttributeType.USERNAME, "me")),
        nothing_but_stun_is_sent_before_a_check_succeeded=also_sends(bytes.fromhex("15fefd0000000000000000000201 00")),
        no_application_byte_travels_in_clear=also_sends(b"\x80 a secret nobody else may read"),
    ),
    **planted(
        PROCESSING,
        sanity_requests_are_answered=answers(
            lambda one: replace(
                one, attributes=tuple(x for x in one.attributes if x.type != AttributeType.XOR_MAPPED_ADDRESS)
            )
        ),
        a_request_without_right_credentials_never_succeeds=stun(
            lambda one: (replace(one, message_class=Class.SUCCESS) if one.message_class is Class.ERROR else one,)
        ),
        the_error_response_to_wrong_credentials_is_not_protected=stun(
            lambda one: (replace(one, integrity_key=b"anything") if one.message_class is Class.ERROR else one,)
        ),
        a_420_names_the_unknown_attribute=stun(
            lambda one: (replace(one, attributes=one.attributes[:1]) if one.message_class is Class.ERROR else one,)
        ),
        an_unknown_optional_attribute_is_ignored=stun(
            lambda one: () if one.message_class is Class.SUCCESS and one.transaction_id.endswith(b"odd") else (one,)
        ),
    ),
}
