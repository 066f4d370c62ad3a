"""The exchange can fail: other bytes that come back are told of."""

from __future__ import annotations

import pytest

from harness.endpoints import Endpoint, Stacks
from harness.matrix import exchange
from harness.script import Call, Step
from harness.signaling import connect
from harness.verdict import ConformanceFailure, Ledger


def test_a_digest_tells_types_and_boundaries_apart() -> None:
    sums = [exchange.digest(messages) for messages in (["ab"], [b"ab"], ["a", "b"], ["", "ab"], [])]
    assert len(set(sums)) == 5
    assert exchange.digest(["ab"]) == sums[0]


@pytest.fixture
async def pair(stacks: Stacks) -> tuple[Endpoint, Endpoint]:
    return await stacks.endpoint("reference", "a"), await stacks.endpoint("reference", "b")


async def test_other_bytes_than_were_sent_are_a_failure(
    pair: tuple[Endpoint, Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: the sender's endpoint sends one byte less than it was asked to."""
    offerer, answerer = [await endpoint.peer_connection() for endpoint in pair]
    channel = await offerer.createDataChannel("x")
    await connect(offerer, answerer)
    real = type(pair[0]).run

    async def short(endpoint: Endpoint, *steps: Step) -> list[object]:
        return await real(
            endpoint,
            *(
                Call(step.on, "send", (step.args[0][:-1],))
                if isinstance(step, Call) and step.method == "send" and isinstance(step.args[0], bytes)
                else step
                for step in steps
            ),
        )

    monkeypatch.setattr(type(pair[0]), "run", short)
    with pytest.raises(ConformanceFailure, match=r"random bytes: 4 messages, \d+ bytes were sent and other bytes"):
        await exchange.run(offerer, answerer, channel, Ledger(), seed=1)
