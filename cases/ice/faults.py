"""The fault that turns each case of this folder red; see cases/planting.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from cases.bending import dropped, without
from cases.planting import Fault, and_attribute, lacks, lines, patched, patient, planted, requests, stun
from peer.api import Seams
from peer.api.gathering import Gathering
from peer.ice.agent import Address, Candidate, Path, TcpType
from peer.ice.agent.generation import Generation
from peer.ice.edge import gatherer
from peer.wire import sctp
from peer.wire.stun import Attribute, AttributeType, Class, Message, Method

__all__ = ["FAULTS"]

CHECKS = "cases/ice/test_rfc8445_7_checks.py::test_"
OFFERS = "cases/ice/test_rfc8839_4_offer_answer.py::test_"
CONFLICTS = "cases/ice/test_rfc8445_7_3_1_1_role_conflicts.py::test_"
CONCLUDING = "cases/ice/test_rfc8445_8_concluding.py::test_"
CONSENT = "cases/ice/test_rfc7675_5_1_consent.py::test_"
RESTARTS = "cases/ice/test_rfc8445_9_restarts.py::test_"
ATTRIBUTES = "cases/ice/test_rfc8839_5_attributes.py::test_"
TRICKLE = "cases/ice/test_rfc8838_trickle.py::test_"
TIMING = "cases/ice/test_rfc8445_14_timing.py::test_"
TCP = "cases/ice/test_rfc6544_tcp.py::test_"
TURN = "cases/ice/test_rfc8656_client.py::test_"

MUTE = stun(lambda _: ())
BLIND_TO_ROLES = patched("peer.ice.agent.server._has_role_conflict", lambda *_: False)


def answers_only(count: int) -> Fault:
    """Only so many checks are answered."""
    answered: list[bytes] = []

    def bend(one: Message) -> Iterable[Message]:
        if one.message_class is Class.SUCCESS:
            answered.append(one.transaction_id)
            return (one,) if len(answered) <= count else ()
        return (one,)

    return stun(bend)


def nominates_everything() -> Fault:
    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("peer.ice.agent.check_list.CheckList.conclude", lambda *_: [])

    return Fault(requests(and_attribute(AttributeType.USE_CANDIDATE, None)).seams, patch)


def in_each_session(change: Callable[[Message, str], Message]) -> Fault:
    """Checks are changed by what the user name of the first one was."""
    first: list[str] = []

    def bend(one: Message) -> Message:
        first.append(one.username or "")
        return change(one, first[0])

    return requests(bend)


def old_name(one: Message, name: str) -> Message:
    kept = tuple(replace(each, value=name) if each.type == AttributeType.USERNAME else each for each in one.attributes)
    return replace(one, attributes=kept)


def to_turn(change: Callable[[Message], Message], *methods: Method, kind: Class = Class.REQUEST) -> Fault:
    """What is said to TURN servers is changed: requests of these methods, or all."""

    def bend(one: Message) -> Iterable[Message]:
        meant = one.message_class is kind and (not methods or one.method in methods)
        return (change(one) if meant else one,)

    return Fault(Seams(turn=bend))


def lacking(kind: AttributeType) -> Callable[[Message], Message]:
    return lambda one: replace(one, attributes=tuple(each for each in one.attributes if each.type != kind))


def unsigned(one: Message) -> Message:
    return replace(one, integrity_key=None)


def valued(kind: AttributeType, value: Any) -> Callable[[Message], Message]:
    return lambda one: replace(
        one, attributes=tuple(replace(each, value=value) if each.type == kind else each for each in one.attributes)
    )


def with_the_first_nonce() -> Fault:
    """The nonce of the first request that had one is kept for good."""
    first: list[Any] = []

    def change(one: Message) -> Message:
        nonce = one.find(AttributeType.NONCE)
        if nonce is None:
            return one
        first.append(nonce.value)
        return valued(AttributeType.NONCE, first[0])(one)

    return to_turn(change)


def asks_twice() -> Fault:
    """Each Allocate request with credentials is made once more."""

    def bend(one: Message) -> Iterable[Message]:
        again = one.method == Method.ALLOCATE and AttributeType.NONCE in one
        return (one, replace(one, transaction_id=one.transaction_id[::-1])) if again else (one,)

    return Fault(Seams(turn=bend))


def sends_unpermitted() -> Fault:
    """Before anything else of a peer goes a Send indication to it."""

    def bend(one: Message) -> Iterable[Message]:
        peer = one.find(AttributeType.XOR_PEER_ADDRESS)
        if peer is None:
            return (one,)
        said = (peer, Attribute(AttributeType.DATA, b"early"))
        return (Message(Method.SEND, Class.INDICATION, one.transaction_id[::-1], said), one)

    return Fault(Seams(turn=bend))


def always_says(name: str, value: Callable[[], str]) -> Fault:
    return lines(lambda line: f"a={name}:{value()}" if line.startswith(f"a={name}:") else line)


def gathers(change: Callable[[Candidate], Candidate]) -> Fault:
    usual = gatherer._host_candidate
    return patched("peer.ice.edge.gatherer._host_candidate", lambda *given: change(usual(*given)))


def active_candidates(change: Callable[[Candidate], Candidate]) -> Fault:
    return gathers(lambda one: change(one) if one.tcp_type is TcpType.ACTIVE else one)


def numbers() -> Callable[[], str]:
    count: list[Any] = []

    def number() -> str:
        count.append(None)
        return f"{len(count):08d}"

    return number


def a_password_for_each_section() -> Fault:
    number = numbers()
    return lines(lambda line: f"{line}\r\na=ice-pwd:{number() * 3}" if line.startswith("a=mid:") else line)


def tells_twice() -> Fault:
    usual = Gathering._surface

    def surface(self: Gathering, candidate: Candidate, ufrag: str) -> None:
        usual(self, candidate, ufrag)
        usual(self, candidate, ufrag)

    return patched("peer.api.gathering.Gathering._surface", surface)


def takes_answers_from_anywhere(patch: pytest.MonkeyPatch) -> None:
    real = Generation.receive_response

    def receive(generation: Generation, message: Message, data: bytes, _: Path, now: float) -> str:
        asked = generation._transactions.get(message.transaction_id).path
        return real(generation, message, data, asked, now)

    patch.setattr(Generation, "receive_response", receive)


NEVER_CHECKS = stun(lambda one: () if one.message_class is Class.REQUEST else (one,))


def controls_later(one: Message, name: str) -> Message:
    """After a restart it takes the controlling role."""
    if one.username == name:
        return one
    return replace(
        one,
        attributes=tuple(
            replace(each, type=AttributeType.ICE_CONTROLLING) if each.type == AttributeType.ICE_CONTROLLED else each
            for each in one.attributes
        ),
    )


FAULTS = {
    **planted(
        CONFLICTS,
        sanity_the_initiating_agent_controls=stun(without(AttributeType.ICE_CONTROLLING)),
        the_other_agent_is_controlled=stun(without(AttributeType.ICE_CONTROLLED)),
        a_controlling_agent_refuses_a_claim_with_a_smaller_tiebreaker=BLIND_TO_ROLES,
        a_controlled_agent_refuses_a_claim_with_a_greater_tiebreaker=BLIND_TO_ROLES,
        a_controlling_agent_gives_in_to_a_greater_tiebreaker=BLIND_TO_ROLES,
        a_controlled_agent_takes_over_from_a_smaller_tiebreaker=BLIND_TO_ROLES,
        a_487_makes_the_agent_switch_and_check_again=patched(
            "peer.ice.agent.context.Context.switch_role", lambda _: None
        ),
        a_487_makes_the_agent_change_its_tiebreaker=patched(
            "peer.ice.agent.context.Context.new_tiebreaker", lambda _: None
        ),
    ),
    **planted(
        CONCLUDING,
        sanity_a_pair_is_nominated=stun(without(AttributeType.USE_CANDIDATE)),
        one_pair_and_no_other_is_nominated=patient(nominates_everything()),
        checks_of_the_nominated_pair_go_on_being_answered=patient(answers_only(2)),
        a_peer_that_nominates_with_every_check_is_accepted=MUTE,
        an_answer_under_another_password_is_no_answer=patched(
            "peer.wire.stun.has_valid_integrity", lambda *_, **__: True
        ),
        an_answer_from_another_address_makes_no_pair_valid=Fault(patch=takes_answers_from_anywhere),
        checks_that_come_before_the_answer_are_answered_at_once_and_count_later=answers_only(0),
        the_second_half_of_the_user_name_may_be_anything=stun(
            lambda one: () if one.message_class is Class.SUCCESS and one.transaction_id.endswith(b"odd") else (one,)
        ),
    ),
    **planted(
        CONSENT,
        sanity_checks_go_on_after_the_connection_stands=patient(
            patched("peer.ice.agent.timing.CONSENT_INTERVAL", 60.0)
        ),
        the_period_between_consent_checks_is_4_seconds_at_least=patient(
            patched("peer.ice.agent.timing.CONSENT_INTERVAL", 2.0)
        ),
        each_consent_check_is_a_transaction_of_its_own=patient(
            requests(lambda one: one if one.use_candidate else replace(one, transaction_id=b"always this!"))
        ),
        **{"30_seconds_without_consent_end_the_transmission": patched("peer.ice.agent.timing.CONSENT_EXPIRY", 300.0)},
    ),
    **planted(
        RESTARTS,
        sanity_a_second_offer_without_restart_keeps_the_credentials=always_says("ice-ufrag", numbers()),
        an_offer_that_restarts_changes_both_credentials=always_says("ice-pwd", lambda: "p" * 24),
        an_answer_to_a_restart_changes_both_credentials=always_says("ice-pwd", lambda: "p" * 24),
        after_a_restart_checks_use_the_new_credentials=in_each_session(old_name),
        data_flow_before_while_and_after_a_restart=Fault(Seams(sctp=dropped(sctp.Data))),
    ),
    **planted(
        ATTRIBUTES,
        sanity_there_are_candidates=patched("peer.ice.edge.gatherer.Gatherer._announce", lambda *_: None),
        each_m_section_has_credentials=lines(lambda line: None if line.startswith("a=ice-ufrag") else line),
        credentials_are_long_enough_and_different_every_time=always_says("ice-pwd", lambda: "short"),
        the_user_name_fragment_has_32_characters_at_most=always_says("ice-ufrag", lambda: "x" * 33),
        a_user_name_fragment_of_256_characters_is_accepted=patched(
            "peer.api.peer_connection.RTCPeerConnection.signalingState", property(lambda _: "stable")
        ),
        candidates_are_for_component_1=gathers(lambda one: replace(one, component=2)),
        host_candidates_have_no_related_address=gathers(lambda one: replace(one, related=Address("10.0.0.1", 1))),
        priorities_are_unique_and_within_31_bits=gathers(lambda one: replace(one, priority=5)),
        candidates_of_one_type_have_one_type_preference=gathers(
            lambda one: replace(one, priority=one.priority - (one.address.is_ipv6 << 24))
        ),
        a_candidate_with_a_domain_name_is_ignored=MUTE,
        unknown_extensions_of_a_candidate_are_ignored=patched(
            "peer.api.transports.TransportStack.add_described_candidates", lambda *_: None
        ),
    ),
    **planted(
        TRICKLE,
        sanity_candidates_that_trickle_connect=MUTE,
        no_candidate_comes_after_the_end=patched("peer.api.gathering.Gathering._on_complete", lambda _: None),
        no_candidate_is_told_twice=tells_twice(),
        what_was_told_stands_in_the_description=patched("peer.jsep.add_local_candidate", lambda state, *_: state),
        each_candidate_names_its_generation=patched(
            "peer.api.ice_candidate.RTCIceCandidate.toJSON", lambda one: {**one._init, "usernameFragment": "somebody"}
        ),
        a_candidate_after_the_end_is_ignored=patched(
            "peer.ice.agent.generation.Generation._is_too_late", lambda *_: False
        ),
        the_check_list_stays_running_while_candidates_may_come=MUTE,
    ),
    **planted(
        TIMING,
        sanity_checks_without_an_answer_are_sent_again=MUTE,
        a_request_is_repeated_after_500_ms_at_the_earliest=patched("peer.ice.agent.timing.RTO_MINIMUM", 0.1),
        new_checks_begin_every_5_ms_at_most=Fault(
            Seams(ice={"ta": 0.0}), lambda monkeypatch: monkeypatch.setattr("peer.ice.agent.timing.TA_MINIMUM", 0.0)
        ),
        a_pace_other_than_50_ms_is_announced=Fault(Seams(ice={"ta": 0.02})),
    ),
    **planted(
        CHECKS,
        sanity_an_agent_checks_what_it_is_told=NEVER_CHECKS,
        a_check_from_an_unknown_candidate_triggers_a_check_back=NEVER_CHECKS,
        peer_reflexive_candidates_are_enough_to_connect=NEVER_CHECKS,
        a_thousand_candidates_do_not_keep_it_from_connecting=MUTE,
        a_flood_of_checks_does_not_keep_it_from_connecting=answers_only(150),
        a_name_that_never_resolves_is_no_failure=MUTE,
        an_agent_controls_a_lite_one_though_that_initiated=stun(without(AttributeType.ICE_CONTROLLING)),
        an_agent_nominates_to_a_lite_one=stun(without(AttributeType.USE_CANDIDATE)),
        a_restart_by_the_controlled_side_leaves_the_roles=in_each_session(controls_later),
    ),
    **planted(
        OFFERS,
        sanity_an_offer_has_ice_attributes=lacks("a=ice-ufrag"),
        a_full_agent_does_not_say_ice_lite=lines(lambda line: "t=0 0\r\na=ice-lite" if line == "t=0 0" else line),
        an_offer_says_ice2=lacks("a=ice-options"),
        an_answer_says_ice2=lacks("a=ice-options"),
        an_answer_has_credentials=lacks("a=ice-pwd"),
        trickle_is_announced_for_all_streams_or_none=lacks("a=ice-options"),
        ice_options_stay_in_a_later_offer=always_says("ice-options", numbers()),
        one_user_name_fragment_has_one_password=a_password_for_each_section(),
        an_inactive_section_has_ice_attributes=lacks("a=ice-ufrag"),
        no_candidate_has_a_domain_name=gathers(lambda one: replace(one, address=Address("host.local", 1))),
        a_priority_ends_with_256_minus_the_component=gathers(lambda one: replace(one, priority=one.priority - 1)),
        host_candidates_over_udp_have_the_type_preference_126=gathers(
            lambda one: replace(one, priority=one.priority - (1 << 24))
        ),
        local_preferences_of_one_type_differ=gathers(lambda one: replace(one, priority=126 << 24 | 65535 << 8 | 255)),
        an_offer_without_trickle_is_answered_by_regular_ice=MUTE,
    ),
    **planted(
        TCP,
        sanity_an_endpoint_connects_where_there_is_only_tcp=MUTE,
        an_active_candidate_has_the_port_9=active_candidates(
            lambda one: replace(one, address=Address("127.0.0.1", 10))
        ),
        a_call_comes_from_the_address_of_an_active_candidate=active_candidates(
            lambda one: replace(one, address=Address("198.51.100.7", one.address.port))
        ),
        messages_travel_in_frames_both_ways=patched("peer.ice.edge.tcp.split_frames", lambda _: []),
    ),
    **planted(
        TURN,
        sanity_a_relayed_candidate_is_gathered=Fault(Seams(turn=lambda _: ())),
        an_allocate_request_says_which_transport_it_wants=to_turn(lacking(AttributeType.REQUESTED_TRANSPORT)),
        an_allocate_request_asks_for_one_family_at_most=to_turn(
            lambda one: and_attribute(AttributeType.ADDITIONAL_ADDRESS_FAMILY, 2)(
                and_attribute(AttributeType.REQUESTED_ADDRESS_FAMILY, 1)(one)
            )
        ),
        the_first_request_has_no_credentials=to_turn(and_attribute(AttributeType.USERNAME, "somebody")),
        after_a_401_the_request_comes_again_with_credentials=to_turn(unsigned),
        a_request_with_a_stale_nonce_comes_again_with_the_new_one=with_the_first_nonce(),
        a_nonce_may_become_stale_while_the_allocation_lives=with_the_first_nonce(),
        credentials_that_were_refused_are_not_tried_again=asks_twice(),
        refused_credentials_are_told_with_code_and_server=patched(
            "peer.api.gathering.Gathering._on_error", lambda *_: None
        ),
        a_family_that_is_not_supported_is_not_asked_for_again=asks_twice(),
        a_server_whose_quota_is_reached_is_left_alone=asks_twice(),
        the_alternate_server_is_asked=patched("peer.ice.edge.relay._ALTERNATES_LIMIT", 1),
        a_server_that_refuses_does_not_keep_another_from_being_used=to_turn(unsigned),
        an_allocation_is_deleted_when_the_connection_closes=to_turn(
            valued(AttributeType.LIFETIME, 600), Method.REFRESH
        ),
        an_allocation_is_refreshed=Fault(Seams(turn=lambda one: () if one.method == Method.REFRESH else (one,))),
        permissions_and_channels_name_peers_of_the_family_of_the_relayed_address=to_turn(
            lacking(AttributeType.XOR_PEER_ADDRESS), Method.CHANNEL_BIND
        ),
        what_is_sent_has_a_permission_a_peer_and_data=sends_unpermitted(),
        channels_have_numbers_that_can_be_told_from_everything_else=to_turn(
            valued(AttributeType.CHANNEL_NUMBER, 0x5001), Method.CHANNEL_BIND
        ),
    ),
}
