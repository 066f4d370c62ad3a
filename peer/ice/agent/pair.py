"""Candidate pairs and the transactions that check them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from peer.ice.agent import timing
from peer.ice.agent.candidate import Candidate, CandidateType, TcpType
from peer.ice.agent.events import PairState, PairView
from peer.ice.agent.path import Path
from peer.wire.stun import Message

__all__ = ["CandidatePair", "Purpose", "Transaction", "Transactions", "can_pair", "crosses_scope", "pair_priority"]


def pair_priority(local: Candidate, remote: Candidate, *, controlling: bool) -> int:
    """RFC 8445 section 6.1.2.3."""
    g, d = (local.priority, remote.priority) if controlling else (remote.priority, local.priority)
    return (min(g, d) << 32) + 2 * max(g, d) + (1 if g > d else 0)


# RFC 6544 section 6.2: which local TCP candidate goes with which remote one. A passive one waits to be called.
_TCP_COMPLEMENTS = {
    TcpType.ACTIVE: TcpType.PASSIVE,
    TcpType.SIMULTANEOUS_OPEN: TcpType.SIMULTANEOUS_OPEN,
}


def can_pair(local: Candidate, remote: Candidate) -> bool:
    """RFC 8445 section 6.1.2.2: same component, transport and IP version; link-local only with link-local."""
    here, there = local.sending_address, remote.address
    if local.component != remote.component or local.protocol != remote.protocol or there.is_name:
        return False
    if local.protocol == "tcp" and (local.tcp_type is None or _TCP_COMPLEMENTS.get(local.tcp_type) != remote.tcp_type):
        return False
    if here.is_ipv6 != there.is_ipv6:
        return False
    return not here.is_ipv6 or here.is_link_local == there.is_link_local


def crosses_scope(local: Candidate, remote: Candidate) -> bool:
    """Whether a pair leads from loopback to a real address of the same machine.

    It can work, but a socket bound to no address in particular (Chromium's, without a media permission) answers such a
    check from its own loopback address, and the check fails for want of symmetry.
    """
    return local.sending_address.is_loopback and not remote.address.is_loopback


class Purpose(StrEnum):
    """Why a Binding request was sent."""

    CHECK = "check"
    NOMINATION = "nomination"
    CONSENT = "consent"


@dataclass(slots=True, eq=False)
class CandidatePair:
    """One line of the check list.

    `local` has the base as its sending address; `mapped` is what a response said it is.
    """

    local: Candidate
    remote: Candidate
    priority: int
    state: PairState = PairState.FROZEN
    not_before: float = 0.0
    """When its ordinary check may be performed at the earliest."""
    mapped: Candidate | None = None
    valid: bool = False
    nominated: bool = False
    consent_lost: bool = False
    """Consent has gone: it is never checked again with these credentials (RFC 7675 section 5.1)."""
    nominating: bool = False
    """We (controlling) are nominating it: its next check carries USE-CANDIDATE."""
    nominate_on_success: bool = False
    """They (controlling) nominated it before our own check of it succeeded."""
    nomination: int = 0
    """The greatest value of a renomination."""
    nominated_at: float = 0.0
    last_response: float = 0.0
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
    first_checked: float | None = None
    last_sent: float | None = None
    last_received: float | None = None

    @property
    def path(self) -> Path:
        return Path(self.local.sending_address, self.remote.address, self.local.protocol)

    @property
    def foundation(self) -> tuple[str, str]:
        return (self.local.foundation, self.remote.foundation)

    @property
    def is_pending(self) -> bool:
        """Neither succeeded nor failed yet."""
        return self.state in (PairState.FROZEN, PairState.WAITING, PairState.IN_PROGRESS)

    @property
    def is_relayed(self) -> bool:
        return CandidateType.RELAYED in (self.local.type, self.remote.type)

    @property
    def is_direct(self) -> bool:
        """Nothing between the two that we know of: no relay of ours or theirs, and no NAT on our side."""
        direct = (CandidateType.HOST, CandidateType.PEER_REFLEXIVE)
        return self.mapped is None and self.local.type is CandidateType.HOST and self.remote.type in direct

    def view(self) -> PairView:
        return PairView(
            path=self.path,
            local=self.mapped if self.mapped is not None else self.local,
            remote=self.remote,
            priority=self.priority,
            state=self.state,
            nominated=self.nominated,
            valid=self.valid,
            requests_sent=self.requests_sent,
            requests_received=self.requests_received,
            responses_sent=self.responses_sent,
            responses_received=self.responses_received,
            consent_requests_sent=self.consent_requests_sent,
            total_round_trip_time=self.total_round_trip_time,
            current_round_trip_time=self.current_round_trip_time,
            packets_sent=self.packets_sent,
            packets_received=self.packets_received,
            bytes_sent=self.bytes_sent,
            bytes_received=self.bytes_received,
            last_sent=self.last_sent,
            last_received=self.last_received,
        )


@dataclass(slots=True, eq=False)
class Transaction:
    """A Binding request on its way.

    A check is sent `timing.RC` times, doubling the RTO each time; a consent request once (RFC 7675 section 5.1). A
    cancelled one isn't sent again, and its silence is no failure (RFC 8445 section 7.3.1.4).
    """

    pair: CandidatePair
    purpose: Purpose
    message: Message
    path: Path
    sent_at: float
    rto: float
    wait: float = 0.0
    sent: int = 1
    cancelled: bool = False
    due: float = 0.0
    expires: float = 0.0

    def __post_init__(self) -> None:
        if self.purpose is Purpose.CONSENT:
            self.due = self.expires = self.sent_at + timing.CONSENT_EXPIRY
            return
        # RFC 8489 section 6.2.1: sent at 0, 1, 3, 7, 15, 31, 63 RTO, given up Rm RTO later.
        self.expires = self.sent_at + (2 ** (timing.RC - 1) - 1 + timing.RM) * self.rto
        self.wait = self.rto
        self.due = self.sent_at + self.rto

    def cancel(self) -> None:
        self.cancelled = True
        self.due = self.expires

    def advance(self, now: float) -> bool:
        """Move on to the next deadline; True when the request has to be sent again, False when time is up."""
        if now >= self.expires or self.cancelled or self.purpose is Purpose.CONSENT:
            return False
        self.sent += 1
        self.wait *= 2
        self.due = self.expires if self.sent == timing.RC else now + self.wait
        return True


class Transactions:
    """The requests that are out, by transaction id."""

    def __init__(self) -> None:
        self._out: dict[bytes, Transaction] = {}

    def __contains__(self, transaction_id: bytes) -> bool:
        return transaction_id in self._out

    def add(self, transaction: Transaction) -> None:
        self._out[transaction.message.transaction_id] = transaction

    def get(self, transaction_id: bytes) -> Transaction:
        return self._out[transaction_id]

    def remove(self, transaction: Transaction) -> None:
        self._out.pop(transaction.message.transaction_id, None)

    def deadlines(self) -> Iterator[float]:
        return (transaction.due for transaction in self._out.values())

    def due(self, now: float) -> list[Transaction]:
        return [transaction for transaction in self._out.values() if transaction.due <= now]

    def cancel_checks(self, pair: CandidatePair) -> None:
        """RFC 8445 section 7.3.1.4: no more retransmissions, and silence means nothing."""
        for transaction in self._out.values():
            if transaction.pair is pair and transaction.purpose is Purpose.CHECK:
                transaction.cancel()

    def forget(self, pair: CandidatePair) -> None:
        """Answers to anything asked on this pair aren't taken any more."""
        self._out = {key: known for key, known in self._out.items() if known.pair is not pair}
