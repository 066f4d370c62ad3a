"""The asyncio driver of one transport: sockets and timers around a `session.Session`, and the W3C objects on top of it.

    sockets ──batch──> Session ──events──> queued tasks ──> RTCIceTransport, RTCDtlsTransport, data channels
        <──drain after every call──

There is one timer, and it is moved only when it has to be earlier: most packets don't touch it. Nothing is awaited.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, get_args

from peer import datachannel, dtls, jsep, rtp, sctp, sdp, session
from peer.api.data_channel import ChannelParameters, priority_number
from peer.api.dtls_transport import RTCDtlsTransport
from peer.api.errors import RTCError, RTCErrorDetailType
from peer.api.gathering import Gathering
from peer.api.ice_candidate import (
    RTCIceCandidate,
    RTCIceCandidatePair,
    RTCIceCandidateType,
    RTCIceComponent,
    RTCIceProtocol,
)
from peer.api.ice_transport import RTCIceTransport
from peer.api.states import RTCDtlsTransportState, RTCIceRole, RTCIceTransportState
from peer.api.webidl import Dictionary
from peer.errors import DecodeError
from peer.ice import agent as ice
from peer.ice.edge import Batch

if TYPE_CHECKING:
    from peer.api.core import Core

__all__ = ["TransportStack"]

# Fetch, "bad ports": to these the text forbids us to connect (section 4.4.2, "administratively prohibited").
_BAD_PORTS: Final = (
    "0 1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119"
    " 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990"
    " 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080"
)
BAD_PORTS: Final = frozenset(map(int, _BAD_PORTS.split()))

# The timer may be late by this much, in seconds, before it is worth moving.
_TIMER_SLACK: Final = 0.0005
# RFC 7714 section 14.2 and RFC 5764 section 4.1.2, as browsers offer them.
_SRTP_PROFILES: Final = (0x0008, 0x0007, 0x0001)
# In seconds: two retransmissions at their longest interval.
_HANDSHAKE_TIMEOUT: Final = 120.0
_DTLS_ROLES: Final = {jsep.DtlsRole.CLIENT: dtls.Role.CLIENT, jsep.DtlsRole.SERVER: dtls.Role.SERVER}


class TransportStack:
    """One RTCDtlsTransport over one RTCIceTransport, and what moves their datagrams."""

    def __init__(self, core: Core, key: int, mid: str) -> None:
        self._core = core
        self.key = key
        self.mid = mid
        self.index = 0
        self.ice = RTCIceTransport(RTCIceRole.UNKNOWN)
        self.dtls = RTCDtlsTransport(self.ice)
        self.session: session.Session | None = None
        self.gathering = Gathering(core, self)
        self.ufrag = ""
        self._ufrag_before: str | None = None
        self._role = jsep.IceRole.UNKNOWN
        # What signalling said before our own credentials were settled (a remote offer comes first).
        self._waiting: list[Callable[[session.Session, float], Iterable[session.Event]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._flush_scheduled = False
        self._closed = False
        self.pair_changes = 0
        self._new_pair: ice.PairView | _Unchanged | None = _UNCHANGED

    # credentials

    def gather(self, mid: str, index: int, local: jsep.IceCredentials) -> None:
        """Make the session with our credentials, and the sockets; then gather."""
        self._tag(mid, index, local)
        now = self._core.now()
        if self.session is None:
            self.session = self._make_session(local)
            for step in self._waiting:
                self._take(step(self.session, now))
            self._waiting.clear()
            self._core.media.transport_opened(self.key)
        self.gathering.start(local.ufrag)
        self._flush()

    def restart_ice(self, mid: str, index: int, local: jsep.IceCredentials) -> None:
        """New credentials: a new generation of candidates. Those of before the last restart: it was rolled back."""
        if self.session is None:
            self.gather(mid, index, local)
            return
        agent, now = self.session.ice, self._core.now()
        rolled_back = local.ufrag == self._ufrag_before
        self._ufrag_before = self.ufrag
        self._tag(mid, index, local)
        if rolled_back:
            self._take(self.session.take_ice(agent.cancel_restart(now), now))
        else:
            self._take(self.session.take_ice(agent.restart(now, _parameters(local)), now))
            self.ice._local_candidates.clear()
            self.gathering.start(local.ufrag)
        self._flush()

    def _tag(self, mid: str, index: int, local: jsep.IceCredentials) -> None:
        self.mid, self.index, self.ufrag = mid, index, local.ufrag
        self.ice._local_parameters = Dictionary(usernameFragment=local.ufrag, password=local.pwd)

    def _make_session(self, local: jsep.IceCredentials) -> session.Session:
        core, seams = self._core, self._core.seams
        certificate = core.certificates[0]._certificate

        def dtls_config(fingerprints: tuple[dtls.Fingerprint, ...]) -> dtls.Config:
            options = {"srtp_profiles": _SRTP_PROFILES, "handshake_timeout": _HANDSHAKE_TIMEOUT, **seams.dtls}
            return dtls.Config(certificate=certificate, remote_fingerprints=fingerprints, **options)

        ice_config = ice.Config(
            controlling=self._role is jsep.IceRole.CONTROLLING,
            local=_parameters(local),
            transport_policy=str(core.configuration.iceTransportPolicy),
            **seams.ice,
        )
        return session.Session(
            session.Config(ice_config, dtls_config, ntp_offset=core.ntp_offset),
            entropy=seams.entropy,
            transforms=session.Transforms(
                seams.stun, seams.dtls_handshake, seams.dtls_record, seams.sctp, seams.dcep, seams.rtp, seams.datagram
            ),
            trace=seams.trace,
        )

    # what descriptions say of the remote side

    def set_ice_role(self, role: jsep.IceRole) -> None:
        self._role = role
        self.ice._role = RTCIceRole(role)
        if self.session is not None:
            self.session.ice.set_controlling(role is jsep.IceRole.CONTROLLING)

    def set_remote_ice(self, remote: jsep.IceCredentials, *, lite: bool) -> None:
        self.ice._remote_parameters = Dictionary(usernameFragment=remote.ufrag, password=remote.pwd)
        parameters = ice.Parameters(remote.ufrag, remote.pwd, lite)
        self.do(lambda made, now: made.take_ice(made.ice.set_remote_parameters(parameters, now), now))

    def add_described_candidates(self, candidates: Iterable[str]) -> None:
        """Candidates that stood in a description."""
        for text in candidates:
            made = RTCIceCandidate._of(candidate=text, sdpMid=self.mid, sdpMLineIndex=self.index)
            self.add_remote_candidate(text, made)

    def add_remote_candidate(self, text: str, surfaced: RTCIceCandidate | None) -> None:
        """An empty text is the end of candidates. One we can't use (not for component 1, an unknown protocol) is
        passed over.
        """
        try:
            candidate = ice.Candidate.parse(text) if text else None
        except DecodeError:
            return
        if surfaced is not None:
            self.ice._remote_candidates.append(surfaced)
        if candidate is not None and candidate.address.port in BAD_PORTS:
            return  # "administratively prohibited": it behaves as if there were no response
        self.do(lambda made, now: made.take_ice(made.ice.add_remote_candidate(candidate, now), now))

    def was_told_of(self, candidate: ice.Candidate) -> bool:
        """Whether a script has told us of a remote candidate's address."""
        address = candidate.address
        return any(one.port == address.port and one.address == address.host for one in self.ice._remote_candidates)

    def negotiate_dtls(self, role: jsep.DtlsRole, fingerprints: tuple[sdp.Fingerprint, ...]) -> None:
        trusted = _trusted(fingerprints)
        self.do(lambda made, now: made.negotiate_dtls(_DTLS_ROLES[role], trusted, now))

    def restart_dtls(self, role: jsep.DtlsRole, fingerprints: tuple[sdp.Fingerprint, ...]) -> None:
        trusted = _trusted(fingerprints)
        self.dtls._restart()
        self.do(lambda made, now: made.restart_dtls(_DTLS_ROLES[role], trusted, now))

    # data channels

    def negotiate_sctp(self, local_port: int, remote_port: int, remote_max_message_size: int) -> None:
        config = sctp.Config(
            local_port=local_port,
            remote_port=remote_port,
            remote_max_message_size=remote_max_message_size,
            **self._core.seams.sctp_config,
        )
        self.do(lambda made, now: made.negotiate_sctp(config, now))

    def end_sctp(self) -> None:
        """The m-section for data is gone: so is the association."""
        self.do(lambda made, now: made.end_sctp(now))

    def open_channel(self, stream_id: int, parameters: ChannelParameters) -> None:
        self.do(lambda made, now: _open(made, stream_id, parameters, now))

    def send_on_channel(self, stream_id: int, data: str | bytes) -> None:
        if self.session is not None and self.session.channels is not None:
            self.session.channels.send(stream_id, data, self._core.now())
            self.flush_soon()

    def close_channel(self, stream_id: int) -> bool:
        """Begin to reset the stream. False where there is none to reset."""
        channels = None if self.session is None else self.session.channels
        if channels is None or channels.channel(stream_id) is None:
            return False
        channels.close(stream_id, self._core.now())
        self.flush_soon()
        return True

    # media

    def open_media(self) -> rtp.Transport | None:
        """The RTP machine, made now if there is none; None before our credentials are settled."""
        if self.session is None:
            return None
        if self.session.media is None:
            self._take(self.session.open_media(self._core.now()))
            self.flush_soon()
        return self.session.media

    @property
    def has_media_keys(self) -> bool:
        made = self.session
        return made is not None and made.handshake is not None and made.handshake.srtp_profile is not None

    # the pump

    def do(self, step: Callable[[session.Session, float], Iterable[session.Event]]) -> None:
        """Run a step on the session, or keep it until there is one."""
        if self.session is None:
            self._waiting.append(step)
            return
        self._take(step(self.session, self._core.now()))
        self._flush()

    def on_datagrams(self, batch: Batch) -> None:
        if self._closed or self.session is None:
            return
        self._take(self.session.receive_datagrams(batch, self._core.now()))
        self.flush_soon()  # a listener's answer leaves together with the acknowledgement

    def _on_timer(self) -> None:
        self._timer = None
        if self._closed or self.session is None:
            return
        self._take(self.session.handle_timeout(self._core.now()))
        self._flush()

    def flush_soon(self) -> None:
        """Several messages sent in one go leave in one go, before anything else happens."""
        if not self._flush_scheduled:
            self._flush_scheduled = True
            self._core.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_scheduled = False
        if self.session is None or self._closed:
            return
        now = self._core.now()
        transmissions = self.session.datagrams_to_send(now)
        if transmissions:
            self.gathering.send(transmissions)
            self._take(self.session.take_events(now))
        self._arm()

    def _arm(self) -> None:
        due = None if self.session is None else self.session.next_timeout()
        if due is None:
            return
        if self._timer is not None:
            if self._timer_at <= due + _TIMER_SLACK:
                return  # it fires early, finds nothing to do, and is set anew
            self._timer.cancel()
        self._timer_at = due
        self._timer = self._core.loop.call_at(due, self._on_timer)

    def _take(self, events: Iterable[session.Event]) -> None:
        for event in events:
            handler = _HANDLERS.get(type(event))
            if handler is not None:
                handler(self, event)
            elif isinstance(event, datachannel.Event):
                self._core.channels.handle(event)
        if self._new_pair is not _UNCHANGED:
            self._ice_changed(None)

    # events

    def _selected_pair_changed(self, event: ice.SelectedPairChanged) -> None:
        """The text's "The selected pair and the state are related and are handled in the same task": the state comes
        right behind.
        """
        self._new_pair = event.pair
        if event.pair is not None and self.session is not None:
            self.session.path_changed(self.gathering.path_mtu(event.pair.path), self._core.now())

    def _ice_state_changed(self, event: ice.StateChanged) -> None:
        self._ice_changed(RTCIceTransportState(event.state))

    def _ice_changed(self, state: RTCIceTransportState | None) -> None:
        """The text's "Change the selected candidate pair and state"."""
        core = self._core
        pair, self._new_pair = self._new_pair, _UNCHANGED

        def changed() -> None:
            if pair is not _UNCHANGED:  # step 8
                self.pair_changes += 1
                self.ice._selected_pair = self._pair(pair) if isinstance(pair, ice.PairView) else None
            connection_ice_changed = connection_changed = False
            if state is not None:  # step 9
                self.ice._state = state
                connection_ice_changed = core.derive_ice_connection_state()
                connection_changed = core.derive_connection_state()
            if pair is not _UNCHANGED:  # step 10
                self.ice._fire("selectedcandidatepairchange")
            if state is not None:  # step 11
                self.ice._fire("statechange")
            if connection_ice_changed:  # step 12
                core.fire("iceconnectionstatechange")
            if connection_changed:  # step 13
                core.fire("connectionstatechange")

        core.queue(changed)

    def _pair(self, view: ice.PairView) -> RTCIceCandidatePair:
        local = _known(view.local, self.ice._local_candidates) or RTCIceCandidate._of(
            candidate=view.local.serialize(), sdpMid=self.mid, sdpMLineIndex=self.index, usernameFragment=self.ufrag
        )
        remote = _known(view.remote, self.ice._remote_candidates) or RTCIceCandidate._peer_reflexive(
            {
                "foundation": view.remote.foundation,
                "component": RTCIceComponent.RTP,
                "priority": view.remote.priority,
                "protocol": RTCIceProtocol(view.remote.protocol),
                "port": view.remote.address.port,
                "type": RTCIceCandidateType(view.remote.type),
            },
            sdpMid=self.mid,
            sdpMLineIndex=self.index,
        )
        return RTCIceCandidatePair(local, remote)

    def _role_changed(self, event: ice.RoleChanged) -> None:
        role = RTCIceRole.CONTROLLING if event.controlling else RTCIceRole.CONTROLLED

        def changed() -> None:
            self.ice._role = role

        self._core.queue(changed)

    def _resolution_requested(self, event: ice.ResolutionRequested) -> None:
        """An mDNS name. Under the policy "relay" such candidates are administratively prohibited."""
        if self._core.configuration.iceTransportPolicy == "relay":
            return

        def found(candidate: ice.Candidate) -> None:
            if not self._closed:
                self.do(lambda made, now: made.take_ice(made.ice.add_remote_candidate(candidate, now), now))

        self.gathering.resolve(event.candidate, found)

    def _dtls_state(
        self,
        state: RTCDtlsTransportState,
        *,
        certificates: tuple[bytes, ...] | None = None,
        error: RTCError | None = None,
    ) -> None:
        """Section 5.5: the transport's task, then the connection's "update the connection state"."""

        def changed() -> None:
            if self.dtls._set_state(state, certificates):
                self.dtls._fire_state(error)

        self._core.queue(changed)
        self._core.queue(self._core.update_connection_state)

    def _dtls_started(self, _: session.DtlsStarted) -> None:
        self._dtls_state(RTCDtlsTransportState.CONNECTING)

    def _dtls_connected(self, event: dtls.HandshakeCompleted) -> None:
        self._dtls_state(RTCDtlsTransportState.CONNECTED, certificates=event.remote_certificates)
        self._core.media.connected(self.key)

    def _dtls_closed(self, _: dtls.ConnectionClosed) -> None:
        self._dtls_state(RTCDtlsTransportState.CLOSED)
        self._lose_association("the DTLS association was closed")

    def _dtls_failed(self, event: session.DtlsFailed) -> None:
        detail = RTCErrorDetailType.FINGERPRINT_FAILURE if event.fingerprint else RTCErrorDetailType.DTLS_FAILURE
        init: dict[str, Any] = {"errorDetail": detail}
        if not event.fingerprint:
            alerts = {"sentAlert": event.sent_alert, "receivedAlert": event.received_alert}
            init |= {name: alert for name, alert in alerts.items() if alert is not None}
        self._dtls_state(RTCDtlsTransportState.FAILED, error=RTCError(init, event.reason))
        self._lose_association(event.reason)

    def _sctp_failed(self, event: session.SctpFailed) -> None:
        self._core.channels.failed(event.reason, event.cause)

    def _lose_association(self, reason: str) -> None:
        if self.session is not None and self.session.channels is not None:
            self._core.channels.lost(reason)

    def _rtp_event(self, event: rtp.Event) -> None:
        self._core.media.handle(self.key, event)

    def _nothing(self, event: Any) -> None:
        """Of no concern to a script."""

    # the end

    def close(self, *, discarded: bool = False) -> None:
        """Say goodbye (unless nothing was ever said), then stop at once."""
        if self._closed:
            return
        if self.session is not None and not discarded:
            now = self._core.now()
            self.session.close(now)
            self._flush()
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self.gathering.close()
        self.ice._state = RTCIceTransportState.CLOSED
        self.dtls._state = RTCDtlsTransportState.CLOSED

    def fire_closed(self) -> None:
        """The events of a transport that signalling closed."""
        self.dtls._fire("statechange")
        self.ice._fire("statechange")


class _Unchanged:
    """Says that the selected pair did not change: None says that there is none any more."""


_UNCHANGED: Final = _Unchanged()

_HANDLERS: Final[dict[type, Callable[[TransportStack, Any], None]]] = {
    ice.SelectedPairChanged: TransportStack._selected_pair_changed,
    ice.StateChanged: TransportStack._ice_state_changed,
    ice.RoleChanged: TransportStack._role_changed,
    ice.ResolutionRequested: TransportStack._resolution_requested,
    ice.GatheringStateChanged: TransportStack._nothing,
    ice.CandidateLearned: TransportStack._nothing,
    ice.PairChanged: TransportStack._nothing,
    session.DtlsStarted: TransportStack._dtls_started,
    session.DtlsFailed: TransportStack._dtls_failed,
    session.SctpFailed: TransportStack._sctp_failed,
    dtls.HandshakeCompleted: TransportStack._dtls_connected,
    dtls.ConnectionClosed: TransportStack._dtls_closed,
    **dict.fromkeys(get_args(rtp.Event), TransportStack._rtp_event),
}


def _known(candidate: ice.Candidate, surfaced: Iterable[RTCIceCandidate]) -> RTCIceCandidate | None:
    """The object a script has for this candidate."""
    address = candidate.address
    for one in surfaced:
        if one.port == address.port and one.address == address.host and str(one.type) == candidate.type:
            return one
    return None


def _open(made: session.Session, stream_id: int, parameters: ChannelParameters, now: float) -> tuple[()]:
    if made.channels is not None:
        made.channels.open(
            parameters.label,
            parameters.protocol,
            ordered=parameters.ordered,
            max_retransmits=parameters.max_retransmits,
            max_packet_life_time=parameters.max_packet_life_time,
            negotiated=parameters.negotiated,
            priority=priority_number(parameters.priority),
            id=stream_id,
            now=now,
        )
    return ()


def _parameters(credentials: jsep.IceCredentials) -> ice.Parameters:
    return ice.Parameters(credentials.ufrag, credentials.pwd)


def _trusted(fingerprints: Iterable[sdp.Fingerprint]) -> tuple[dtls.Fingerprint, ...]:
    return tuple(dtls.Fingerprint.parse(f"{one.algorithm} {one.value}") for one in fingerprints)
