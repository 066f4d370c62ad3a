"""What the parts of one connection share: its slots, its task queue, and the events at it.

`RTCPeerConnection` is the surface. Behind it `Negotiation` runs offer/answer, `Effects` carries out what a
description asks for, `TransportStack` drives one transport, `DataChannels` and `Media` keep the objects a script
sees. They meet here, and only here; what offer/answer knows is in `state`, one frozen value (`peer.jsep.State`) that
is replaced as a whole.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from peer import jsep
from peer.api.candidate_pool import CandidatePool
from peer.api.configuration import Configuration
from peer.api.events import Event, EventTarget
from peer.api.seams import Seams
from peer.api.states import (
    RTCIceConnectionState,
    RTCIceGatheringState,
    RTCPeerConnectionState,
    connection_state,
    ice_connection_state,
    ice_gathering_state,
)
from peer.api.tasks import OperationsChain, TaskQueue
from peer.rtp.clock import NTP_EPOCH

if TYPE_CHECKING:
    from peer.api.certificate import RTCCertificate
    from peer.api.channels import DataChannels
    from peer.api.identity import Identity
    from peer.api.media import Media
    from peer.api.sctp_transport import RTCSctpTransport
    from peer.api.stats import Stats
    from peer.api.transports import TransportStack

__all__ = ["Core"]


class Core:
    """The internal slots of one RTCPeerConnection. `target` is where its events are fired."""

    channels: DataChannels
    media: Media
    stats: Stats
    identity: Identity

    def __init__(
        self,
        target: EventTarget,
        configuration: Configuration,
        certificates: tuple[RTCCertificate, ...],
        seams: Seams,
        state: jsep.State,
    ) -> None:
        self.target = target
        self.configuration = configuration
        self.certificates = certificates
        self.seams = seams
        self.state = state
        self.loop = asyncio.get_running_loop()
        # Seconds since 1900 at our clock's zero, for sender reports: drawn once, the wall clock may jump.
        self.ntp_offset = time.time() + NTP_EPOCH - self.loop.time()
        self.is_closed = False
        self.negotiation_needed = False
        self.set_local_description_called = False
        self.ice_connection_state = RTCIceConnectionState.NEW
        self.ice_gathering_state = RTCIceGatheringState.NEW
        self.connection_state = RTCPeerConnectionState.NEW
        self.sctp: RTCSctpTransport | None = None
        self.sctp_transports: dict[int, RTCSctpTransport] = {}
        self.transports: dict[int, TransportStack] = {}
        self.pool = CandidatePool(self)
        self._tasks = TaskQueue()
        self.operations = OperationsChain(lambda: self.is_closed, self.update_negotiation_needed)

    def now(self) -> float:
        return self.loop.time()

    def queue(self, task: Callable[[], None]) -> None:
        """Queue a task. Every such task in the text starts with "if [[IsClosed]] is true, abort these steps"."""

        def unless_closed() -> None:
            if not self.is_closed:
                task()

        self._tasks.queue(unless_closed)

    def deliver(self, task: Callable[[], None]) -> None:
        """Queue the hand-over of a message. A closed channel discards it, so nothing has to be checked before."""
        self._tasks.queue(task, delivery=True)

    def queue_even_closed(self, task: Callable[[], None]) -> None:
        """Queue one of the few tasks that close() doesn't stop: none of them fires an event."""
        self._tasks.queue(task)

    def fire(self, event: Event | str) -> None:
        """Fire at the connection. Nothing fires after close."""
        if not self.is_closed:
            self.target._fire(event)

    # webrtc-pc section 4.7.3, "update the negotiation-needed flag"

    def update_negotiation_needed(self) -> None:
        if len(self.operations) != 0:  # step 1
            self.operations.update_on_empty = True
            return
        self.queue(self._check_negotiation_needed)  # step 2

    def _check_negotiation_needed(self) -> None:
        if len(self.operations) != 0:  # step 2.2
            self.operations.update_on_empty = True
            return
        if self.state.signaling != jsep.SignalingState.STABLE:  # step 2.3
            return
        if not jsep.negotiation_needed(self.state):  # step 2.4
            self.negotiation_needed = False
            return
        if self.negotiation_needed:  # step 2.5
            return
        self.negotiation_needed = True  # step 2.6
        self.fire("negotiationneeded")  # step 2.7

    # the aggregated states

    def referenced_transports(self) -> list[TransportStack]:
        """The transports "presently referenced by the set of transceivers and the [[SctpTransport]]" (section 4.3)."""
        keys = {one.transport for one in self.state.transceivers if one.transport is not None and not one.stopped}
        if self.state.sctp is not None:
            keys.add(self.state.sctp.transport)
        return [self.transports[key] for key in sorted(keys) if key in self.transports]

    def derive_ice_gathering_state(self) -> bool:
        """Set [[IceGatheringState]]. True when it changed."""
        new = ice_gathering_state([stack.ice.gatheringState for stack in self.referenced_transports()])
        changed = new != self.ice_gathering_state
        self.ice_gathering_state = new
        return changed

    def derive_ice_connection_state(self) -> bool:
        """Set [[IceConnectionState]]. True when it changed."""
        states = [stack.ice.state for stack in self.referenced_transports()]
        new = ice_connection_state(states, is_closed=self.is_closed)
        changed = new != self.ice_connection_state
        self.ice_connection_state = new
        return changed

    def derive_connection_state(self) -> bool:
        """Set [[ConnectionState]]. True when it changed."""
        states = [stack.dtls.state for stack in self.referenced_transports()]
        new = connection_state(self.ice_connection_state, states)
        changed = new != self.connection_state
        self.connection_state = new
        return changed

    def update_connection_state(self) -> None:
        """The text's "Update the connection state": the steps of its queued task."""
        if self.derive_connection_state():
            self.fire("connectionstatechange")

    def update_aggregated_states(self) -> None:
        """The set of transports changed by signalling: derive all three states, then fire what changed."""
        changed = [
            name
            for name, derived in (
                ("icegatheringstatechange", self.derive_ice_gathering_state()),
                ("iceconnectionstatechange", self.derive_ice_connection_state()),
                ("connectionstatechange", self.derive_connection_state()),
            )
            if derived
        ]
        for name in changed:
            self.fire(name)
