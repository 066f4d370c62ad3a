"""harness.bench.datachannel: what a description becomes when a bad link is put between two ends."""

from dataclasses import replace

from harness.bench.datachannel import benchmarks, candidates, replaced
from peer.ice.agent import Address, Candidate

HOST = "a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host"
RELAY = "a=candidate:2 1 udp 100 192.0.2.9 6000 typ relay raddr 192.0.2.1 rport 5000"
SDP = f"v=0\r\n{HOST}\r\na=candidate:broken\r\n{RELAY}\r\na=end-of-candidates\r\n"


def moved(candidate: Candidate) -> Candidate | None:
    return replace(candidate, address=Address("127.0.0.1", 7)) if candidate.type == "host" else None


def test_candidates_stand_for_the_link_or_disappear() -> None:
    changed = replaced(SDP, moved)
    assert [(one.address.host, one.address.port) for one in candidates(changed)] == [("127.0.0.1", 7)]
    assert changed.splitlines()[0] == "v=0"
    assert changed.endswith("a=end-of-candidates\r\n")
    assert "broken" not in changed


def test_every_benchmark_has_a_name_of_its_own() -> None:
    names = [one.name for one in benchmarks()]
    assert len(set(names)) == len(names)
    assert {"datachannel/16KiB-cpu", "datachannel/16KiB-ethernet", "datachannel/1GiB-growth"} <= set(names)
