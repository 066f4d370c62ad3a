"""One generation of an ICE session: from a pair of credentials to the next restart.

It keeps the candidates of both sides, the check list and the valid pairs, performs the checks (RFC 8445 sections 7.2
and 7.3.1), nominates (section 8), and holds consent on the pair in use (RFC 7675). An agent has one, and during a
restart two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from peer.ice.agent import messages, timing
from peer.ice.agent.candidate import (
    Candidate,
    CandidateType,
    Parameters,
    peer_reflexive_local,
    peer_reflexive_remote,
)
from peer.ice.agent.check_list import CheckList
from peer.ice.agent.context import Context
from peer.ice.agent.events import CandidateLearned, PairChanged, PairState, ResolutionRequested
from peer.ice.agent.pair import CandidatePair, Purpose, Transaction, Transactions, can_pair, crosses_scope
from peer.ice.agent.path import Address, Path
from peer.ice.agent.selection import choose, nominate_at
from peer.wire import stun

__all__ = ["Generation", "Heard"]

_MAX_EARLY: Final = 64
"""Requests remembered before the remote credentials are known; further ones are answered and forgotten."""
_SPARE_PAIRS: Final = 2


@dataclass(frozen=True, slots=True)
class Heard:
    """What an accepted Binding request told: kept until the remote credentials are known."""

    path: Path
    remote_ufrag: str
    priority: int
    use_candidate: bool
    nomination: int | None


class Generation:
    """See the module's docstring. `number` is 0 for the first, and one more with every restart."""

    def __init__(self, context: Context, local: Parameters, number: int, now: float) -> None:
        self.context = context
        self.local = local
        self.remote: Parameters | None = None
        self.number = number
        self.local_candidates: list[Candidate] = []
        self.remote_candidates: dict[tuple[Address, str], Candidate] = {}
        self.local_done = False
        self.remote_done = False
        self.list_failed = False
        self.selected: CandidatePair | None = None
        self.consent_lost = False
        self.check_list = CheckList(context.config.max_pairs, self._pair_changed)
        self._transactions = Transactions()
        self._early: list[Heard] = []
        self._unheard: list[Candidate] = []
        self._first_valid_at: float | None = None
        self._next_consent: float | None = None
        self._pac_ends: float | None = None
        self._now = now

    # -- what the signalling says ------------------------------------------------------------------------------------

    def set_remote(self, remote: Parameters, now: float) -> None:
        """The remote credentials: what was heard before them is gone through now (RFC 8445 section 7.3)."""
        self._now = now
        self.remote = remote
        self._pac_ends = now + timing.PAC_TIMEOUT
        waiting, self._unheard = self._unheard, []
        ended, self.remote_done = self.remote_done, False  # these came before the end
        for candidate in waiting:
            self.add_remote(candidate, now)
        self.remote_done = ended
        early, self._early = self._early, []
        for heard in early:
            self.hear(heard, now)

    def add_local(self, candidate: Candidate, now: float) -> None:
        """Pair a newly gathered candidate (RFC 8838 section 10)."""
        self._now = now
        self.local_candidates.append(candidate)
        for remote in list(self.remote_candidates.values()):
            self._pair_up(candidate, remote)

    def remove_local(self, base: Address, now: float) -> None:
        """A base is gone (an interface went down): so are its candidates and pairs."""
        self._now = now
        self.local_candidates = [known for known in self.local_candidates if known.sending_address != base]
        for pair in [pair for pair in self.check_list if pair.path.local == base]:
            pair.valid = False
            self.check_list.remove(pair)
            self._transactions.forget(pair)

    def add_remote(self, candidate: Candidate, now: float) -> None:
        """Pair a candidate of the other side (RFC 8838 section 11). One for another generation is ignored."""
        self._now = now
        if self.remote is None:
            if len(self._unheard) < self.context.config.max_remote_candidates:
                self._unheard.append(candidate)
            return
        if self._is_too_late(candidate) or (candidate.ufrag is not None and candidate.ufrag != self.remote.ufrag):
            return
        key = (candidate.address, candidate.protocol)
        known = self.remote_candidates.get(key)
        if known is None and len(self.remote_candidates) >= self.context.config.max_remote_candidates:
            return
        if known is not None and known.type is not CandidateType.PEER_REFLEXIVE:
            return
        self.remote_candidates[key] = candidate
        if known is not None:
            self.check_list.update_remote(candidate, controlling=self.context.controlling)
        if candidate.address.is_name:
            self.context.events.append(ResolutionRequested(candidate))
            return
        for local in self.local_candidates:
            self._pair_up(local, candidate)

    def _is_too_late(self, candidate: Candidate) -> bool:
        """After the end new ones are ignored (RFC 8838 section 14), but for the address of a name told before."""
        told = ((known.address, known.foundation) for known in self.remote_candidates.values())
        return self.remote_done and not any(
            address.is_name and (address.port, foundation) == (candidate.address.port, candidate.foundation)
            for address, foundation in told
        )

    def _pair_up(self, local: Candidate, remote: Candidate) -> None:
        idle = self.context.config.lite or self.is_concluded
        if idle or self._is_forbidden(local) or not can_pair(local, remote):
            return
        not_before = self._now + timing.SCOPE_PATIENCE if crosses_scope(local, remote) else 0.0
        self.check_list.insert(local, remote, controlling=self.context.controlling, not_before=not_before)

    def _is_forbidden(self, local: Candidate) -> bool:
        """By iceTransportPolicy."""
        return self.context.config.transport_policy == "relay" and local.type is not CandidateType.RELAYED

    # -- checks: the client's side -----------------------------------------------------------------------------------

    @property
    def is_concluded(self) -> bool:
        """A pair was nominated, or the nomination failed: no new checks are started (RFC 8445 section 8.1.2)."""
        return self.list_failed or any(pair.nominated for pair in self.check_list)

    @property
    def is_closed_list(self) -> bool:
        """Concluded for good: renomination goes on looking for better pairs."""
        return self.is_concluded and not self.context.config.renomination

    def work_at(self) -> float | None:
        """When the next check can be performed, as far as Ta allows: 0.0 for at once, None for never."""
        return None if self.remote is None or self.context.config.lite else self.check_list.work_at()

    def start_check(self, now: float) -> bool:
        """Perform the next check, if there is one to perform."""
        self._now = now
        if self.remote is None or self.context.config.lite:
            return False
        while (pair := self.check_list.next_pair(now)) is not None:
            if pair.state is PairState.SUCCEEDED and not pair.nominating:
                continue  # answered while it waited in the triggered-check queue
            self._send_check(pair, now)
            return True
        return False

    def _send_check(self, pair: CandidatePair, now: float) -> None:
        purpose = Purpose.NOMINATION if pair.nominating else Purpose.CHECK
        if pair.first_checked is None:
            pair.first_checked = now
        if pair.state is not PairState.SUCCEEDED:  # a nomination repeats the check of a pair that stays valid meanwhile
            self.check_list.set_state(pair, PairState.IN_PROGRESS)
        pending = sum(other.state in (PairState.WAITING, PairState.IN_PROGRESS) for other in self.check_list)
        self._request(pair, purpose, timing.retransmission_timeout(self.pacing, pending), now)

    def _request(self, pair: CandidatePair, purpose: Purpose, rto: float, now: float) -> None:
        if self.remote is None:
            return
        message = messages.binding_request(
            self.context,
            self.local,
            self.remote,
            pair,
            use_candidate=purpose is Purpose.NOMINATION,
        )
        self._transactions.add(Transaction(pair, purpose, message, pair.path, now, rto))
        pair.requests_sent += 1
        pair.consent_requests_sent += purpose is Purpose.CONSENT
        pair.last_sent = now
        self.context.send(message, pair.path, now)

    def owns(self, transaction_id: bytes) -> bool:
        return transaction_id in self._transactions

    def receive_response(self, message: stun.Message, data: bytes, path: Path, now: float) -> str:
        """Go on with the transaction a response belongs to (RFC 8445 section 7.2.5). Says why, if it is discarded."""
        self._now = now
        transaction = self._transactions.get(message.transaction_id)
        if self.remote is None or not stun.has_valid_integrity(data, self.remote.pwd.encode()):
            return "a response without valid integrity"  # RFC 8489 section 9.1.4: as if it had never come
        self._transactions.remove(transaction)
        pair = transaction.pair
        pair.responses_received += 1
        if path != transaction.path:
            self._fail(transaction)  # RFC 8445 section 7.2.5.2.1: not symmetric
        elif message.message_class is stun.Class.ERROR:
            self._receive_error(message, transaction)
        elif message.unknown_required(messages.KNOWN) or message.mapped_address is None:
            self._fail(transaction)
        else:
            self._succeed(message, transaction, now)
        return ""

    def _receive_error(self, message: stun.Message, transaction: Transaction) -> None:
        code = message.error.code if message.error is not None else 0
        if code == messages.ROLE_CONFLICT:
            # Give in only if the role is still the one the request claimed: another conflict may have changed it.
            was_controlling = transaction.message.controlling is not None
            if was_controlling == self.context.controlling:
                self.context.switch_role()
                self.context.new_tiebreaker()
            if not self.is_closed_list:
                transaction.pair.nominating = False
                self.check_list.set_state(transaction.pair, PairState.WAITING)
                self.check_list.trigger(transaction.pair)
        elif transaction.purpose is Purpose.CONSENT:
            if code == messages.FORBIDDEN:  # RFC 7675 section 5.2: consent is revoked at once
                self._lose(transaction.pair)
        else:
            self._fail(transaction)

    def _fail(self, transaction: Transaction) -> None:
        pair = transaction.pair
        if transaction.purpose is Purpose.CONSENT or transaction.cancelled:
            return
        nomination = transaction.purpose is Purpose.NOMINATION or pair.nominate_on_success
        pair.valid = pair.nominating = pair.nominate_on_success = False
        self.check_list.set_state(pair, PairState.FAILED)
        # RFC 8445 section 7.2.5.3.4: a nomination that fails takes the check list with it. With renomination it
        # doesn't.
        if nomination and not self.context.config.renomination:
            self.list_failed = True

    def _succeed(self, message: stun.Message, transaction: Transaction, now: float) -> None:
        pair = transaction.pair
        pair.last_response = now
        pair.current_round_trip_time = now - transaction.sent_at
        pair.total_round_trip_time += pair.current_round_trip_time
        if transaction.purpose is Purpose.CONSENT:
            return
        if self.check_list.find(pair.path) is not pair:
            return  # it left the list while the answer was on its way
        valid = self._valid_pair(message, transaction)
        for succeeded in (pair, valid):
            if not succeeded.nominating:
                self.check_list.untrigger(succeeded)
            self.check_list.set_state(succeeded, PairState.SUCCEEDED)
            # One answer is enough: the silence of other checks means nothing now
            self._transactions.cancel_checks(succeeded)
        valid.valid = True
        valid.last_response = now
        if self._first_valid_at is None:
            self._first_valid_at = now
        self.check_list.thaw(pair.foundation)
        if transaction.purpose is Purpose.NOMINATION or pair.nominate_on_success:
            pair.nominating = pair.nominate_on_success = False
            self._nominate(valid, now)

    def _valid_pair(self, message: stun.Message, transaction: Transaction) -> CandidatePair:
        """RFC 8445 sections 7.2.5.3.1 and 7.2.5.3.2: whose address came back, and which pair is valid by that."""
        pair = transaction.pair
        mapped = Address(*(message.mapped_address or pair.path.local))
        other = self.check_list.find(pair.path._replace(local=mapped))
        if mapped == pair.path.local or other is pair:
            return pair
        if other is not None:
            return other
        for known in self.local_candidates:
            if known.address == mapped and known.protocol == pair.local.protocol:
                pair.mapped = known
                return pair
        learned = peer_reflexive_local(mapped, pair.local, pair.path.remote, transaction.message.priority or 0)
        if len(self.local_candidates) < self.context.config.max_remote_candidates:
            self.local_candidates.append(learned)
            self.context.events.append(CandidateLearned(learned, remote=False))
        pair.mapped = learned
        return pair

    # -- checks: the server's side -----------------------------------------------------------------------------------

    def hear(self, heard: Heard, now: float) -> None:
        """Learn from a request that was accepted and answered (RFC 8445 sections 7.3.1.3 to 7.3.1.5, and 7.3.2)."""
        self._now = now
        if self.remote is None or heard.remote_ufrag != self.remote.ufrag:
            if len(self._early) < _MAX_EARLY and heard not in self._early:
                self._early.append(heard)
            return
        nominates = heard.use_candidate and not self.context.controlling
        if self.is_closed_list and not nominates and self.check_list.find(heard.path) is None:
            return
        pair = self._triggered_pair(heard)
        if pair is None:
            return
        pair.requests_received += 1
        pair.responses_sent += 1
        pair.last_received = now
        if self.context.config.lite:
            self.check_list.set_state(pair, PairState.SUCCEEDED)
            pair.valid, pair.last_response = True, now
        elif not self.is_closed_list or nominates:
            self._trigger(pair)
        if nominates:
            pair.nomination = max(pair.nomination, heard.nomination or 0)
            if pair.valid:
                self._nominate(pair, now)
            else:
                pair.nominate_on_success = True

    def _triggered_pair(self, heard: Heard) -> CandidatePair | None:
        known = self.check_list.find(heard.path)
        if known is not None:
            return known
        local = self._local_at(heard.path)
        remote = self.remote_candidates.get((heard.path.remote, heard.path.protocol))
        if remote is None:
            remote = self._learn_remote(heard)
        if local is None or remote is None:
            return None
        return self.check_list.insert(local, remote, controlling=self.context.controlling, urgent=True)

    def _local_at(self, path: Path) -> Candidate | None:
        """The candidate a request arrived at: a host or relayed one, whose base is where the datagram came in."""
        at_base = [
            known
            for known in self.local_candidates
            if known.sending_address == path.local and known.protocol == path.protocol and not self._is_forbidden(known)
        ]
        direct = (CandidateType.HOST, CandidateType.RELAYED)
        return min(at_base, key=lambda known: (known.type not in direct, -known.priority), default=None)

    def _learn_remote(self, heard: Heard) -> Candidate | None:
        # However many candidates were signalled, there is room for those who really call.
        if len(self.remote_candidates) >= self.context.config.max_remote_candidates + _MAX_EARLY:
            return None
        foundation = f"prflx{len(self.remote_candidates)}"
        learned = peer_reflexive_remote(heard.path.remote, heard.path.protocol, heard.priority, foundation)
        self.remote_candidates[(learned.address, learned.protocol)] = learned
        self.context.events.append(CandidateLearned(learned, remote=True))
        return learned

    def _trigger(self, pair: CandidatePair) -> None:
        """RFC 8445 section 7.3.1.4."""
        if pair.state is PairState.SUCCEEDED or pair.consent_lost:
            return
        if pair.state is PairState.IN_PROGRESS:
            self._transactions.cancel_checks(pair)
        self.check_list.set_state(pair, PairState.WAITING)
        self.check_list.trigger(pair)

    # -- nomination --------------------------------------------------------------------------------------------------

    def _nominate(self, pair: CandidatePair, now: float) -> None:
        pair.nominated = True
        pair.nominated_at = now
        self._pair_changed(pair)
        if self.context.config.renomination:
            return  # the others stay, for the next time
        for gone in self.check_list.conclude(pair):
            self._transactions.forget(gone)

    def nominate(self, pair: CandidatePair) -> None:
        """Enqueue the check that nominates a valid pair (RFC 8445 section 8.1.1)."""
        pair.nominating = True
        if self.context.config.renomination:
            pair.nomination = 1 + max(other.nomination for other in self.check_list)
        self.check_list.trigger(pair)

    def _valid(self, now: float) -> list[CandidatePair]:
        """The pairs that may carry data: their last answer isn't older than consent lasts (RFC 7675 section 5.1)."""
        oldest = -1.0 if self.context.config.lite else now - timing.CONSENT_EXPIRY
        return [pair for pair in self.check_list if pair.valid and pair.last_response > oldest]

    def _patience_ends(self) -> float | None:
        """When the best valid pair will be nominated, if we are to nominate and have something to wait for."""
        idle = not self.context.controlling or self.is_concluded or self._first_valid_at is None
        if idle or any(pair.nominating for pair in self.check_list) or self.context.config.lite:
            return None
        valid = self._valid(self._now)
        if not valid or self._first_valid_at is None:
            return None
        return nominate_at(valid[0], self.check_list, self.context.config, self._first_valid_at)

    # -- selection and consent ---------------------------------------------------------------------------------------

    def select(self, now: float) -> None:
        """Nominate if the time has come, and choose the pair for data among the valid ones (RFC 8445 section 12.1)."""
        self._now = now
        ends = self._patience_ends()
        if ends is not None and now >= ends:
            self.nominate(self._valid(now)[0])
        chosen = choose(self._valid(now))
        if chosen is self.selected:
            return
        self.selected = chosen
        if chosen is None or self.context.config.lite:
            self._next_consent = None
        else:
            self.consent_lost = False
            self._next_consent = now + self._consent_interval()

    def _consent_interval(self) -> float:
        return timing.CONSENT_INTERVAL * self.context.random(*timing.CONSENT_SPREAD)

    def _keep_consent(self, now: float) -> None:
        pair = self.selected
        if pair is None or self._next_consent is None:
            return
        if now >= pair.last_response + timing.CONSENT_EXPIRY:
            self._lose(pair)
        elif now >= self._next_consent:
            self._next_consent = now + self._consent_interval()
            # Until one is nominated, the next best valid pairs are kept warm too: data may have to move to them.
            spare = [] if self.is_closed_list else [other for other in self._valid(now) if other is not pair]
            for one in (pair, *spare[:_SPARE_PAIRS]):
                self._request(one, Purpose.CONSENT, timing.RTO_MINIMUM, now)

    def _lose(self, pair: CandidatePair) -> None:
        """Consent has gone: the pair's credentials are never used on it again (RFC 7675 section 5.1)."""
        pair.valid = pair.nominated = False
        pair.consent_lost = self.consent_lost = True
        self.check_list.set_state(pair, PairState.FAILED)
        self._transactions.forget(pair)

    def is_silent(self, now: float) -> bool:
        """Whether the pair in use hasn't answered for so long that the transport counts as disconnected."""
        return (
            self.selected is not None
            and self._next_consent is not None
            and now >= self.selected.last_response + timing.DISCONNECTED_AFTER
        )

    def pac_running(self, now: float) -> bool:
        return self._pac_ends is None or now < self._pac_ends

    # -- time --------------------------------------------------------------------------------------------------------

    def next_timeout(self) -> float | None:
        """The earliest moment at which something is to be done, apart from starting checks."""
        return min(self._deadlines(), default=None)

    def _deadlines(self) -> Iterator[float]:
        yield from self._transactions.deadlines()
        ends = self._patience_ends()
        if ends is not None:
            yield ends
        if self.selected is not None and self._next_consent is not None:
            yield self._next_consent
            yield self.selected.last_response + timing.CONSENT_EXPIRY
            disconnected_at = self.selected.last_response + timing.DISCONNECTED_AFTER
            if disconnected_at > self._now:
                yield disconnected_at
        elif self._pac_ends is not None and self._pac_ends > self._now:
            yield self._pac_ends

    def handle_timeout(self, now: float) -> None:
        self._now = now
        for transaction in self._transactions.due(now):
            if transaction.advance(now):
                transaction.pair.requests_sent += 1
                transaction.pair.last_sent = now
                self.context.send(transaction.message, transaction.path, now)
            else:
                self._transactions.remove(transaction)
                self._fail(transaction)
        self._keep_consent(now)

    def role_changed(self) -> None:
        for pair in self.check_list:
            pair.nominating = False
        self.check_list.recompute(controlling=self.context.controlling)

    def _pair_changed(self, pair: CandidatePair) -> None:
        if self.context.config.report_pairs:
            self.context.events.append(PairChanged(self._now, pair.view()))

    def count_received(self, path: Path, size: int, now: float) -> bool:
        """Application data came in by a path. False when no pair is this path: nobody has vouched for its address."""
        pair = self.check_list.find(path)
        if pair is None:
            return False
        pair.packets_received += 1
        pair.bytes_received += size
        pair.last_received = now
        return True

    @property
    def pacing(self) -> float:
        """The Ta both sides agreed on (RFC 8839 section 5.6): the larger one."""
        theirs = self.remote.pacing if self.remote is not None else None
        return max(self.context.config.ta, theirs or 0.0, timing.TA_MINIMUM)
