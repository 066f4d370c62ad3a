"""Values there and back: whatever a script can hold survives JSON."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.script.values import Opaque, Ref, ScriptError, from_json, to_json

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec=None))
    | st.binary(max_size=40)
    | st.builds(Ref, st.text("abc.", min_size=1))
    | st.builds(Opaque, st.text("ABC", min_size=1))
)
# A member that is called like a tag would be read as one; nothing in W3C's dictionaries begins with a dollar sign.
names = st.text(st.characters(codec=None), max_size=8).filter(lambda name: not name.startswith("$"))
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4))


@given(values)
def test_every_value_survives_json(value: object) -> None:
    assert from_json(json.loads(json.dumps(to_json(value)))) == value


def test_not_a_number_survives_as_itself() -> None:
    assert math.isnan(from_json(to_json(math.nan)))


def test_tuples_become_lists() -> None:
    assert from_json(to_json((1, (2,)))) == [1, [2]]


def test_a_lone_surrogate_survives() -> None:
    assert from_json(json.loads(json.dumps(to_json("\ud800")))) == "\ud800"


def test_what_has_no_form_is_refused() -> None:
    with pytest.raises(ScriptError, match="can't hold a object"):
        to_json(object())


@pytest.mark.parametrize(
    "broken", [{"$bytes": "not base64!"}, {"$bytes": 3}, {"$number": "1e3"}, {"$ref": 1}, {"$object": None}]
)
def test_malformed_tags_are_script_errors(broken: dict[str, object]) -> None:
    with pytest.raises(ScriptError):
        from_json(broken)


def test_an_object_with_more_members_than_a_tag_is_an_object() -> None:
    assert from_json({"$ref": "a", "b": 1}) == {"$ref": "a", "b": 1}
