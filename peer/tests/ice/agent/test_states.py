"""W3C's table of transport states."""

from __future__ import annotations

import pytest

from peer.ice.agent.events import State
from peer.ice.agent.states import Situation, transport_state

ENDED = {"gathered": True, "end_of_candidates": True}
ONE_EACH = {"local_candidates": 1, "remote_candidates": 1}


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({}, State.NEW),
        ({"local_candidates": 3, "gathered": True}, State.NEW),
        ({**ENDED}, State.FAILED),
        ({**ENDED, "local_candidates": 1}, State.NEW),
        ({**ENDED, "local_candidates": 1, "pac_running": False}, State.FAILED),
        ({"remote_candidates": 1}, State.CHECKING),
        ({**ONE_EACH, "pairs": 1, "pending": 1}, State.CHECKING),
        ({**ONE_EACH, "pairs": 1}, State.DISCONNECTED),
        ({**ONE_EACH, "pairs": 1, "gathered": True}, State.DISCONNECTED),
        ({**ONE_EACH, **ENDED, "pairs": 1}, State.CHECKING),
        ({**ONE_EACH, **ENDED, "pairs": 1, "pac_running": False}, State.FAILED),
        ({**ONE_EACH, "selected": True, "pending": 2}, State.CONNECTED),
        ({**ONE_EACH, "selected": True, "concluded": True}, State.CONNECTED),
        ({**ONE_EACH, **ENDED, "selected": True}, State.CONNECTED),
        ({**ONE_EACH, **ENDED, "selected": True, "concluded": True}, State.COMPLETED),
        ({**ONE_EACH, **ENDED, "selected": True, "concluded": True, "silent": True}, State.DISCONNECTED),
        ({**ONE_EACH, **ENDED, "consent_lost": True}, State.FAILED),
        ({**ONE_EACH, "consent_lost": True}, State.DISCONNECTED),
        ({**ONE_EACH, "consent_lost": True, "pending": 1}, State.CHECKING),
        ({**ONE_EACH, "list_failed": True, "pending": 1}, State.FAILED),
        ({**ENDED, "remote_candidates": 1}, State.FAILED),
        ({"restarted": True}, State.CHECKING),
        ({"closed": True, "selected": True}, State.CLOSED),
    ],
)
def test_the_state_that_fits(facts: dict[str, bool | int], state: State) -> None:
    assert transport_state(Situation(**facts)) is state  # type: ignore[arg-type]  # numbers and truths by name
