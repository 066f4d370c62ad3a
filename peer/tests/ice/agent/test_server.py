"""How Binding requests are judged (RFC 8445 section 7.3, RFC 8489 sections 6.3 and 9.1.3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from peer.ice.agent import Address, Config, Path
from peer.tests.ice.virtual import Peer, World
from peer.wire import stun
from peer.wire.stun import Attribute, AttributeType, Class

CALLER = Address("203.0.113.1", 7777)


def request(peer: Peer, *extra: Attribute, without: int = -1, **fields: object) -> stun.Message:
    ours = peer.agent.local_parameters
    attributes = (
        Attribute(AttributeType.USERNAME, f"{ours.ufrag}:them"),
        Attribute(AttributeType.PRIORITY, 1),
        Attribute(AttributeType.ICE_CONTROLLED, 0),
        *extra,
    )
    message = stun.Message(
        stun.Method.BINDING,
        Class.REQUEST,
        b"transaction!",
        tuple(attribute for attribute in attributes if attribute.type != without),
        integrity_key=ours.pwd.encode(),
        fingerprint=True,
    )
    return replace(message, **fields)  # type: ignore[arg-type]  # any field of a message


def ask(peer: Peer, message: stun.Message | bytes) -> tuple[stun.Message, bytes] | None:
    """What comes back."""
    data = message if isinstance(message, bytes) else message.serialize()
    path = Path(peer.candidates[0].address, CALLER)
    peer.do(peer.agent.receive_datagram(data, 0.0, path))
    out = [sent for sent in peer.agent.datagrams_to_send(0.0) if sent.path == path]
    return (stun.parse(out[0].data), out[0].data) if out else None


@pytest.fixture
def peer() -> Peer:
    world = World(a=Config(controlling=True))
    world.gather()
    return world.a


def test_a_good_request_is_answered_with_the_callers_address_integrity_and_fingerprint(peer: Peer) -> None:
    answer = ask(peer, request(peer))
    assert answer is not None
    message, data = answer
    assert (message.message_class, message.transaction_id) == (Class.SUCCESS, b"transaction!")
    assert message.mapped_address == tuple(CALLER)
    assert message.username is None
    assert stun.has_valid_integrity(data, peer.agent.local_parameters.pwd.encode())
    assert stun.has_valid_fingerprint(data)


@pytest.mark.parametrize(
    ("change", "code", "authenticated"),
    [
        ({"without": AttributeType.USERNAME}, 400, False),
        ({"integrity_key": None}, 400, False),
        ({"integrity_key": b"wrong"}, 401, False),
        ({"without": AttributeType.PRIORITY}, 400, True),
    ],
)
def test_refusals(peer: Peer, change: dict[str, object], code: int, authenticated: bool) -> None:
    answer = ask(peer, request(peer, **change))  # type: ignore[arg-type]  # keywords of both kinds
    assert answer is not None
    message, data = answer
    assert message.error is not None
    assert (message.message_class, message.error.code) == (Class.ERROR, code)
    assert (AttributeType.MESSAGE_INTEGRITY in message) is authenticated
    assert stun.has_valid_fingerprint(data)
    assert peer.discarded() == ["refused"]


@pytest.mark.parametrize("username", ["", "stranger:them", "nocolon", "{ours}", "{ours}x:them", ":{ours}"])
def test_a_user_name_that_is_not_ours_is_a_401(peer: Peer, username: str) -> None:
    text = username.format(ours=peer.agent.local_parameters.ufrag)
    message = request(peer, without=AttributeType.USERNAME)
    named = replace(message, attributes=(Attribute(AttributeType.USERNAME, text), *message.attributes))
    answer = ask(peer, named)
    assert answer is not None
    assert answer[0].error is not None
    assert answer[0].error.code == 401


def test_unknown_attributes_that_must_be_understood_are_a_420_that_names_them(peer: Peer) -> None:
    answer = ask(peer, request(peer, Attribute(0x7001, b""), Attribute(0x9001, b""), Attribute(0x7002, b"")))
    assert answer is not None
    message, data = answer
    assert message.error is not None
    assert message.error.code == 420
    unknown = message.find(AttributeType.UNKNOWN_ATTRIBUTES)
    assert unknown is not None
    assert unknown.value == (0x7001, 0x7002)
    assert stun.has_valid_integrity(data, peer.agent.local_parameters.pwd.encode())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: data[:-4],
        lambda data: b"\x80" + data,
        lambda data: b"",
    ],
)
def test_what_is_not_a_good_stun_message_is_discarded_in_silence(peer: Peer, spoil: object) -> None:
    assert callable(spoil)
    assert ask(peer, spoil(request(peer).serialize())) is None
    assert peer.discarded()


def test_without_fingerprint_there_is_no_answer(peer: Peer) -> None:
    assert ask(peer, request(peer, fingerprint=False)) is None
    assert peer.discarded() == ["no valid FINGERPRINT"]


def test_other_methods_indications_and_stray_responses_have_no_answer(peer: Peer) -> None:
    assert ask(peer, request(peer, method=stun.Method.ALLOCATE)) is None
    assert ask(peer, request(peer, message_class=Class.INDICATION)) is None
    assert ask(peer, request(peer, message_class=Class.SUCCESS)) is None
    assert peer.discarded() == ["not a Binding", "a response to nothing we asked"]


@pytest.mark.parametrize(
    ("controlling", "theirs", "greater", "conflict", "becomes"),
    [
        (True, AttributeType.ICE_CONTROLLED, False, False, True),
        (False, AttributeType.ICE_CONTROLLING, False, False, False),
        (True, AttributeType.ICE_CONTROLLING, False, True, True),
        (True, AttributeType.ICE_CONTROLLING, True, False, False),
        (False, AttributeType.ICE_CONTROLLED, False, False, True),
        (False, AttributeType.ICE_CONTROLLED, True, True, False),
    ],
)
def test_role_conflicts_are_repaired_by_the_tiebreaker(
    controlling: bool, theirs: AttributeType, greater: bool, conflict: bool, becomes: bool
) -> None:
    world = World(a=Config(controlling=controlling))
    world.gather()
    value = world.a.agent.tiebreaker + (1 if greater else 0)
    role = Attribute(theirs, value)
    answer = ask(world.a, request(world.a, role, without=AttributeType.ICE_CONTROLLED))
    if theirs is AttributeType.ICE_CONTROLLED:
        message = request(world.a, without=AttributeType.ICE_CONTROLLED)
        answer = ask(world.a, replace(message, attributes=(*message.attributes, role)))
    assert answer is not None
    error = answer[0].error
    assert (error is not None and error.code == 487) is conflict
    assert world.a.agent.controlling is becomes


def test_a_request_may_be_repeated_and_is_answered_each_time(peer: Peer) -> None:
    first, second = ask(peer, request(peer)), ask(peer, request(peer))
    assert first is not None
    assert second is not None
    assert first[1] == second[1]
