"""What a committed description asks of the rest of the connection: one small method an effect, found in a table.

The order is jsep's (`peer.jsep.effects`), which is the text's: slots of transceivers are set already, transports come
first, then data channels, then events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from peer.api.core import Core
from peer.api.sctp_transport import RTCSctpTransport
from peer.api.states import RTCSctpTransportState
from peer.api.transports import TransportStack
from peer.jsep import effects as said

__all__ = ["Effects"]


class Effects:
    """Carries out the effects of a plan on one connection."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def carry_out(self, effects: Iterable[said.Effect]) -> None:
        """In order. A listener may close the connection on the way: nothing goes on after that."""
        for effect in effects:
            if self._core.is_closed:
                return
            _TABLE[type(effect)](self, effect)

    # transports

    def _transport_created(self, effect: said.TransportCreated) -> None:
        if effect.transport not in self._core.transports:
            self._core.transports[effect.transport] = TransportStack(self._core, effect.transport, effect.mid)
            # Section 4.3.4: one "created as a result of signaling" may move the states as well.
            self._core.queue(self._core.update_aggregated_states)

    def _transport_closed(self, effect: said.TransportClosed) -> None:
        stack = self._core.transports.pop(effect.transport, None)
        if stack is not None:
            stack.close(discarded=effect.discarded)
            # Step 14.1: "This results in events firing on these objects in a queued task."
            self._core.queue(stack.fire_closed)
        self._core.queue(self._core.update_aggregated_states)

    def _gathering_started(self, effect: said.GatheringStarted) -> None:
        self._core.transports[effect.transport].gather(effect.mid, effect.index, effect.local)

    def _ice_restarted(self, effect: said.IceRestarted) -> None:
        self._core.transports[effect.transport].restart_ice(effect.mid, effect.index, effect.local)

    def _ice_role_set(self, effect: said.IceRoleSet) -> None:
        self._core.transports[effect.transport].set_ice_role(effect.role)

    def _remote_ice_set(self, effect: said.RemoteIceSet) -> None:
        self._core.transports[effect.transport].set_remote_ice(effect.remote, lite=effect.lite)

    def _remote_candidates_added(self, effect: said.RemoteCandidatesAdded) -> None:
        self._core.transports[effect.transport].add_described_candidates(effect.candidates)

    def _remote_candidates_ended(self, effect: said.RemoteCandidatesEnded) -> None:
        self._core.transports[effect.transport].add_remote_candidate("", None)

    def _dtls_negotiated(self, effect: said.DtlsNegotiated) -> None:
        self._core.transports[effect.transport].negotiate_dtls(effect.role, effect.fingerprints)

    def _dtls_restarted(self, effect: said.DtlsRestarted) -> None:
        self._core.transports[effect.transport].restart_dtls(effect.role, effect.fingerprints)

    # SCTP and data channels

    def _sctp_created(self, effect: said.SctpTransportCreated) -> None:
        core = self._core
        known = core.sctp_transports.get(effect.key)
        if known is None:
            known = RTCSctpTransport(core.transports[effect.transport].dtls)
            core.sctp_transports[effect.key] = known
        core.sctp = known

    def _sctp_removed(self, effect: said.SctpTransportRemoved) -> None:
        core = self._core
        removed, core.sctp = core.sctp_transports.get(effect.key), None
        if removed is not None and removed.state is RTCSctpTransportState.CONNECTED:
            core.channels.removed(removed)

    def _max_message_size_updated(self, effect: said.MaxMessageSizeUpdated) -> None:
        self._core.sctp_transports[effect.key]._update_max_message_size(effect.remote_max_message_size)

    def _sctp_negotiated(self, effect: said.SctpNegotiated) -> None:
        self._core.channels.negotiated(effect)

    def _channel_ids_assigned(self, effect: said.ChannelIdsAssigned) -> None:
        self._core.channels.assign_ids(effect.role)

    # transceivers

    def _transceiver_created(self, effect: said.TransceiverCreated) -> None:
        self._core.media.created(effect.transceiver)

    def _transceiver_stopped(self, effect: said.TransceiverStopped) -> None:
        self._core.media.stopped(effect.transceiver)

    def _transceiver_removed(self, effect: said.TransceiverRemoved) -> None:
        self._core.media.removed(effect.slots)

    def _sender_negotiated(self, effect: said.SenderNegotiated) -> None:
        self._core.media.sender_negotiated(effect.transceiver)

    def _receiver_negotiated(self, effect: said.ReceiverNegotiated) -> None:
        self._core.media.receiver_negotiated(effect.transceiver)

    def _slots_only(self, effect: said.Effect) -> None:
        """The new state says it all: the objects read their slots there."""

    # events

    def _early_candidates_released(self, _: said.EarlyCandidatesReleased) -> None:
        for stack in self._core.transports.values():
            stack.gathering.release_early_candidates()

    def _identity_received(self, effect: said.IdentityReceived) -> None:
        self._core.identity.received(effect.values)

    def _negotiation_needed_updated(self, _: said.NegotiationNeededUpdated) -> None:
        self._core.negotiation_needed = False
        self._core.update_negotiation_needed()

    def _signaling_state_changed(self, _: said.SignalingStateChanged) -> None:
        self._core.fire("signalingstatechange")
        if not self._core.is_closed:
            self._core.channels.fire_errors()  # step 16

    def _track_muted(self, effect: said.TrackMuted) -> None:
        self._core.media.mute(effect.transceiver)

    def _stream_track_removed(self, effect: said.StreamTrackRemoved) -> None:
        self._core.media.remove_from_stream(effect.transceiver, effect.stream_id)

    def _stream_track_added(self, effect: said.StreamTrackAdded) -> None:
        self._core.media.add_to_stream(effect.transceiver, effect.stream_id)

    def _track_fired(self, effect: said.TrackFired) -> None:
        self._core.media.fire_track(effect.transceiver, effect.stream_ids)


_TABLE: Final[dict[type[said.Effect], Callable[[Effects, Any], None]]] = {
    said.TransportCreated: Effects._transport_created,
    said.TransportClosed: Effects._transport_closed,
    said.GatheringStarted: Effects._gathering_started,
    said.IceRestarted: Effects._ice_restarted,
    said.IceRoleSet: Effects._ice_role_set,
    said.RemoteIceSet: Effects._remote_ice_set,
    said.RemoteCandidatesAdded: Effects._remote_candidates_added,
    said.RemoteCandidatesEnded: Effects._remote_candidates_ended,
    said.DtlsNegotiated: Effects._dtls_negotiated,
    said.DtlsRestarted: Effects._dtls_restarted,
    said.SctpTransportCreated: Effects._sctp_created,
    said.SctpTransportRemoved: Effects._sctp_removed,
    said.MaxMessageSizeUpdated: Effects._max_message_size_updated,
    said.SctpNegotiated: Effects._sctp_negotiated,
    said.ChannelIdsAssigned: Effects._channel_ids_assigned,
    said.TransceiverCreated: Effects._transceiver_created,
    said.TransceiverAssociated: Effects._slots_only,
    said.TransceiverDisassociated: Effects._slots_only,
    said.TransportAssigned: Effects._slots_only,
    said.TransceiverStopped: Effects._transceiver_stopped,
    said.TransceiverRemoved: Effects._transceiver_removed,
    said.SenderNegotiated: Effects._sender_negotiated,
    said.ReceiverNegotiated: Effects._receiver_negotiated,
    said.EarlyCandidatesReleased: Effects._early_candidates_released,
    said.IdentityReceived: Effects._identity_received,
    said.NegotiationNeededUpdated: Effects._negotiation_needed_updated,
    said.SignalingStateChanged: Effects._signaling_state_changed,
    said.TrackMuted: Effects._track_muted,
    said.StreamTrackRemoved: Effects._stream_track_removed,
    said.StreamTrackAdded: Effects._stream_track_added,
    said.TrackFired: Effects._track_fired,
}
