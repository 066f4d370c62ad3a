"""Which pair to nominate and when, and which of the valid pairs carries the data: the choices RFC 8445 leaves to us."""

from __future__ import annotations

from collections.abc import Iterable

from peer.ice.agent import timing
from peer.ice.agent.context import Config
from peer.ice.agent.pair import CandidatePair

__all__ = ["choose", "patience"]


def patience(best: CandidatePair, pairs: Iterable[CandidatePair], config: Config) -> float:
    """How long the best valid pair waits for a better one before it is nominated (RFC 8445 section 8.1.1).

    Not at all when it is direct or nothing better is pending; longest when it is relayed and something that isn't may
    come.
    """
    better = [pair for pair in pairs if pair.is_pending and pair.priority > best.priority]
    if best.is_direct or not better:
        return 0.0
    if not best.is_relayed:
        return config.nomination_patience
    return config.relay_patience if any(not pair.is_relayed for pair in better) else 0.0


def choose(valid: list[CandidatePair]) -> CandidatePair | None:
    """The pair for data, of valid ones in order of priority (RFC 8445 sections 8.1.1 and 12.1).

    Before nomination that is the best valid pair. Of several nominated ones, as old peers and renomination make them,
    the one with the greatest nomination value, then of the highest priority; unless the other side has long stopped
    repeating that and now nominates another.
    """
    nominated = [pair for pair in valid if pair.nominated]
    if not nominated:
        return valid[0] if valid else None
    best = max(nominated, key=lambda pair: (pair.nomination, pair.priority))
    latest = max(nominated, key=lambda pair: pair.nominated_at)
    if latest.nomination >= best.nomination and latest.nominated_at - best.nominated_at > timing.STALE_NOMINATION:
        return latest
    return best
