"""Which pair to nominate and when, and which of the valid pairs carries the data: the choices RFC 8445 leaves to us."""

from __future__ import annotations

from collections.abc import Iterable

from peer.ice.agent import timing
from peer.ice.agent.context import Config
from peer.ice.agent.pair import CandidatePair

__all__ = ["choose", "nominate_at"]


def nominate_at(best: CandidatePair, pairs: Iterable[CandidatePair], config: Config, first_valid_at: float) -> float:
    """When the best valid pair, if nothing better has come, is nominated (RFC 8445 section 8.1.1).

    At once when it is direct or nothing better is pending. A relayed one waits while others that aren't may come, until
    each has been asked for long enough: the first request may be lost in a NAT that wants to be called from inside.
    """
    better = [pair for pair in pairs if pair.is_pending and pair.priority > best.priority]
    if best.is_direct or not better:
        return first_valid_at
    if not best.is_relayed:
        return first_valid_at + config.nomination_patience
    asked = [max(pair.first_checked or 0.0, first_valid_at) for pair in better if not pair.is_relayed]
    return max(asked) + config.relay_patience if asked else first_valid_at


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
