"""The nightly campaigns: every target on every endpoint it can be played on."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

from harness.endpoints.stacks import KNOWN
from harness.fuzz.targets import TARGETS, make

NIGHTLY = Path(__file__).parents[3] / ".github" / "workflows" / "nightly.yml"


def words(text: str, key: str) -> list[str]:
    found = re.search(rf"^ +{key}: \[(.*)\]$", text, re.MULTILINE)
    assert found is not None
    return found[1].split(", ")


def playable(target: str, endpoint: str) -> bool:
    try:
        make(target, (endpoint,))
    except ValueError:
        return False
    return True


def test_every_target_is_tried_on_every_endpoint_it_can_be_played_on() -> None:
    text = NIGHTLY.read_text("utf-8")
    assert words(text, "target") == list(TARGETS)
    assert words(text, "endpoint") == list(KNOWN)
    excluded = set(re.findall(r"- \{target: (\S+), endpoint: (\w+)\}", text))
    assert excluded == {pair for pair in product(TARGETS, KNOWN) if not playable(*pair)}


def test_the_endpoints_that_are_compared_can_be() -> None:
    [(target, pair)] = re.findall(r'- \{target: (\S+), endpoint: "(.*)"\}', NIGHTLY.read_text("utf-8"))
    assert make(target, tuple(pair.split(","))).endpoints == ("chromium", "firefox")
