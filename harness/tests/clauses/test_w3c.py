from __future__ import annotations

import pytest

from harness.clauses.model import Level
from harness.clauses.w3c import bookkeeping, statements

# Made up, in the layout of the editor's draft as text.
TEXT = """
##  Peer-to-peer [#]

####  [#operation] Operation

When the RTCThing.constructor() is invoked, the user agent MUST run the following steps:

  1. Let thing be a new thing.

  2. If it fails, [= exception/throw =] a {{SyntaxError}}.

####  RTCThing Interface [#]

##  Attributes

state of type {{RTCState}}, readonly
<blank>

The {{state}} attribute MUST return the slot. It SHOULD be quick.

##  Methods

doIt
<blank>

When this method is invoked, the user agent MUST run the following steps:

  1. Let p be a promise.

  2. If closed, run these steps:

     1. [= Reject =] p.

     2. Return p.

A note that mentions a step and is no list.

  3. Fire an event.

To do it really, given thing and p, run the following steps:

  1. Do.

####  Examples [#]

It MUST not count.

  1. Nor this.
""".replace("<blank>", "    ")


def test_steps_and_sentences_have_names_a_script_would_use() -> None:
    assert [statement.key for statement in statements(TEXT)] == [
        "RTCThing.constructor-1",
        "RTCThing.constructor-2",
        "RTCThing.state-M1",
        "RTCThing.state-S1",
        "RTCThing.doIt-1",
        "RTCThing.doIt-2",
        "RTCThing.doIt-2.1",
        "RTCThing.doIt-2.2",
        "RTCThing.doIt-3",
        "do-it-really-1",
    ]


def test_steps_are_musts() -> None:
    levels = {statement.key: statement.level for statement in statements(TEXT)}
    assert levels["RTCThing.doIt-3"] is Level.MUST
    assert levels["RTCThing.state-S1"] is Level.SHOULD


@pytest.mark.parametrize(
    ("step", "nobody_sees"),
    [
        ("Let p be a new promise.", True),
        ("Return p.", True),
        ("For each of them, run the following steps:", True),
        ("Let x be y. If that fails, throw an error.", False),
        ("Return a promise [= rejected =] with a newly created {{InvalidStateError}}.", False),
        ("Set the slot to true.", False),
        ("If any of these apply, throw a {{TypeError}}:", False),
    ],
)
def test_bookkeeping(step: str, nobody_sees: bool) -> None:
    assert bookkeeping(step) is nobody_sees
