"""Each row can fail: the reference peer with a fault planted in it turns the row's cell red, for the right reason."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.matrix import meeting
from harness.matrix.cell import Cell
from harness.matrix.place import needs_coturn, needs_namespaces
from harness.matrix.rows import ROWS
from harness.matrix.run import run
from harness.net.namespaces import Lab
from harness.results import CaseResult
from harness.signaling import Signaling
from harness.verdict import Verdict
from peer.api import RTCPeerConnection, Seams


async def played(row: str, folder: Path) -> CaseResult:
    (cell,) = (await run(folder, [Cell("reference", "reference")], rows=[ROWS[row]], seed=1)).cells
    return cell


async def test_trickle_fails_when_a_description_does_not_announce_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def speak(_: Seams, description: Any) -> str:
        return str(description.sdp).replace("a=ice-options:trickle", "a=ice-options:ice2")

    monkeypatch.setattr(Seams, "speak", speak)
    cell = await played("trickle", tmp_path)
    assert (cell.verdict, cell.message) == (Verdict.FAIL, "the offer does not say a=ice-options:trickle")


async def test_restart_fails_when_the_credentials_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RTCPeerConnection, "restartIce", lambda _: None)
    cell = await played("restart", tmp_path)
    assert cell.verdict is Verdict.FAIL
    assert "a restart changes ufrag and pwd" in cell.message


async def test_relay_fails_when_an_endpoint_uses_other_candidates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason := needs_coturn():
        pytest.skip(f"unsupported here: {reason}")
    usual = meeting._connection

    async def careless(endpoint: Any, configuration: Mapping[str, Any], seams: Seams) -> Any:
        return await usual(endpoint, {**configuration, "iceTransportPolicy": "all"}, seams)

    monkeypatch.setattr(meeting, "_connection", careless)
    cell = await played("relay-udp", tmp_path)
    assert cell.verdict is Verdict.FAIL
    assert "not relayed" in cell.message


async def test_nat_fails_when_the_pair_is_of_another_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both NATs stay port restricted: the pair that should need the relay is crossed directly."""
    if reason := needs_namespaces() or needs_coturn():
        pytest.skip(f"unsupported here: {reason}")
    monkeypatch.setattr(Lab, "change_nat", lambda *_: None)
    monkeypatch.setattr("harness.matrix.rows.nat.PATIENCE", 4.0)  # connections are made in it, too
    cell = await played("nat", tmp_path)
    assert cell.verdict is Verdict.FAIL
    assert "crossed by the relay, the pair is srflx" in cell.message


async def test_interface_change_fails_when_nothing_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if reason := needs_namespaces() or needs_coturn():
        pytest.skip(f"unsupported here: {reason}")
    monkeypatch.setattr("harness.signaling.Signaling.negotiate", _only_once())
    monkeypatch.setattr("harness.matrix.rows.interface_change.PATIENCE", 2.0)
    cell = await played("interface-change", tmp_path)
    assert cell.verdict is Verdict.TIMEOUT
    assert "no picture came back after the change" in cell.message


def _only_once() -> Any:
    """The restart's offer and answer are lost."""
    usual = Signaling.negotiate
    done: list[Signaling] = []

    async def negotiate(signaling: Signaling) -> Any:
        if done:
            return None
        done.append(signaling)
        return await usual(signaling)

    return negotiate
