"""Facts: the first source that knows one is believed, and statistics are read as either browser writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.matrix.facts import from_stats, ice_pair, merge

CHROMIUM: Mapping[str, Mapping[str, Any]] = {
    "T": {
        "type": "transport",
        "tlsVersion": "FEFC",
        "dtlsCipher": "TLS_AES_128_GCM_SHA256",
        "srtpCipher": "AEAD_AES_256_GCM",
        "selectedCandidatePairId": "P",
    },
    "P": {"type": "candidate-pair", "state": "succeeded", "localCandidateId": "L", "remoteCandidateId": "R"},
    "L": {"type": "local-candidate", "candidateType": "host", "address": "::1", "port": 1, "protocol": "udp"},
    "R": {"type": "remote-candidate", "candidateType": "prflx", "ip": "127.0.0.1", "port": 2},
}
FIREFOX: Mapping[str, Mapping[str, Any]] = {
    "old": {"type": "candidate-pair", "state": "succeeded", "localCandidateId": "R", "remoteCandidateId": "L"},
    "used": {
        "type": "candidate-pair",
        "state": "succeeded",
        "selected": True,
        "nominated": True,
        "localCandidateId": "L",
        "remoteCandidateId": "R",
    },
    "L": CHROMIUM["L"],
    "R": CHROMIUM["R"],
}


def test_a_transports_statistics_are_read() -> None:
    assert from_stats(CHROMIUM) == {
        "dtls_version": "DTLSv1.3",
        "cipher": "TLS_AES_128_GCM_SHA256",
        "srtp_profile": "AEAD_AES_256_GCM",
        "ice_pair": "host [::1]:1 - prflx 127.0.0.1:2 (udp)",
    }


def test_without_a_transport_the_selected_pair_is_found() -> None:
    assert ice_pair(FIREFOX, {}) == "host [::1]:1 - prflx 127.0.0.1:2 (udp)"


def test_empty_statistics_are_no_facts() -> None:
    assert set(from_stats({}).values()) == {None}


def test_the_first_source_that_knows_is_believed() -> None:
    facts = merge({"cipher": "a", "setup_ms": None}, {"cipher": "b", "setup_ms": 3.0})
    assert (facts["cipher"], facts["setup_ms"]) == ("a", 3.0)


def test_every_cell_has_the_same_facts_known_or_not() -> None:
    assert set(merge()) == {"dtls_version", "cipher", "named_group", "srtp_profile", "ice_pair", "setup_ms"}
