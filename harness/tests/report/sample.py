"""A run made up for tests: nine cells, cases of every verdict, and hostile text wherever a peer could put some."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

from harness.results import Artefact, CaseResult, ClauseResult, Fact, RunInfo, artefact_folder, matrix_case
from harness.verdict import Verdict
from harness.writing import RunWriter, write_atomically

HOSTILE = "</script><script>window.pwned=1</script><img src=x onerror=window.pwned=1>'\"><svg onload=window.pwned=1>"
BUILDS = {"reference": "peerproof 0.1.0", "chromium": "156.0.7390.54", "firefox": "153.7.0"}
RUN = RunInfo("20261121-110000-7", "2026-11-21T11:00:00+00:00", 20261121, "af_packet", BUILDS, 42.0)

_SDP = """v=0
o=- {number} 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=msid-semantic: WMS
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=ice-ufrag:{ufrag}
a=ice-pwd:aVeryLongPasswordOfTwentyFour
a=fingerprint:sha-256 3F:A1:{number:02X}
a=setup:{setup}
a=mid:0
a=sctp-port:5000
a=max-message-size:262144
"""


def sample_run(directory: Path, *, hostile: str = "") -> None:
    """Write a finished run; `hostile` is appended to every string a peer has a hand in."""
    said = {name: f"{build}{hostile}" for name, build in BUILDS.items()}
    with RunWriter(directory, replace(RUN, builds=said, host={"system": f"some {hostile}"})) as writer:
        for offerer, answerer in product(BUILDS, BUILDS):
            writer.add(_cell(directory, offerer, answerer, hostile))
        for result in _cases(directory, hostile):
            writer.add(result)
        coverage = {
            rfc: {"must": {"total": must, "covered": covered}, "should": {"total": 20, "covered": covered // 5}}
            for rfc, must, covered in (
                ("RFC8445", 106, 41),
                ("RFC9147", 88, 31),
                ("RFC8831", 17, 15),
                ("RFC9429", 284, 96),
            )
        }
        writer.finish(clauses=coverage, duration_s=42.0)


_FINDING = "0123456789abcdef"


def sample_campaign(folder: Path, *, hostile: str = "") -> None:
    """Write a campaign on the signalling machine with one finding; `hostile` is in every string it holds."""
    calls = ("createOffer", "setLocalDescription(offer)", "setRemoteDescription(answer)", f"close{hostile}")
    states = ("stable", "have-local-offer", "closed")
    cells = {f"{state} x {call} x value{hostile}": 3**at for at, (state, call) in enumerate(product(states, calls))}
    steps = ("stable, local, offer", "have-local-offer, remote, answer", f"stable, remote, offer{hostile}")
    cells |= {f"pair: {one} > {two}": at for at, (one, two) in enumerate(pairwise(steps), start=1)}
    problem = {"oracle": "state", "error": f"stable{hostile}", "state": "closed", "endpoint": "chromium"}
    problem |= {"clause": f"W3C-1-1{hostile}", "message": f"step 3 {hostile}"}
    found = {"id": _FINDING, "confirmed": 5, "attempts": 5, "problem": problem}
    state: dict[str, Any] = {
        "target": "signalling",
        "endpoints": ["chromium"],
        "builds": {"chromium": f"156.0{hostile}"},
        "seed": 7,
    }
    state |= {"examples": 1234, "seconds": 60.0, "cells": cells}
    state |= {"figures": {f"lines of the peer{hostile}": [768, 1239]}}
    state |= {"first": {cell: at * 3.0 for at, cell in enumerate(cells)}}
    finding = folder / "signalling-chromium" / _FINDING
    finding.mkdir(parents=True)
    (finding / "finding.json").write_text(json.dumps(found))
    (finding / "repro.html").write_text("<!doctype html>")
    (finding.parent / "campaign.json").write_text(json.dumps(state))
    (folder / "torn").mkdir()
    (folder / "torn" / "campaign.json").write_text(f'{{"target": "{hostile[:3]}')


def write_artefacts(directory: Path, case: str, lanes: tuple[str, str], hostile: str = "") -> dict[str, str]:
    """The artefacts of one case: a short conversation of `lanes`."""
    folder = directory / artefact_folder(case, lanes)
    folder.mkdir(parents=True, exist_ok=True)
    offer = _SDP.format(number=11, ufrag="Kx3f", setup="actpass") + (f"a=x-hostile:{hostile}\n" if hostile else "")
    content = {
        Artefact.OFFER_SDP: offer,
        Artefact.ANSWER_SDP: _SDP.format(number=12, ufrag="p0Qz", setup="active"),
        Artefact.LADDER: json.dumps(
            {"lanes": list(lanes), "rows": _conversation(*lanes, hostile), "checks": _checks(lanes[0], hostile)}
        ),
        Artefact.TRACE: "\n".join(json.dumps(entry) for entry in _trace(lanes, hostile)),
        Artefact.LOG: f"[0.1] WARNING: something {hostile}\n",
        Artefact.PCAPNG: "",
    }
    for artefact, text in content.items():
        write_atomically(folder / artefact.file_name, text)
    return {artefact.value: str((folder / artefact.file_name).relative_to(directory)) for artefact in content}


def _cell(directory: Path, offerer: str, answerer: str, hostile: str) -> CaseResult:
    lanes = (offerer, answerer if answerer != offerer else f"{answerer} (2)")
    facts: dict[str, Fact] = {
        "dtls_version": "DTLSv1.3" if "firefox" in lanes else "DTLSv1.2",
        "named_group": "X25519MLKEM768",
        "srtp_profile": None,
        "ice_pair": "host/host udp",
        "setup_ms": 5.5 + 7.25 * len(offerer),
        "label": hostile,
        "witnesses": {"compared": 12, "disagree": [f"packets sent: 40, 41 {hostile}"] if hostile else []},
    }
    broken = (offerer, answerer) == ("firefox", "reference")
    return CaseResult(
        matrix_case("data"),
        (offerer, answerer),
        Verdict.FAIL if broken else Verdict.PASS,
        message=f"expected the channel to close, saw it open after 2 s {hostile}" if broken else "",
        clauses=(ClauseResult("RFC8831-6.7-M3", Verdict.FAIL if broken else Verdict.PASS, (9,)),),
        facts=facts,
        artefacts=write_artefacts(directory, f"{matrix_case('data')}{offerer}", lanes, hostile),
        duration_s=0.41,
        unexpected="fail where a pass was expected" if broken else "",
    )


def _cases(directory: Path, hostile: str) -> list[CaseResult]:
    names = [
        (
            "cases/ice/test_rfc8445_7_3_1_1_role_conflicts.py::test_controlling_agent_with_smaller_tiebreaker_answers_487",
            5,
        ),
        ("cases/ice/test_rfc8445_7_3_1_1_role_conflicts.py::test_a_repaired_conflict_still_connects", 6),
        ("cases/dtls/test_rfc9147_5_handshake.py::test_starts_only_after_a_check_succeeded", 8),
        ("cases/sctp/test_rfc9260_5_1_2_init.py::test_announces_streams_both_ways[65535]", 9),
        (f"cases/jsep/test_w3c_set_description.py::test_label_{hostile or 'plain'}", None),
    ]
    verdicts = list(Verdict)
    results = []
    for number, ((case, frame), endpoint) in enumerate(product(names, BUILDS)):
        verdict = verdicts[number // 2 % len(verdicts)] if number % 2 else Verdict.PASS
        unexpected = f"{verdict.value} where a pass was expected" if verdict is Verdict.FAIL or number == 13 else ""
        clause = f"RFC8445-7.3.1.1-{'S' if verdict is Verdict.WEAK else 'M'}{number + 1}"
        judged = verdict if verdict in {Verdict.PASS, Verdict.FAIL, Verdict.WEAK} else Verdict.INCONCLUSIVE
        frames = (frame,) if frame else ()
        evidence = "" if frame else f"a=setup:actpass{hostile}"
        results.append(
            CaseResult(
                case,
                ("reference", endpoint),
                verdict,
                message="" if verdict is Verdict.PASS else _message(hostile),
                clauses=(ClauseResult(clause, judged, frames, "expected 487, saw a success response", evidence),),
                facts={"setup_ms": 12.0, **_negotiated(number, hostile)},
                artefacts=write_artefacts(directory, case, ("reference", endpoint), hostile),
                duration_s=0.02 * number,
                unexpected=f"{unexpected} {hostile}" if unexpected else "",
                reason=f"declared {hostile}" if verdict is Verdict.UNSUPPORTED else "",
                attempts=(Verdict.FAIL, Verdict.PASS) if number == 4 else (),
            )
        )
    return results


def _negotiated(number: int, hostile: str) -> dict[str, Fact]:
    """One restriction for all, refused by one endpoint, and another one that was not run on the others."""
    told: dict[str, Fact] = {"parameter": "named_group", "value": "X25519MLKEM768", "role": "server"}
    agreed: dict[str, Fact] = {"state": "connected", "named_group": "X25519MLKEM768", "dtls_version": "DTLSv1.3"}
    refused: dict[str, Fact] = {"state": "failed", "alert": f"handshake_failure{hostile}", "refused_by": "endpoint"}
    of_each: dict[int, dict[str, Fact]] = {0: agreed, 1: agreed, 2: refused, 3: {**refused, "role": "client"}}
    return {"negotiation": told | of_each[number]} if number in of_each else {}


def _message(hostile: str) -> str:
    return (
        "expected a STUN error response 487 (Role Conflict) from chromium within 2.0 s\n"
        "      3  chromium  -> reference  STUN Binding request, ICE-CONTROLLING\n"
        "      4  reference -> chromium   STUN Binding request, ICE-CONTROLLING (smaller tie-breaker)\n"
        f" >>   5  chromium  -> reference  STUN Binding success response {hostile}\n"
    )


def _checks(endpoint: str, hostile: str) -> list[dict[str, object]]:
    states = [[0.002, "in-progress"], [0.004, f"succeeded{hostile}"], [0.006, "nominated"]]
    return [{"endpoint": f"{endpoint}{hostile}", "pair": f"[::1]:5 to [::1]:6{hostile}", "states": states}]


def _conversation(a: str, b: str, hostile: str) -> list[dict[str, Any]]:
    said = [
        (0.0, a, b, "signalling", "offer (1 m-section)", None),
        (0.0041, b, a, "signalling", "answer (1 m-section)", None),
        (0.0052, a, a, "event", "iceConnectionState: checking", None),
        (0.0061, a, b, "stun", "Binding request, USE-CANDIDATE", 1),
        (0.0064, b, a, "stun", "Binding success response", 2),
        (0.0066, b, a, "stun", "Binding request", 3),
        (0.0068, a, b, "stun", "Binding success response", 5),
        (0.0070, a, a, "event", "iceConnectionState: connected", None),
        (0.0081, b, a, "dtls", "ClientHello (2 fragments): DTLS 1.3, 1.2; X25519MLKEM768", 6),
        (0.0103, a, b, "dtls", "ServerHello, EncryptedExtensions, Certificate, Finished", 8),
        (0.0128, b, a, "sctp", "INIT", 9),
        (0.0131, a, b, "sctp", "INIT ACK", 10),
        (0.0150, b, a, "dcep", f"DATA_CHANNEL_OPEN label 'chat {hostile}'", 11),
    ]
    said += [
        (0.016 + 0.0004 * number, a, b, "sctp", f"DATA tsn {number} 1200 bytes", 12 + number) for number in range(60)
    ]
    rows: list[dict[str, Any]] = []
    for time, source, target, kind, label, frame in said:
        layers = [
            {"name": "UDP", "fields": [["source", "127.0.0.1:50000"], ["destination", "127.0.0.1:50001"]]},
            {
                "name": f"{kind} {hostile}",
                "fields": [["transaction id", "00ff" * 6], ["USERNAME", f"p0Qz:Kx3f{hostile}"]],
            },
        ]
        rows.append(
            {"t": time, "from": source, "to": target, "kind": kind, "label": label, "frame": frame}
            | ({"note": f"noted {hostile}"} if hostile and frame == 3 else {})
            | ({"layers": layers, "hex": bytes(range(120)).hex()} if frame and frame < 15 else {})
        )
    return rows


def _trace(lanes: tuple[str, str], hostile: str) -> list[dict[str, Any]]:
    a, b = lanes
    return [
        {
            "t": 0.0,
            "endpoint": a,
            "what": "call",
            "name": "createDataChannel",
            "value": f"chat {hostile}",
            "states": {},
        },
        {
            "t": 0.001,
            "endpoint": a,
            "what": "call",
            "name": "setLocalDescription",
            "states": {"signalingState": "have-local-offer"},
        },
        {
            "t": 0.004,
            "endpoint": b,
            "what": "call",
            "name": "setRemoteDescription",
            "states": {"signalingState": "have-remote-offer"},
        },
        {
            "t": 0.007,
            "endpoint": a,
            "what": "event",
            "name": "iceconnectionstatechange",
            "value": "connected",
            "extra": 1,
        },
    ]
