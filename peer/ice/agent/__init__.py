"""The sans-IO ICE agent (RFC 8445, 8838, 8839, 8863, 7675, 6544).

`Agent` is the machine; `Candidate` and `Parameters` are what signalling carries; `Path`, `Address` and `Transmission`
are what the edge understands. Times are in seconds; `peer.ice.agent.timing` names every constant.
"""

from peer.ice.agent import timing
from peer.ice.agent.agent import Agent
from peer.ice.agent.candidate import (
    Candidate,
    CandidateType,
    Parameters,
    TcpType,
    compute_foundation,
    compute_priority,
)
from peer.ice.agent.context import Config
from peer.ice.agent.events import (
    CandidateLearned,
    Event,
    GatheringState,
    GatheringStateChanged,
    PairChanged,
    PairState,
    PairView,
    ResolutionRequested,
    RoleChanged,
    SelectedPairChanged,
    State,
    StateChanged,
)
from peer.ice.agent.path import Address, Path, Transmission

__all__ = [
    "Address",
    "Agent",
    "Candidate",
    "CandidateLearned",
    "CandidateType",
    "Config",
    "Event",
    "GatheringState",
    "GatheringStateChanged",
    "PairChanged",
    "PairState",
    "PairView",
    "Parameters",
    "Path",
    "ResolutionRequested",
    "RoleChanged",
    "SelectedPairChanged",
    "State",
    "StateChanged",
    "TcpType",
    "Transmission",
    "compute_foundation",
    "compute_priority",
    "timing",
]
