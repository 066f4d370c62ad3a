"""RTCSessionDescription."""

from __future__ import annotations

import json
from typing import Any

import pytest

from peer.api import RTCSessionDescription


@pytest.mark.parametrize("kind", ["offer", "answer", "pranswer", "rollback"])
def test_type_and_sdp(kind: str) -> None:
    description = RTCSessionDescription({"type": kind, "sdp": "v=0\r\n"})
    assert (description.type, description.sdp) == (kind, "v=0\r\n")
    assert json.loads(json.dumps(description.toJSON())) == {"type": kind, "sdp": "v=0\r\n"}
    assert RTCSessionDescription(description).toJSON() == description.toJSON()
    assert kind in repr(description)


def test_sdp_defaults_to_nothing() -> None:
    assert RTCSessionDescription({"type": "offer"}).sdp == ""


@pytest.mark.parametrize("init", [None, {}, {"sdp": ""}, {"type": "wish"}, "offer"])
def test_refused(init: Any) -> None:
    with pytest.raises(TypeError):
        RTCSessionDescription(init)
