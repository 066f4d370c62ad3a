"""The fault that turns each case of this folder red; see cases/planting.py."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import replace

from cases.bending import Elsewhere, stranger, without
from cases.planting import Fault, also_sends, and_attribute, answers, patched, patient, planted, requests, stun
from peer.api import Seams
from peer.ice.edge import Selection
from peer.wire.stun import Attribute, AttributeType, Class, Message
from peer.wire.stun_attributes import ErrorCode, TransportAddress

__all__ = ["FAULTS"]

MESSAGES = "cases/stun/test_rfc8489_5_messages.py::test_"
CHECKS = "cases/stun/test_rfc8445_7_connectivity_checks.py::test_"
PROCESSING = "cases/stun/test_rfc8489_6_3_processing.py::test_"

MUTE = stun(lambda _: ())


def errors(change: Callable[[Message], Message]) -> Fault:
    """Error responses are changed."""
    return stun(lambda one: (change(one) if one.message_class is Class.ERROR else one,))


def with_code(code: int) -> Callable[[Message], Message]:
    def change(one: Message) -> Message:
        kept = tuple(each for each in one.attributes if each.type != AttributeType.ERROR_CODE)
        return replace(one, attributes=(*kept, Attribute(AttributeType.ERROR_CODE, ErrorCode(code, "Odd"))))

    return change


def answers_what_was_not_asked() -> Fault:
    """Beside each answer goes one to a request that nobody sent like that."""
    return stun(
        lambda one: (
            (one, replace(one, transaction_id=stranger(one.transaction_id)))
            if one.message_class is Class.SUCCESS
            else (one,)
        )
    )


def answers_once() -> Fault:
    """A request that comes again is not answered."""
    answered: set[bytes] = set()

    def bend(one: Message) -> Iterable[Message]:
        if one.message_class is not Class.SUCCESS:
            return (one,)
        again = one.transaction_id in answered
        answered.add(one.transaction_id)
        return () if again else (one,)

    return stun(bend)


def has_many_tiebreakers() -> Fault:
    count = itertools.count(1)
    return requests(
        lambda one: replace(
            one,
            attributes=tuple(
                replace(each, value=next(count)) if each.type == AttributeType.ICE_CONTROLLED else each
                for each in one.attributes
            ),
        )
    )


def answers_from_elsewhere() -> Fault:
    """Answers leave from another socket than the one that was asked."""
    return Fault(Seams(interfaces=Selection(others=True), datagram=Elsewhere()))


def names_another_source(one: Message) -> Message:
    kept = tuple(each for each in one.attributes if each.type != AttributeType.XOR_MAPPED_ADDRESS)
    other = Attribute(AttributeType.XOR_MAPPED_ADDRESS, TransportAddress("192.0.2.99", 99))
    return replace(one, attributes=(other, *kept))


SILENT_TO_STRANGERS = stun(
    lambda one: () if one.message_class is Class.SUCCESS and one.transaction_id.endswith(b"odd") else (one,)
)

FAULTS = {
    **planted(
        MESSAGES,
        sanity_checks_and_answers_are_seen=MUTE,
        an_answer_has_the_transaction_id_of_its_request=answers(
            lambda one: replace(one, transaction_id=b"another one!")
        ),
        checks_of_different_pairs_are_different_transactions=requests(
            lambda one: replace(one, transaction_id=b"always this!")
        ),
        checks_fit_into_576_bytes=requests(and_attribute(AttributeType.SOFTWARE, "x" * 700)),
        the_tiebreaker_is_the_same_in_all_checks=patient(has_many_tiebreakers()),
        a_request_without_credentials_is_a_bad_request=errors(with_code(499)),
        a_request_with_wrong_credentials_is_unauthenticated=errors(with_code(499)),
        an_error_response_has_an_error_code=errors(
            lambda one: replace(
                one, attributes=tuple(each for each in one.attributes if each.type != AttributeType.ERROR_CODE)
            )
        ),
        an_indication_with_wrong_credentials_is_discarded_in_silence=answers_what_was_not_asked(),
        a_request_that_comes_twice_is_answered_twice_alike=answers_once(),
        a_known_attribute_that_is_out_of_place_is_ignored=SILENT_TO_STRANGERS,
        no_truncated_request_is_answered=answers_what_was_not_asked(),
        a_request_without_the_right_fingerprint_is_not_answered=patched(
            "peer.wire.stun.has_valid_fingerprint", lambda _: True
        ),
        an_answer_names_the_source_of_the_request=answers(names_another_source),
        an_answer_goes_the_way_the_request_came=answers_from_elsewhere(),
    ),
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
