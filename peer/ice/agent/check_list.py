"""The check list of RFC 8445 section 6.1.2, with the insertions of Trickle ICE (RFC 8838)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from peer.ice.agent.candidate import Candidate
from peer.ice.agent.events import PairState
from peer.ice.agent.pair import CandidatePair, pair_priority
from peer.ice.agent.path import Path

__all__ = ["CheckList"]


class CheckList:
    """Candidate pairs by path, the highest priority first, and the triggered-check queue.

    A pair is known by its path: local candidates are their bases here, which is the pruning of RFC 8445 section
    6.1.2.4. `changed` is called with every pair whose state moved.
    """

    def __init__(self, max_pairs: int, changed: Callable[[CandidatePair], None]) -> None:
        self._pairs: dict[Path, CandidatePair] = {}
        self._ordered: list[CandidatePair] = []
        self.triggered: deque[CandidatePair] = deque()
        self._max_pairs = max_pairs
        self._changed = changed

    def __iter__(self) -> Iterator[CandidatePair]:
        return iter(self._ordered)

    def __len__(self) -> int:
        return len(self._ordered)

    def find(self, path: Path) -> CandidatePair | None:
        return self._pairs.get(path)

    def set_state(self, pair: CandidatePair, state: PairState) -> None:
        if pair.state is not state:
            pair.state = state
            self._changed(pair)

    def insert(
        self,
        local: Candidate,
        remote: Candidate,
        *,
        controlling: bool,
        not_before: float = 0.0,
        urgent: bool = False,
    ) -> CandidatePair | None:
        """Add a pair, or give back the one that is there already; None when there is no room for it.

        Its ordinary check isn't performed before `not_before`; a triggered one is. An urgent one, of somebody who has
        called, takes the place of any that nothing is known of yet.

        RFC 8838 section 12 gives the state: Waiting for the first of its foundation and where one of the foundation has
        succeeded, else Frozen.
        """
        pair = CandidatePair(
            local, remote, pair_priority(local, remote, controlling=controlling), not_before=not_before
        )
        known = self._pairs.get(pair.path)
        if known is not None:
            if known.is_pending and pair.priority > known.priority:
                known.local, known.priority = local, pair.priority
                self._sort()
            return known
        if len(self._pairs) >= self._max_pairs and not self._make_room(1 << 64 if urgent else pair.priority):
            return None
        kin = [other for other in self._ordered if other.foundation == pair.foundation]
        if all(other.priority < pair.priority for other in kin) or any(
            other.state is PairState.SUCCEEDED for other in kin
        ):
            pair.state = PairState.WAITING
        self._pairs[pair.path] = pair
        self._ordered.append(pair)
        self._sort()
        self._changed(pair)
        return pair

    def _make_room(self, priority: int) -> bool:
        """RFC 8838 section 11: drop a failed pair, or else one of lower priority that nothing is known of yet."""
        failed = [pair for pair in self._ordered if pair.state is PairState.FAILED]
        lower = [
            pair
            for pair in reversed(self._ordered)
            if pair.priority < priority and pair.state in (PairState.FROZEN, PairState.WAITING)
        ]
        for pair in (*failed[-1:], *lower[:1]):
            self.remove(pair)
            return True
        return False

    def remove(self, pair: CandidatePair) -> None:
        self._pairs.pop(pair.path, None)
        self._ordered = [other for other in self._ordered if other is not pair]
        self.untrigger(pair)

    def trigger(self, pair: CandidatePair) -> None:
        if pair not in self.triggered:
            self.triggered.append(pair)

    def untrigger(self, pair: CandidatePair) -> None:
        if pair in self.triggered:
            self.triggered.remove(pair)

    def next_pair(self, now: float) -> CandidatePair | None:
        """The pair to check when Ta fires (RFC 8445 section 6.1.4.2, steps 1 to 3); thaws what has to be thawed."""
        if self.triggered:
            return self.triggered.popleft()
        waiting = self._first_waiting(now)
        if waiting is not None:
            return waiting
        for pair in self._ordered:
            if self._can_thaw(pair) and pair.not_before <= now:
                self.set_state(pair, PairState.WAITING)
        return self._first_waiting(now)

    def work_at(self) -> float | None:
        """When there is something for `next_pair` to give: 0.0 for at once, None for never."""
        if self.triggered:
            return 0.0
        ready = (pair for pair in self._ordered if pair.state is PairState.WAITING or self._can_thaw(pair))
        return min((pair.not_before for pair in ready), default=None)

    def _first_waiting(self, now: float) -> CandidatePair | None:
        waiting = (pair for pair in self._ordered if pair.state is PairState.WAITING and pair.not_before <= now)
        return next(waiting, None)

    def _can_thaw(self, pair: CandidatePair) -> bool:
        if pair.state is not PairState.FROZEN:
            return False
        busy = (PairState.WAITING, PairState.IN_PROGRESS)
        return not any(other.foundation == pair.foundation and other.state in busy for other in self._ordered)

    def thaw(self, foundation: tuple[str, str]) -> None:
        """RFC 8445 section 7.2.5.3.3: a success lets all of its foundation go."""
        for pair in self._ordered:
            if pair.state is PairState.FROZEN and pair.foundation == foundation:
                self.set_state(pair, PairState.WAITING)

    def update_remote(self, candidate: Candidate, *, controlling: bool) -> None:
        """A peer-reflexive candidate turned out to be a signalled one: its pairs take over what was signalled."""
        for pair in self._ordered:
            if pair.remote.address == candidate.address and pair.remote.protocol == candidate.protocol:
                pair.remote = candidate
                pair.priority = pair_priority(pair.local, pair.remote, controlling=controlling)
        self._sort()

    def recompute(self, *, controlling: bool) -> None:
        """The role changed, and the priorities with it (RFC 8445 section 7.2.5.1)."""
        for pair in self._ordered:
            pair.priority = pair_priority(pair.local, pair.remote, controlling=controlling)
        self._sort()

    def conclude(self, nominated: CandidatePair) -> list[CandidatePair]:
        """RFC 8445 section 8.1.2: a pair was nominated, all the others go. Gives back those that went.

        Pairs that are valid stay in view, with nothing more to do for them.
        """
        self.triggered.clear()
        gone = [pair for pair in self._ordered if pair is not nominated and not pair.valid]
        for pair in gone:
            self.remove(pair)
        return gone

    def _sort(self) -> None:
        self._ordered.sort(key=lambda pair: -pair.priority)
