"""Control chunks: how an association begins, ends, and answers (RFC 9260 sections 5, 8, 9 and 3.3.10).

`states.ACTIONS` names what a chunk means in each state; every `Action` is a method here. The data path and the public
face are in `association.py`, which builds on this class.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NoReturn

from peer.errors import DecodeError, RemoteProtocolError
from peer.sctp import setup
from peer.sctp.config import Config
from peer.sctp.events import (
    AssociationAborted,
    AssociationClosed,
    AssociationEstablished,
    AssociationRestarted,
    Event,
)
from peer.sctp.inbound import Inbound
from peer.sctp.outbound import OutboundQueue
from peer.sctp.pmtud import PathMtu
from peer.sctp.reset import Reconfigurations
from peer.sctp.setup import Cookie, CookieJar, Meaning, Offer
from peer.sctp.states import Action, State
from peer.sctp.transmission import Transmission
from peer.wire.sctp import (
    Abort,
    Chunk,
    CookieAck,
    CookieEcho,
    Error,
    ForwardTsn,
    Heartbeat,
    HeartbeatAck,
    IForwardTsn,
    Init,
    InitAck,
    Packet,
    Pad,
    Reconfig,
    Shutdown,
    ShutdownAck,
    ShutdownComplete,
)
from peer.wire.sctp_tlv import Cause, CauseCode, Parameter, ParameterType

__all__ = ["COOKIE_ACK", "Control", "Timer"]

_MASK = 0xFFFFFFFF
COOKIE_ACK = CookieAck().serialize()
_HEARTBEAT_INFO = struct.Struct(">d8s")
_FALLING = frozenset({State.SHUTDOWN_RECEIVED, State.SHUTDOWN_ACK_SENT})


class Timer:
    """Names of the timers an association keeps in `_timers`."""

    INIT = "T1-init"
    COOKIE = "T1-cookie"
    SHUTDOWN = "T2-shutdown"
    GUARD = "T5-shutdown-guard"
    HEARTBEAT = "heartbeat"
    PATH_MTU = "path-mtu"


class Control:
    """State, tags, timers and the handlers of control chunks."""

    def __init__(self, config: Config, entropy: Callable[[int], bytes]) -> None:
        self.config = config
        self.state = State.CLOSED
        self.offer = Offer()
        """The extensions both sides offered."""
        self._entropy = entropy
        self._jar = CookieJar(entropy(32))
        self._queue = OutboundQueue(config.scheduling)
        self._ended = False
        self._outbox: list[bytes] = []
        self._bundle: list[bytes] = []
        self._pending: list[Event] = []
        self._timers: dict[str, float] = {}
        self._attempts = 0
        self._shutdown_wanted = False
        self._cookie = b""
        self._heartbeat = b""
        self._heartbeat_at = 0.0
        self._path_mtu = PathMtu(config.mtu, discovers=config.max_mtu > config.mtu)
        self._link_mtu = config.max_mtu
        self._mtu_probe = b""
        self._ties = (0, 0)
        self._inbound: Inbound | None = None
        self._reconfigurations: Reconfigurations | None = None
        self._renew()
        self._handlers: dict[Action, Callable[[Any, int, float, list[Event]], None]] = {
            action: getattr(self, f"_{action.replace('-', '_')}") for action in Action
        }

    # Packets of control chunks

    def _send(self, chunk: Chunk) -> None:
        """Queues a chunk for the peer; it shares a packet with what else leaves at the next drain."""
        self._bundle.append(chunk.serialize())

    def _send_cookie_ack(self) -> None:
        """Queues COOKIE ACK, which stands first in its packet (section 5.1, E; 6.10)."""
        self._bundle.insert(0, COOKIE_ACK)

    def _send_alone(self, chunk: Chunk, tag: int, *more: Chunk) -> None:
        """Queues a packet of its own, always with a right checksum (RFC 9653 section 5.2)."""
        packet = Packet(self.config.local_port, self.config.remote_port, tag, (chunk, *more))
        self._outbox.append(packet.serialize())

    # Setting up: section 5

    def _new_tag(self) -> int:
        return int.from_bytes(self._entropy(4), "big") or 1

    def _renew(self) -> None:
        """New tag and initial TSN of our own, and nothing sent."""
        self._local_tag = self._new_tag()
        self._peer_tag = 0
        self._local_tsn = self._new_tag()
        self._transmission = Transmission(self.config, self._queue, self._local_tsn)

    def _init_fields(self) -> tuple[int, int, int]:
        return self.config.receive_window, self.config.outbound_streams, self.config.inbound_streams

    def _send_init(self, now: float) -> None:
        chunk = Init(self._local_tag, *self._init_fields(), self._local_tsn, setup.parameters(self.config))
        self._send_alone(chunk, 0)
        self._timers[Timer.INIT] = now + self._transmission.rto.value

    def _answer_init(self, chunk: Init, tag: int, now: float, events: list[Event]) -> None:
        refusal = setup.refusal(chunk)
        if tag or refusal is not None:
            if refusal is not None and not tag and chunk.tag:
                self._send_alone(Abort((refusal,)), chunk.tag)
            return
        kept, reported = setup.unrecognized(chunk.parameters)
        local_tag, local_tsn = self._local_tag, self._local_tsn
        if self.state not in (State.CLOSED, State.COOKIE_WAIT):
            self._ties = self._ties if any(self._ties) else (self._new_tag(), self._new_tag())
            if self.state != State.COOKIE_ECHOED:
                local_tag, local_tsn = self._new_tag(), self._new_tag()
        window, outbound, inbound = self._init_fields()
        cookie = Cookie(
            now,
            local_tag,
            chunk.tag,
            *(self._ties if self.state not in (State.CLOSED, State.COOKIE_WAIT) else (0, 0)),
            local_tsn,
            chunk.initial_tsn,
            chunk.a_rwnd,
            min(outbound, chunk.inbound_streams),
            min(inbound, chunk.outbound_streams),
            setup.offer_of(kept),
        )
        parameters = (
            Parameter(ParameterType.STATE_COOKIE, self._jar.seal(cookie)),
            *setup.parameters(self.config),
            *(Parameter(ParameterType.UNRECOGNIZED, p.serialize()) for p in reported),
        )
        self._send_alone(InitAck(local_tag, window, outbound, inbound, local_tsn, parameters), chunk.tag)

    def _echo_cookie(self, chunk: InitAck, tag: int, now: float, events: list[Event]) -> None:
        refusal = setup.refusal(chunk)
        kept, reported = setup.unrecognized(chunk.parameters)
        cookie = chunk.cookie
        if refusal is not None and chunk.tag and chunk.a_rwnd < setup.LEAST_WINDOW:
            self._send_alone(Abort((refusal,)), chunk.tag)  # without a change of state (section 3.3.3)
            return
        if refusal is not None or cookie is None:
            missing = Cause(CauseCode.MISSING_PARAMETER, b"\0\0\0\1\0\7")
            self._fail(refusal or missing, events, chunk.tag)
        del self._timers[Timer.INIT]
        self._peer_tag = chunk.tag
        self._open(
            chunk.initial_tsn,
            chunk.a_rwnd,
            min(self.config.outbound_streams, chunk.inbound_streams),
            min(self.config.inbound_streams, chunk.outbound_streams),
            setup.offer_of(kept),
        )
        self._cookie = cookie
        self._attempts = 0
        self.state = State.COOKIE_ECHOED
        cause = Cause(CauseCode.UNRECOGNIZED_PARAMETERS, b"".join(p.serialize() for p in reported))
        self._send_cookie(now, *([Error((cause,))] if reported else []))

    def _send_cookie(self, now: float, *reports: Error) -> None:
        self._send_alone(CookieEcho(self._cookie), self._peer_tag, *reports)
        self._timers[Timer.COOKIE] = now + self._transmission.rto.value

    def _open(self, peer_tsn: int, peer_window: int, outbound: int, inbound: int, offer: Offer) -> None:
        """Makes what an association needs, from what the peer said."""
        self.offer = setup.own_offer(self.config).common(offer)
        self._transmission.negotiated(
            peer_window=peer_window,
            interleaving=self.offer.interleaving,
            partial_reliability=self.offer.partial_reliability,
        )
        self._inbound = Inbound(self.config, peer_tsn, inbound, interleaving=self.offer.interleaving)
        self._reconfigurations = Reconfigurations(
            self._transmission,
            self._inbound,
            own_tsn=self._local_tsn,
            peer_tsn=peer_tsn,
            outbound_streams=outbound,
            allow_tsn_reset=self.config.allow_tsn_reset,
        )

    def _accept_cookie(self, chunk: CookieEcho, tag: int, now: float, events: list[Event]) -> None:
        cookie = self._jar.open(chunk.cookie)
        if cookie is None or tag != cookie.local_tag:
            raise DecodeError("a cookie that isn't ours")  # what stands behind it is discarded too (section 5.1.5)
        known = self._local_tag == cookie.local_tag and self._peer_tag == cookie.peer_tag
        age = now - cookie.created
        if age > self.config.cookie_lifetime and not known:
            stale = Cause(
                CauseCode.STALE_COOKIE, struct.pack(">I", min(int((age - self.config.cookie_lifetime) * 1e6), _MASK))
            )
            self._send_alone(Error((stale,)), cookie.peer_tag)
            raise DecodeError("a stale cookie")
        if self.state == State.CLOSED:
            meaning = Meaning.COLLISION if not self._ended else Meaning.NONE
        else:
            meaning = setup.judge(cookie, self._local_tag, self._peer_tag, self._ties)
        match meaning:
            case Meaning.RESTART:
                self._restart(cookie, now, events)
            case Meaning.COLLISION | Meaning.DUPLICATE:
                self._join(cookie, now, events)
            case Meaning.LATE | Meaning.NONE:
                return

    def _join(self, cookie: Cookie, now: float, events: list[Event]) -> None:
        """Actions B and D of section 5.2.4, and the plain case without an association."""
        if self.state in (State.CLOSED, State.COOKIE_WAIT, State.COOKIE_ECHOED):
            if self._peer_tag != cookie.peer_tag or self._inbound is None:
                self._adopt(cookie)
            self._established(now, events)
        elif self._peer_tag != cookie.peer_tag:
            return  # an old cookie of a peer that we have met under another tag since
        self._send_cookie_ack()

    def _adopt(self, cookie: Cookie) -> None:
        self._peer_tag = cookie.peer_tag
        self._open(cookie.peer_tsn, cookie.peer_window, cookie.outbound_streams, cookie.inbound_streams, cookie.offer)

    def _restart(self, cookie: Cookie, now: float, events: list[Event]) -> None:
        """Action A of section 5.2.4."""
        if self.state == State.SHUTDOWN_ACK_SENT:
            self._send(ShutdownAck())
            self._send(Error((Cause(CauseCode.COOKIE_WHILE_SHUTTING_DOWN),)))
            return
        self._queue.reset()
        self._bundle.clear()
        self._local_tag, self._local_tsn = cookie.local_tag, cookie.local_tsn
        self._transmission = Transmission(self.config, self._queue, self._local_tsn)
        self._ties = (0, 0)
        self._adopt(cookie)
        self._timers.clear()
        events.append(AssociationRestarted())
        self._established(now, events)
        self._send_cookie_ack()

    def _establish(self, chunk: CookieAck, tag: int, now: float, events: list[Event]) -> None:
        self._established(now, events)

    def _established(self, now: float, events: list[Event]) -> None:
        self._timers.pop(Timer.INIT, None)
        self._timers.pop(Timer.COOKIE, None)
        self._cookie = b""
        self._attempts = self._transmission.errors = 0
        self.state = State.SHUTDOWN_PENDING if self._shutdown_wanted else State.ESTABLISHED
        self._plan_heartbeat(now)
        self._search_path(now)
        inbound = self._inbound.stream_count if self._inbound else 0
        events.append(AssociationEstablished(self.outbound_streams, inbound))

    @property
    def outbound_streams(self) -> int:
        """How many streams we may send on; 65,535 until the peer has said how many it takes."""
        return self._reconfigurations.outbound_streams if self._reconfigurations is not None else 65_535

    # Heartbeats: section 8.3

    def _plan_heartbeat(self, now: float) -> None:
        if self.config.heartbeat_interval > 0:
            jitter = 0.5 + self._entropy(1)[0] / 256
            self._timers[Timer.HEARTBEAT] = now + self.config.heartbeat_interval + self._transmission.rto.value * jitter

    def _send_heartbeat(self, now: float) -> None:
        self._heartbeat = _HEARTBEAT_INFO.pack(now, self._entropy(8))
        self._heartbeat_at = now
        self._send(Heartbeat((Parameter(ParameterType.HEARTBEAT_INFO, self._heartbeat),)))

    def _answer_heartbeat(self, chunk: Heartbeat, tag: int, now: float, events: list[Event]) -> None:
        if len(self._bundle) < 32:
            self._send(HeartbeatAck(chunk.parameters))

    def _conclude_heartbeat(self, chunk: HeartbeatAck, tag: int, now: float, events: list[Event]) -> None:
        if self._heartbeat and chunk.parameters[0].value == self._heartbeat:
            self._heartbeat = b""
            self._transmission.errors = 0
            self._transmission.rto.measure(now - self._heartbeat_at)
        elif self._mtu_probe and chunk.parameters[0].value == self._mtu_probe:
            self._path_mtu.confirmed(now, int.from_bytes(self._mtu_probe[:4], "big"))
            self._mtu_probe = b""
            self._adopt_path_mtu()

    # Path MTU discovery: RFC 8899

    def _search_path(self, now: float) -> None:
        """Begins at the base size on a path that nothing is known of, up to what the local link takes.

        Beyond what an Ethernet frame carries only peers are probed that name PAD among their extensions. Others may
        take harm: Chromium reads nothing any more after a record of more than 2 KiB.
        """
        config = self.config
        self._path_mtu.restart(min(config.jumbo_mtu if self.offer.padding else config.max_mtu, self._link_mtu), now)
        self._adopt_path_mtu()

    def _probe_path(self, now: float) -> None:
        """Sends a padded HEARTBEAT of the size to try (RFC 4820; section 3 of RFC 8899: no error if it is lost)."""
        size = self._path_mtu.probe_due(now, self._transmission.rto.value)
        if size:
            self._mtu_probe = size.to_bytes(4, "big") + self._entropy(8)
            heartbeat = Heartbeat((Parameter(ParameterType.HEARTBEAT_INFO, self._mtu_probe),))
            padding = Pad(size - 12 - len(heartbeat.serialize()) - 4)
            self._send_alone(heartbeat, self._peer_tag, padding)
        self._adopt_path_mtu()

    def _adopt_path_mtu(self) -> None:
        self._transmission.mtu = self._path_mtu.mtu
        if self._path_mtu.deadline is None:
            self._timers.pop(Timer.PATH_MTU, None)
        else:
            self._timers[Timer.PATH_MTU] = self._path_mtu.deadline

    # Errors and the sudden end: sections 3.3.10, 9.1

    def _receive_error(self, chunk: Error, tag: int, now: float, events: list[Event]) -> None:
        stale = any(cause.code == CauseCode.STALE_COOKIE for cause in chunk.causes)
        if stale and self.state == State.COOKIE_ECHOED:
            self._timers.pop(Timer.COOKIE, None)
            self.state = State.COOKIE_WAIT
            self._peer_tag = 0
            self._inbound = self._reconfigurations = None
            self._send_init(now)

    def _fall(self, chunk: Abort, tag: int, now: float, events: list[Event]) -> None:
        if self.state != State.COOKIE_WAIT or chunk.reflected or tag == self._local_tag:
            self._end(AssociationAborted(chunk.causes, by_remote=True), events)

    def _fail(self, cause: Cause, events: list[Event], tag: int | None = None) -> NoReturn:
        """The peer broke a rule that ends the association: ABORT leaves, and RemoteProtocolError is raised."""
        reason = cause.value.decode("utf-8", "replace")
        known = self._peer_tag if tag is None else tag
        # Without a tag of the peer's, its packet's own tag, which is ours, goes back with the T bit (section 3.3.3).
        self._send_alone(Abort((cause,), reflected=not known), known or self._local_tag)
        self._end(AssociationAborted((cause,), by_remote=False, reason=reason), events)
        self._pending, events[:] = [*self._pending, *events], []
        raise RemoteProtocolError(reason or f"SCTP error cause {cause.code}", code=cause.code)

    def _end(self, event: Event, events: list[Event]) -> None:
        self.state = State.CLOSED
        self._ended = True
        self._timers.clear()
        self._bundle.clear()
        self._queue.clear()
        self._transmission = Transmission(self.config, self._queue, self._local_tsn)
        self._reconfigurations = self._inbound = None
        events.append(event)

    # The graceful end: section 9.2

    def _advance_shutdown(self, now: float) -> None:
        """Once all is acknowledged, SHUTDOWN or SHUTDOWN ACK leaves."""
        if not self._transmission.all_acknowledged:
            return
        if self.state == State.SHUTDOWN_PENDING:
            self.state = State.SHUTDOWN_SENT
            self._timers[Timer.GUARD] = now + 5 * self.config.rto_max
            self._send_shutdown(now)
        elif self.state == State.SHUTDOWN_RECEIVED:
            self.state = State.SHUTDOWN_ACK_SENT
            self._send_shutdown_ack(now)

    def _send_shutdown(self, now: float) -> None:
        if self._inbound is not None:
            self._send(Shutdown(self._inbound.cumulative & _MASK))
        self._timers.pop(Timer.HEARTBEAT, None)
        self._timers[Timer.SHUTDOWN] = now + self._transmission.rto.value

    def _send_shutdown_ack(self, now: float) -> None:
        self._send(ShutdownAck())
        self._timers.pop(Timer.HEARTBEAT, None)
        self._timers[Timer.SHUTDOWN] = now + self._transmission.rto.value

    def _begin_shutdown(self, chunk: Shutdown, tag: int, now: float, events: list[Event]) -> None:
        self.state = State.SHUTDOWN_RECEIVED
        self._note_shutdown(chunk, tag, now, events)

    def _note_shutdown(self, chunk: Shutdown, tag: int, now: float, events: list[Event]) -> None:
        transmission = self._transmission
        transmission.receive_sack(chunk.cumulative_tsn, transmission.peer_window + transmission.flight, [], now)

    def _answer_shutdown(self, chunk: Shutdown, tag: int, now: float, events: list[Event]) -> None:
        self._note_shutdown(chunk, tag, now, events)
        self.state = State.SHUTDOWN_ACK_SENT
        self._send_shutdown_ack(now)

    def _repeat_shutdown_ack(self, chunk: Chunk, tag: int, now: float, events: list[Event]) -> None:
        self._send_shutdown_ack(now)

    def _complete_shutdown(self, chunk: ShutdownAck, tag: int, now: float, events: list[Event]) -> None:
        self._send_alone(ShutdownComplete(), self._peer_tag)
        self._end(AssociationClosed(), events)

    def _complete_stray_shutdown(self, chunk: ShutdownAck, tag: int, now: float, events: list[Event]) -> None:
        self._send_alone(ShutdownComplete(reflected=True), tag)

    def _close(self, chunk: ShutdownComplete, tag: int, now: float, events: list[Event]) -> None:
        self._end(AssociationClosed(), events)

    # Extensions

    def _skip(self, chunk: ForwardTsn | IForwardTsn, tag: int, now: float, events: list[Event]) -> None:
        inbound = self._inbound
        if inbound is None:
            return
        if not self.offer.partial_reliability or isinstance(chunk, IForwardTsn) != self.offer.interleaving:
            self._fail(_violation("FORWARD-TSN of a kind that was not agreed on"), events)
        if isinstance(chunk, ForwardTsn):
            skipped = {(s.stream_id, False): s.ssn for s in chunk.skipped}
        else:
            skipped = {(s.stream_id, s.unordered): s.mid for s in chunk.skipped}
        inbound.skip(chunk.cumulative_tsn, skipped, events)
        inbound.packet_received(now)
        if self._reconfigurations is not None:
            self._reconfigurations.advanced(events)

    def _reconfigure(self, chunk: Reconfig, tag: int, now: float, events: list[Event]) -> None:
        if self._reconfigurations is not None and self.offer.reconfiguration:
            self._reconfigurations.receive(chunk, now, events)


def _violation(reason: str) -> Cause:
    return Cause(CauseCode.PROTOCOL_VIOLATION, reason.encode())
