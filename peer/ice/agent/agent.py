"""The ICE agent: signalling and datagrams in, datagrams and events out. No sockets, no clock.

    signalling ──> Agent ──> Generation (current)  ── CheckList ── CandidatePair
    datagrams  ──>   │  └──> Generation (previous, during a restart)
                     └─────> server.answer: judging requests

An agent has one data stream with one component, as WebRTC bundles. What a remote peer sends never raises: messages that
don't decode, don't authenticate or don't belong to anything are discarded, with the reason in the trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from peer.errors import DecodeError, LocalProtocolError
from peer.ice.agent import messages, server, timing
from peer.ice.agent.candidate import Candidate, Parameters, with_base
from peer.ice.agent.context import Config, Context, Transform, identity
from peer.ice.agent.events import (
    Event,
    GatheringState,
    GatheringStateChanged,
    PairView,
    SelectedPairChanged,
    State,
    StateChanged,
)
from peer.ice.agent.generation import Generation
from peer.ice.agent.pair import CandidatePair
from peer.ice.agent.path import Address, Path, Transmission
from peer.ice.agent.states import Situation, transport_state
from peer.trace import Sink
from peer.wire import stun

__all__ = ["Agent"]


class Agent:
    """A full or lite ICE agent.

    Every method that changes something returns the events it caused; drain `datagrams_to_send` after every call and
    call `handle_timeout` at `next_timeout`. `now` is in seconds and never goes back.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        entropy: Callable[[int], bytes],
        transform: Transform = identity,
        trace: Sink | None = None,
    ) -> None:
        self.config = config if config is not None else Config()
        given = self.config.tiebreaker
        tiebreaker = int.from_bytes(entropy(8), "big") if given is None else given
        self._given_role = self.config.controlling
        controlling = self.config.controlling and not self.config.lite
        self._context = Context(self.config, entropy, transform, trace, controlling, tiebreaker)
        local = self.config.local or Parameters.generate(entropy, lite=self.config.lite)
        self._current = Generation(self._context, local, 0, 0.0)
        self._previous: Generation | None = None
        self._release_at: float | None = None
        self._keepalive_at: float | None = None
        self._state = State.NEW
        self._gathering = GatheringState.NEW
        self._selected: CandidatePair | None = None
        self._controlling = self._context.controlling
        self._timeout: float | None = None
        self._timeout_known = False

    # -- what can be read --------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        return self._state

    @property
    def gathering_state(self) -> GatheringState:
        return self._gathering

    @property
    def controlling(self) -> bool:
        return self._context.controlling

    @property
    def tiebreaker(self) -> int:
        """The 64-bit number that decides role conflicts."""
        return self._context.tiebreaker

    @property
    def local_parameters(self) -> Parameters:
        return self._current.local

    @property
    def remote_parameters(self) -> Parameters | None:
        return self._current.remote

    @property
    def local_candidates(self) -> tuple[Candidate, ...]:
        return tuple(self._current.local_candidates)

    @property
    def remote_candidates(self) -> tuple[Candidate, ...]:
        return tuple(self._current.remote_candidates.values())

    @property
    def selected_pair(self) -> PairView | None:
        return self._selected.view() if self._selected is not None else None

    @property
    def selected_path(self) -> Path | None:
        """The path for data: None before there is a valid pair, and when consent is gone."""
        return self._selected.path if self._selected is not None else None

    @property
    def pairs(self) -> tuple[PairView, ...]:
        """The check list of the current generation, the highest priority first."""
        return tuple(pair.view() for pair in self._current.check_list)

    @property
    def is_restarting(self) -> bool:
        """A restart has begun and its candidates haven't taken over yet."""
        return self._previous is not None and self._current.selected is None

    def describe(self) -> str:
        """The check list as text, a line a pair."""
        role = "controlling" if self.controlling else "controlled"
        header = f"{role}, {self._state}, generation {self._current.number}, selected {self.selected_path}"
        return "\n".join([header, *map(str, self.pairs)])

    # -- signalling --------------------------------------------------------------------------------------------------

    def set_controlling(self, controlling: bool) -> None:
        """The role signalling gives us (RFC 8445 section 6.1.1), to be set before checks begin.

        A lite agent has it towards another lite one only: whoever is full controls.
        """
        self._given_role = controlling
        remote = self._current.remote
        self._context.controlling = controlling and (not self.config.lite or (remote is not None and remote.lite))
        self._roles_changed()

    def set_remote_parameters(self, parameters: Parameters, now: float) -> list[Event]:
        """The remote credentials. Other ones than before mean that the remote side restarts: then so do we."""
        known = self._current.remote
        if known is not None and (known.ufrag, known.pwd) == (parameters.ufrag, parameters.pwd):
            self._current.remote = parameters
            return self._settle(now)
        if known is not None:
            self._begin(None, now)
        self._current.set_remote(parameters, now)
        if self.config.lite or parameters.lite:
            self.set_controlling(self._given_role or not self.config.lite)
        return self._settle(now)

    def start_gathering(self, now: float) -> list[Event]:
        self._set_gathering(GatheringState.GATHERING)
        return self._settle(now)

    def add_local_candidate(self, candidate: Candidate, now: float) -> list[Event]:
        """A candidate was gathered: pair it. Under the policy "relay" others than relayed ones are never paired.

        One that is known already changes nothing. Raises `LocalProtocolError` for a new one after the end.
        """
        candidate = with_base(candidate)
        if candidate in self._current.local_candidates:
            return []
        if self._current.local_done:
            raise LocalProtocolError("no candidates after end-of-candidates, but after a restart (RFC 8838 section 13)")
        self._set_gathering(GatheringState.GATHERING)
        self._current.add_local(candidate, now)
        return self._settle(now)

    def end_of_local_candidates(self, now: float) -> list[Event]:
        self._current.local_done = True
        self._set_gathering(GatheringState.COMPLETE)
        return self._settle(now)

    def remove_local_base(self, base: Address, now: float) -> list[Event]:
        """A socket is gone: its candidates and pairs go with it, and data moves to another valid pair or stops."""
        for generation in self._generations():
            generation.remove_local(base, now)
        return self._settle(now)

    def add_remote_candidate(self, candidate: Candidate | None, now: float) -> list[Event]:
        """A candidate of the other side; None is its end-of-candidates. One with a name asks for its resolution."""
        if candidate is None:
            self._current.remote_done = True
        else:
            self._current.add_remote(candidate, now)
        return self._settle(now)

    def restart(self, now: float, parameters: Parameters | None = None) -> list[Event]:
        """Begin a new generation with new credentials (RFC 8445 section 9).

        The path in use stays in use, its consent is kept up and its requests are answered until a pair of the new
        generation is valid. Gather again: local candidates belong to a generation. The credentials of before the last
        restart take it back (`cancel_restart`).
        """
        if self._state is State.CLOSED:
            raise LocalProtocolError("the agent is closed")
        if self._previous is not None and self._release_at is None and parameters == self._previous.local:
            return self.cancel_restart(now)
        self._begin(parameters, now)
        return self._settle(now)

    def cancel_restart(self, now: float) -> list[Event]:
        """Go back to the generation before the restart (a rolled back offer); nothing happens when it was released."""
        if self._previous is not None and self._release_at is None:
            self._current, self._previous = self._previous, None
            self._set_gathering(GatheringState.COMPLETE if self._current.local_done else GatheringState.GATHERING)
        return self._settle(now)

    def nominate(self, path: Path, now: float) -> list[Event]:
        """Nominate a valid pair by hand, as the controlling side. Raises `LocalProtocolError` where that can't be."""
        pair = self._current.check_list.find(path)
        if pair is None or not pair.valid or not self.controlling:
            raise LocalProtocolError("only the controlling side nominates, and only valid pairs")
        self._current.nominate(pair)
        return self._settle(now)

    def close(self, now: float) -> list[Event]:
        """Stop: nothing is sent or answered from now on."""
        self._state = State.CLOSED
        self._selected = None
        self._context.outbox.clear()
        self._timeout_known = False
        return [StateChanged(State.CLOSED)]

    # -- the dialect -------------------------------------------------------------------------------------------------

    def receive_datagram(self, data: bytes, now: float, path: Path) -> list[Event]:
        """One STUN datagram that came in by `path`. Anything else is discarded."""
        if self._state is State.CLOSED:
            return []
        try:
            message = stun.parse(data)
        except DecodeError as error:
            self._context.note_received(None, data, path, now, str(error))
            return []
        why = self._receive(message, data, path, now)
        self._context.note_received(message, data, path, now, why)
        return self._settle(now)

    def datagrams_to_send(self, now: float) -> list[Transmission]:
        """What is to be sent now. Starts the next check when Ta allows it."""
        nothing_due = self._timeout_known and (self._timeout is None or now < self._timeout)
        if not nothing_due and self._state is not State.CLOSED and now >= self._context.next_check_at:
            for generation in self._generations():
                if generation.start_check(now):
                    self._context.next_check_at = now + generation.pacing
                    self._timeout_known = False
                    break
        out, self._context.outbox = self._context.outbox, []
        return out

    def next_timeout(self) -> float | None:
        if not self._timeout_known:
            self._timeout = self._compute_timeout()
            self._timeout_known = True
        return self._timeout

    def handle_timeout(self, now: float) -> list[Event]:
        if self._state is State.CLOSED:
            return []
        for generation in self._generations():
            generation.handle_timeout(now)
        if self._release_at is not None and now >= self._release_at:
            self._previous = self._release_at = None
        if self._keepalive_at is not None and now >= self._keepalive_at and self._selected is not None:
            self._context.send(messages.binding_indication(self._context), self._selected.path, now)
            self._keepalive_at = now + timing.TR
        return self._settle(now)

    # -- data --------------------------------------------------------------------------------------------------------

    def count_sent(self, size: int, now: float) -> None:
        """Application data went out by the selected path (for statistics)."""
        if self._selected is not None:
            self._selected.packets_sent += 1
            self._selected.bytes_sent += size
            self._selected.last_sent = now

    def count_received(self, path: Path, size: int, now: float) -> bool:
        """Application data came in by a path (for statistics). False when it is the path of no pair; see `knows`."""
        known = [generation.count_received(path, size, now) for generation in self._generations()]
        return any(known)

    def knows(self, path: Path) -> bool:
        """Whether a pair has this path: its address was signalled, or shown by an authentic check."""
        return any(generation.check_list.find(path) is not None for generation in self._generations())

    # -- inside ------------------------------------------------------------------------------------------------------

    def _generations(self) -> list[Generation]:
        return [self._current] if self._previous is None else [self._current, self._previous]

    def _receive(self, message: stun.Message, data: bytes, path: Path, now: float) -> str:
        if message.method != stun.Method.BINDING:
            return "not a Binding"
        if message.message_class is stun.Class.INDICATION:
            return ""  # a keepalive
        if message.message_class is stun.Class.REQUEST:
            # RFC 8489 section 6.3: the ICE usage has FINGERPRINT in every message; one without it isn't for us.
            if not stun.has_valid_fingerprint(data):
                return "no valid FINGERPRINT"
            learned = server.answer(self._context, self._generations(), message, data, path, now)
            self._roles_changed()
            if learned is None:
                return "refused"
            generation, heard = learned
            generation.hear(heard, now)
            return ""
        for generation in self._generations():
            if generation.owns(message.transaction_id):
                return generation.receive_response(message, data, path, now)
        return "a response to nothing we asked"

    def _begin(self, parameters: Parameters | None, now: float) -> None:
        local = parameters or Parameters.generate(self._context.entropy, lite=self.config.lite)
        if self._current.selected is not None or self._previous is None:
            self._previous = self._current
        self._release_at = None
        self._current = Generation(self._context, local, self._current.number + 1, now)
        self._gathering = GatheringState.NEW

    def _set_gathering(self, state: GatheringState) -> None:
        if self._gathering is not state:
            self._gathering = state
            self._context.events.append(GatheringStateChanged(state))

    def _roles_changed(self) -> None:
        if self._controlling != self._context.controlling:
            self._controlling = self._context.controlling
            for generation in self._generations():
                generation.role_changed()

    def _settle(self, now: float) -> list[Event]:
        """Draw the conclusions of whatever has just happened: roles, selected pair, state."""
        self._roles_changed()
        for generation in self._generations():
            generation.select(now)
        current, previous = self._current, self._previous
        if previous is not None and current.selected is not None and self._release_at is None:
            self._release_at = now + timing.RELEASE_DELAY
        chosen = current.selected
        if chosen is None and previous is not None:
            chosen = previous.selected
        if chosen is not self._selected:
            self._selected = chosen
            self._context.events.append(SelectedPairChanged(chosen.view() if chosen is not None else None))
            self._keepalive_at = now + timing.TR if self.config.lite and chosen is not None else None
        state = transport_state(self._situation(now)) if self._state is not State.CLOSED else State.CLOSED
        if state is not self._state:
            self._state = state
            self._context.events.append(StateChanged(state))
        self._timeout_known = False
        events, self._context.events = self._context.events, []
        return events

    def _situation(self, now: float) -> Situation:
        current = self._current
        carrier = current if current.selected is not None or self._previous is None else self._previous
        return Situation(
            selected=self._selected is not None,
            silent=carrier.is_silent(now) and not self.is_restarting,
            restarted=current.number > 0,
            local_candidates=len(current.local_candidates),
            remote_candidates=len(current.remote_candidates),
            gathered=current.local_done,
            end_of_candidates=current.remote_done,
            concluded=current.is_concluded,
            list_failed=current.list_failed,
            consent_lost=current.consent_lost,
            pairs=len(current.check_list),
            pending=sum(pair.is_pending for pair in current.check_list),
            pac_running=current.pac_running(now),
        )

    def _compute_timeout(self) -> float | None:
        if self._state is State.CLOSED:
            return None
        times: Iterable[float | None] = (
            self._release_at,
            self._keepalive_at,
            *(generation.next_timeout() for generation in self._generations()),
            *(
                max(at, self._context.next_check_at)
                for generation in self._generations()
                if (at := generation.work_at()) is not None
            ),
        )
        return min((time for time in times if time is not None), default=None)
