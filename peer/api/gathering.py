"""Gathering candidates for one transport: the sockets, and the tasks that tell a script (webrtc-pc section 5.6)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from peer import jsep
from peer.api.candidate_pool import gather_options
from peer.api.events import RTCPeerConnectionIceErrorEvent, RTCPeerConnectionIceEvent
from peer.api.ice_candidate import RTCIceCandidate
from peer.api.states import RTCIceGathererState, RTCIceGatheringState
from peer.ice import agent as ice
from peer.ice.edge import CandidateError

if TYPE_CHECKING:
    from peer.api.core import Core
    from peer.api.transports import TransportStack

__all__ = ["Gathering"]

# Section 4.8.3: the code of "no host candidate can reach the server".
UNREACHABLE: Final = 701


class Gathering:
    """The edge of one transport. Its callbacks come from the loop; what a script sees of them comes from queued
    tasks.
    """

    def __init__(self, core: Core, stack: TransportStack) -> None:
        self._core = core
        self._stack = stack
        self._edge: Any = None
        self._generations: deque[str] = deque()  # username fragments of the generations being gathered
        self._early: list[tuple[ice.Candidate, str]] = []
        self._unreachable: set[str] = set()
        self._closed = False

    def start(self, ufrag: str) -> None:
        """Gather a generation: the first task, then the sockets at work."""
        core, transport = self._core, self._stack.ice
        self._generations.append(ufrag)
        self._unreachable.clear()
        if self._edge is None:
            pooled = core.pool.take()
            at_work = pooled is not None
            self._edge = self._make_edge() if pooled is None else pooled.give_to(self, gather_options(core))
        else:
            at_work = False
            self._edge.options = gather_options(core)  # setConfiguration counts from the next gathering phase on

        def began() -> None:
            transport._gathering_state = RTCIceGathererState.GATHERING
            changed = core.derive_ice_gathering_state()
            transport._fire("gatheringstatechange")
            if changed:
                core.fire("icegatheringstatechange")

        core.queue(began)
        if not at_work:
            self._edge.start()

    def _make_edge(self) -> Any:
        return self._core.seams.edge(
            gather_options(self._core),
            on_candidate=self._on_candidate,
            on_complete=self._on_complete,
            on_datagrams=self._stack.on_datagrams,
            on_error=self._on_error,
            on_base_lost=self._on_base_lost,
        )

    def send(self, transmissions: list[ice.Transmission]) -> None:
        if self._edge is not None:
            self._edge.send(transmissions)

    def path_mtu(self, path: ice.Path) -> int | None:
        """The largest IP packet that the first link of a path takes; None when nobody knows."""
        mtu: int | None = None if self._edge is None else self._edge.path_mtu(path)
        return mtu

    def resolve(self, candidate: ice.Candidate, found: Callable[[ice.Candidate], None]) -> None:
        """Look an mDNS name up."""
        if self._edge is not None:
            self._edge.resolve(candidate, found)

    def close(self) -> None:
        self._closed = True
        if self._edge is not None:
            self._edge.close()

    # what the edge reports

    def _on_candidate(self, candidate: ice.Candidate) -> None:
        """A candidate is checked at once, and surfaced by a task."""
        if self._closed:
            return
        self._stack.do(lambda made, now: made.take_ice(made.ice.add_local_candidate(candidate, now), now))
        ufrag = self._generations[-1] if self._generations else self._stack.ufrag
        self._core.queue(lambda: self._available(candidate, ufrag))

    def _on_base_lost(self, base: ice.Address) -> None:
        """A socket or an allocation is gone: so are the pairs that began there."""
        if not self._closed:
            self._stack.do(lambda made, now: made.take_ice(made.ice.remove_local_base(base, now), now))

    def _available(self, candidate: ice.Candidate, ufrag: str) -> None:
        """The text's "a new ICE candidate is available", steps 4 and 5."""
        if self._core.state.local is None:
            self._early.append((candidate, ufrag))
        else:
            self._surface(candidate, ufrag)

    def release_early_candidates(self) -> None:
        """The text's "release early candidates"."""
        early, self._early = self._early, []
        for candidate, ufrag in early:
            self._core.queue(partial(self._surface, candidate, ufrag))

    def _surface(self, candidate: ice.Candidate, ufrag: str) -> None:
        """The text's "surface a candidate"."""
        core, stack = self._core, self._stack
        text = candidate.serialize()
        core.state = jsep.add_local_candidate(core.state, stack.mid, text, ufrag)  # steps 3 and 4
        surfaced = RTCIceCandidate._of(  # step 5
            candidate=text,
            sdpMid=stack.mid,
            sdpMLineIndex=stack.index,
            usernameFragment=ufrag,
            relayProtocol=candidate.relay_protocol,
            url=candidate.server,
        )
        stack.ice._local_candidates.append(surfaced)  # step 6
        core.fire(RTCPeerConnectionIceEvent("icecandidate", {"candidate": surfaced, "url": candidate.server}))  # 7

    def _on_complete(self) -> None:
        """One generation is gathered: one task, and a second when no other is under way."""
        if self._closed:
            return
        ufrag = self._generations.popleft() if self._generations else self._stack.ufrag
        self._core.queue(lambda: self._generation_ended(ufrag))
        if not self._generations:
            self._stack.do(lambda made, now: made.take_ice(made.ice.end_of_local_candidates(now), now))
            self._core.queue(self._all_ended)

    def _generation_ended(self, ufrag: str) -> None:
        core, stack = self._core, self._stack
        core.state = jsep.end_local_candidates(core.state, stack.mid, ufrag)  # steps 2 and 3
        end = RTCIceCandidate._of(sdpMid=stack.mid, sdpMLineIndex=stack.index, usernameFragment=ufrag)  # step 4
        core.fire(RTCPeerConnectionIceEvent("icecandidate", {"candidate": end}))  # step 5

    def _all_ended(self) -> None:
        core, transport = self._core, self._stack.ice
        transport._gathering_state = RTCIceGathererState.COMPLETE  # step 2
        changed = core.derive_ice_gathering_state()  # steps 3 and 4
        transport._fire("gatheringstatechange")  # step 6
        if changed:  # step 7
            core.fire("icegatheringstatechange")
        # Step 8 has one for each transport; section 4.8.2.1 has "only one event containing a null candidate": the last.
        if core.ice_gathering_state is RTCIceGatheringState.COMPLETE:
            core.fire(RTCPeerConnectionIceEvent("icecandidate", {"candidate": None}))

    def _on_error(self, error: CandidateError) -> None:
        """An icecandidateerror: 701 "is only fired once per server URL", and addresses not yet exposed stay hidden."""
        if self._closed or (error.code == UNREACHABLE and error.url in self._unreachable):
            return
        if error.code == UNREACHABLE:
            self._unreachable.add(error.url)
        exposed = any(one.address == error.address for one in self._stack.ice._local_candidates)
        init = {
            "address": error.address if exposed else None,
            "port": error.port if exposed else None,
            "url": error.url,
            "errorCode": error.code,
            "errorText": error.text,
        }
        self._core.queue(lambda: self._core.fire(RTCPeerConnectionIceErrorEvent("icecandidateerror", init)))
