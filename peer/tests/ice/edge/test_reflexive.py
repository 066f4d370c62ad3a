"""The question to a STUN server, with the server played by the test."""

from __future__ import annotations

import asyncio

import pytest

from peer.ice.edge.reflexive import ReflexiveQuery, StunFailure
from peer.wire import stun
from peer.wire.stun import Attribute, AttributeType, Class


def answer(data: bytes, kind: Class, *attributes: Attribute) -> bytes:
    request = stun.parse(data)
    return stun.Message(request.method, kind, request.transaction_id, attributes).serialize()


async def test_the_mapped_address_is_the_answer_and_other_datagrams_are_not_taken() -> None:
    sent: list[bytes] = []
    query = ReflexiveQuery(sent.append, 1.0)
    task = asyncio.ensure_future(query.run())
    await asyncio.sleep(0)
    assert stun.has_valid_fingerprint(sent[0])
    assert not query.take(b"\x80" * 30)
    assert not query.take(sent[0])  # our own request, reflected
    assert not query.take(sent[0][:20] + b"\0")
    mapped = Attribute(AttributeType.XOR_MAPPED_ADDRESS, ("203.0.113.5", 4000))
    assert query.take(answer(sent[0], Class.SUCCESS, mapped))
    assert query.take(answer(sent[0], Class.SUCCESS, mapped))  # a duplicate is ours as well
    assert await task == ("203.0.113.5", 4000)


@pytest.mark.parametrize(
    ("kind", "attributes", "code"),
    [
        (Class.ERROR, (Attribute(AttributeType.ERROR_CODE, stun.ErrorCode(403, "Forbidden")),), 403),
        (Class.ERROR, (), 500),
        (Class.SUCCESS, (), 701),
        (Class.SUCCESS, (Attribute(AttributeType.MAPPED_ADDRESS, ("192.0.2.1", 1)), Attribute(0x7001, b"")), 701),
    ],
)
async def test_a_refusal_is_a_failure_with_its_code(kind: Class, attributes: tuple[Attribute, ...], code: int) -> None:
    sent: list[bytes] = []
    query = ReflexiveQuery(sent.append, 1.0)
    task = asyncio.ensure_future(query.run())
    await asyncio.sleep(0)
    query.take(answer(sent[0], kind, *attributes))
    with pytest.raises(StunFailure) as caught:
        await task
    assert caught.value.code == code


async def test_silence_is_a_failure_with_701_after_the_request_was_repeated() -> None:
    sent: list[bytes] = []
    with pytest.raises(StunFailure, match="701"):
        await ReflexiveQuery(sent.append, 0.55).run()
    assert sent == [sent[0]] * 2
