"""What an agent reports, and the states it can be in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from peer.ice.agent.candidate import Candidate
from peer.ice.agent.path import Path

__all__ = [
    "CandidateLearned",
    "Event",
    "GatheringState",
    "GatheringStateChanged",
    "PairChanged",
    "PairState",
    "PairView",
    "ResolutionRequested",
    "RoleChanged",
    "SelectedPairChanged",
    "State",
    "StateChanged",
]


class State(StrEnum):
    """W3C's RTCIceTransportState."""

    NEW = "new"
    CHECKING = "checking"
    CONNECTED = "connected"
    COMPLETED = "completed"
    DISCONNECTED = "disconnected"
    FAILED = "failed"
    CLOSED = "closed"


class GatheringState(StrEnum):
    """W3C's RTCIceGathererState."""

    NEW = "new"
    GATHERING = "gathering"
    COMPLETE = "complete"


class PairState(StrEnum):
    """RFC 8445 section 6.1.2.6, in the spelling of webrtc-stats."""

    FROZEN = "frozen"
    WAITING = "waiting"
    IN_PROGRESS = "in-progress"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PairView:
    """A candidate pair as it was at one moment.

    `local` is the candidate the remote side sees: behind a NAT the reflexive one, while `path` starts at its base. The
    counters are those of webrtc-stats' RTCIceCandidatePairStats; round trip times in seconds, None before the first.
    """

    path: Path
    local: Candidate
    remote: Candidate
    priority: int
    state: PairState
    nominated: bool
    valid: bool
    requests_sent: int = 0
    requests_received: int = 0
    responses_sent: int = 0
    responses_received: int = 0
    consent_requests_sent: int = 0
    total_round_trip_time: float = 0.0
    current_round_trip_time: float | None = None
    packets_sent: int = 0
    packets_received: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    last_sent: float | None = None
    last_received: float | None = None

    def __str__(self) -> str:
        marks = f"{'nominated ' if self.nominated else ''}{'valid' if self.valid else ''}".strip()
        return f"{self.state:<11} {self.priority:>20} {self.local.type:>5} {self.path} {self.remote.type:<5} {marks}"


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The transport has gone to another state."""

    state: State


@dataclass(frozen=True, slots=True)
class GatheringStateChanged:
    state: GatheringState


@dataclass(frozen=True, slots=True)
class SelectedPairChanged:
    """Data goes over another pair from now on; over none when `pair` is None."""

    pair: PairView | None


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """A role conflict was repaired by giving in (RFC 8445 sections 7.2.5.1 and 7.3.1.1)."""

    controlling: bool


@dataclass(frozen=True, slots=True)
class ResolutionRequested:
    """A remote candidate has a name: look it up and add the candidate again with the address found, or don't."""

    candidate: Candidate


@dataclass(frozen=True, slots=True)
class CandidateLearned:
    """A peer-reflexive candidate was found: one of ours by a response, or one of theirs by a request."""

    candidate: Candidate
    remote: bool


@dataclass(frozen=True, slots=True)
class PairChanged:
    """A line of the check list changed; reported only where `Config.report_pairs` asks for it."""

    time: float
    pair: PairView


Event: TypeAlias = (
    StateChanged
    | GatheringStateChanged
    | SelectedPairChanged
    | RoleChanged
    | ResolutionRequested
    | CandidateLearned
    | PairChanged
)
