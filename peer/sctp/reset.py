"""Re-configuration: RFC 6525. Resetting streams, which is how a data channel closes (RFC 8831 section 6.7), and more.

One request of ours is under way at a time; further ones wait. A stream is reset once all its messages have left: until
then the user may go on queueing, then the stream is held and the request names the last TSN that was given out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from peer.sctp.events import (
    Event,
    IncomingStreamsReset,
    OutgoingStreamsReset,
    ReconfigurationFailed,
    StreamsAdded,
    TsnsReset,
)
from peer.sctp.inbound import Inbound
from peer.sctp.transmission import Transmission
from peer.wire.sctp import Reconfig
from peer.wire.sctp_tlv import (
    AddIncomingStreams,
    AddOutgoingStreams,
    IncomingReset,
    OutgoingReset,
    ReconfigurationResponse,
    ReconfigurationResult,
    TsnReset,
)

__all__ = ["Reconfigurations", "Request"]

_MASK = 0xFFFFFFFF
_HALF = 0x80000000
_MAX_STREAMS = 65_535
_MAX_STREAMS_IN_REQUEST = 256  # keeps the chunk well inside one packet
_DONE = (ReconfigurationResult.PERFORMED, ReconfigurationResult.NOTHING_TO_DO)

Request: TypeAlias = OutgoingReset | IncomingReset | TsnReset | AddOutgoingStreams | AddIncomingStreams


class Reconfigurations:
    """Both directions of RFC 6525 for one association. `deadline` is the re-configuration timer.

    `outbound_streams` is how many streams we may send on; how many the peer may is the inbound half's to know.
    """

    def __init__(
        self,
        transmission: Transmission,
        inbound: Inbound,
        *,
        own_tsn: int,
        peer_tsn: int,
        outbound_streams: int,
        allow_tsn_reset: bool,
    ) -> None:
        self.outbound_streams = outbound_streams
        self.deadline: float | None = None
        self._transmission = transmission
        self._inbound = inbound
        self._allow_tsn_reset = allow_tsn_reset
        self._next_request = own_tsn
        self._expected = peer_tsn
        self._wanted: dict[int, int | None] = {}  # streams to reset, and the request of the peer's that asked for it
        self._wishes: deque[Request] = deque()
        self._request: Request | None = None
        self._unsent = False
        self._last_answer: tuple[ReconfigurationResponse, ...] = ()
        self._deferred: OutgoingReset | None = None
        self._responses: tuple[ReconfigurationResponse, ...] = ()

    # Ours

    def reset(self, stream_ids: tuple[int, ...]) -> None:
        """Asks for a reset of our outgoing streams once all that waits on them has left."""
        for stream_id in stream_ids:
            self._wanted.setdefault(stream_id, None)

    def request(self, wish: Request) -> None:
        """Queues any other request; its `request` number is filled in when it leaves."""
        self._wishes.append(wish)

    def chunks(self, now: float) -> list[bytes]:
        """The RE-CONFIG chunks that have to leave now."""
        out: list[bytes] = []
        if self._responses:
            out.append(Reconfig(self._responses).serialize())
            self._responses = ()
        if self._request is None and (self._wanted or self._wishes):
            self._begin()
        if self._request is not None and self._unsent:
            self._unsent = False
            self.deadline = now + self._transmission.rto.value
            out.append(Reconfig((self._request,)).serialize())
        return out

    def _begin(self) -> None:
        request = self._next_wish() or self._next_reset()
        if request is not None:
            self._request = request
            self._next_request = (self._next_request + 1) & _MASK
            self._unsent = True

    def _next_wish(self) -> Request | None:
        if not self._wishes:
            return None
        if isinstance(self._wishes[0], TsnReset):
            # Nothing may be outstanding (section 5.1.4, C2): no new message begins until that is so.
            self._transmission.suspended = True
            if not self._transmission.is_at_rest:
                return None
        return replace(self._wishes.popleft(), request=self._next_request)

    def _next_reset(self) -> OutgoingReset | None:
        queue = self._transmission.queue
        ready = [i for i in self._wanted if not queue.stream(i).messages][:_MAX_STREAMS_IN_REQUEST]
        if not ready:
            return None
        asked = [number for i in ready if (number := self._wanted.pop(i)) is not None]
        for stream_id in ready:
            queue.hold(queue.stream(stream_id))
        response = asked[-1] if asked else (self._expected - 1) & _MASK
        last_tsn = (self._transmission.next_tsn - 1) & _MASK
        return OutgoingReset(self._next_request, response, last_tsn, tuple(ready))

    def handle_timeout(self) -> bool:
        """The re-configuration timer expired: the request leaves again. True if it counts as an error."""
        self.deadline = None
        if self._request is None:
            return False
        self._transmission.rto.back_off()
        self._unsent = True
        return True

    def _conclude(self, response: ReconfigurationResponse, now: float, events: list[Event]) -> None:
        """The peer answered our request (section 5.2.7)."""
        request = self._request
        if request is None or response.response != request.request:
            return
        self._transmission.errors = 0
        if response.result == ReconfigurationResult.IN_PROGRESS:
            self.deadline = now + self._transmission.rto.value
            return
        self._request = self.deadline = None
        self._unsent = False
        conclude = _CONCLUSIONS[type(request)]
        conclude(self, request, response, response.result in _DONE, events)

    def _outgoing_concluded(
        self, request: OutgoingReset, response: ReconfigurationResponse, done: bool, events: list[Event]
    ) -> None:
        queue = self._transmission.queue
        for stream_id in request.streams:
            stream = queue.stream(stream_id)
            if done:
                stream.restart_numbers()
            queue.release(stream)
        if done:
            events.append(OutgoingStreamsReset(request.streams))
        else:
            events.append(ReconfigurationFailed(request.streams, response.result))

    def _tsn_concluded(
        self, request: TsnReset, response: ReconfigurationResponse, done: bool, events: list[Event]
    ) -> None:
        self._transmission.suspended = False
        if not done or response.sender_next_tsn is None or response.receiver_next_tsn is None:
            events.append(ReconfigurationFailed((), response.result))
            return
        self._transmission.restart_tsns(response.receiver_next_tsn)
        self._inbound.restart_tsns(response.sender_next_tsn)
        events.append(TsnsReset())

    def _add_concluded(
        self, request: AddOutgoingStreams, response: ReconfigurationResponse, done: bool, events: list[Event]
    ) -> None:
        if done:
            self.outbound_streams = min(self.outbound_streams + request.count, _MAX_STREAMS)
            events.append(StreamsAdded(self.outbound_streams, self._inbound.stream_count))
        else:
            events.append(ReconfigurationFailed((), response.result))

    def _asked(
        self,
        request: IncomingReset | AddIncomingStreams,
        response: ReconfigurationResponse,
        done: bool,
        events: list[Event],
    ) -> None:
        """What we asked the peer to do: its own request follows."""
        if not done:
            events.append(ReconfigurationFailed(getattr(request, "streams", ()), response.result))

    # Theirs

    def receive(self, chunk: Reconfig, now: float, events: list[Event]) -> None:
        """Takes a RE-CONFIG chunk; answers leave with the next `chunks`."""
        requests: list[Request] = []
        for parameter in chunk.parameters:
            if isinstance(parameter, ReconfigurationResponse):
                self._conclude(parameter, now, events)
            elif isinstance(parameter, Request):
                requests.append(parameter)
        if not requests:
            return
        self._inbound.want_sack()
        repeated = requests[0].request == (self._expected - len(requests[:2])) & _MASK
        if repeated and self._last_answer:
            self._responses = self._last_answer
            return
        self._responses = tuple(self._answer(request, now, events) for request in requests[:2])
        if any(response.result != ReconfigurationResult.BAD_SEQUENCE_NUMBER for response in self._responses):
            self._last_answer = self._responses

    def _answer(self, request: Request, now: float, events: list[Event]) -> ReconfigurationResponse:
        number = request.request
        if number != self._expected:
            return ReconfigurationResponse(number, ReconfigurationResult.BAD_SEQUENCE_NUMBER)
        if self._deferred is not None:
            return ReconfigurationResponse(number, ReconfigurationResult.IN_PROGRESS_ALREADY)
        self._expected = (number + 1) & _MASK
        answer = _ANSWERS[type(request)]
        return answer(self, request, now, events)

    def _answer_outgoing(self, request: OutgoingReset, now: float, events: list[Event]) -> ReconfigurationResponse:
        """Section 5.2.2."""
        ours = self._request
        if isinstance(ours, IncomingReset) and request.response == ours.request:
            self._conclude(ReconfigurationResponse(ours.request, ReconfigurationResult.PERFORMED), now, events)  # E1
        if any(stream_id >= self._inbound.stream_count for stream_id in request.streams):
            return ReconfigurationResponse(request.request, ReconfigurationResult.WRONG_SSN)
        if self._awaits(request):
            self._deferred = request
            self._inbound.hold((frozenset(request.streams), self._inbound.cumulative + self._ahead(request)))
            return ReconfigurationResponse(request.request, ReconfigurationResult.IN_PROGRESS)
        return self._perform(request, events)

    def _ahead(self, request: OutgoingReset) -> int:
        return (request.last_tsn - self._inbound.cumulative) & _MASK

    def _awaits(self, request: OutgoingReset) -> bool:
        return 0 < self._ahead(request) < _HALF

    def _perform(self, request: OutgoingReset, events: list[Event]) -> ReconfigurationResponse:
        streams = request.streams or tuple(self._inbound.streams)
        self._inbound.reset_streams(streams)
        events.append(IncomingStreamsReset(streams))
        return ReconfigurationResponse(request.request, ReconfigurationResult.PERFORMED)

    def advanced(self, events: list[Event]) -> None:
        """Data arrived: a reset that waited for it may be due (section 5.2.2, E2)."""
        request = self._deferred
        if request is None or self._awaits(request):
            return
        self._deferred = None
        self._responses = self._last_answer = (self._perform(request, events),)

    def _answer_incoming(self, request: IncomingReset, now: float, events: list[Event]) -> ReconfigurationResponse:
        """Section 5.2.3: we are asked to reset our outgoing streams."""
        number, queue = request.request, self._transmission.queue
        streams = request.streams or tuple(queue.streams)
        if any(stream_id >= self.outbound_streams for stream_id in streams):
            return ReconfigurationResponse(number, ReconfigurationResult.WRONG_SSN)
        ours = self._request
        if isinstance(ours, OutgoingReset) and set(streams) <= set(ours.streams):
            return ReconfigurationResponse(number, ReconfigurationResult.NOTHING_TO_DO)
        for stream_id in streams:
            self._wanted[stream_id] = number
        return ReconfigurationResponse(number, ReconfigurationResult.PERFORMED)

    def _answer_tsn(self, request: TsnReset, now: float, events: list[Event]) -> ReconfigurationResponse:
        """Section 5.2.4. Whether it is allowed is an administrative decision (section 5.2.1): by default it isn't."""
        if not self._allow_tsn_reset or self._transmission.interleaving:
            return ReconfigurationResponse(request.request, ReconfigurationResult.DENIED)
        if not self._transmission.is_at_rest:
            # What is on its way would be lost. The request will come again (section 5.2.7, H2), and finds less of it.
            self._transmission.suspended = True
            self._expected = request.request
            return ReconfigurationResponse(request.request, ReconfigurationResult.IN_PROGRESS)
        self._transmission.suspended = False
        peer_next = (self._inbound.cumulative + 1 + _HALF) & _MASK
        own_next = self._transmission.next_tsn & _MASK
        self._inbound.restart_tsns(peer_next)
        self._transmission.restart_tsns(own_next)
        events.append(TsnsReset())
        return ReconfigurationResponse(request.request, ReconfigurationResult.PERFORMED, own_next, peer_next)

    def _answer_add_outgoing(
        self, request: AddOutgoingStreams, now: float, events: list[Event]
    ) -> ReconfigurationResponse:
        """Section 5.2.5."""
        if not request.count or self._inbound.stream_count + request.count > _MAX_STREAMS:
            return ReconfigurationResponse(request.request, ReconfigurationResult.DENIED)
        self._inbound.stream_count += request.count
        events.append(StreamsAdded(self.outbound_streams, self._inbound.stream_count))
        return ReconfigurationResponse(request.request, ReconfigurationResult.PERFORMED)

    def _answer_add_incoming(
        self, request: AddIncomingStreams, now: float, events: list[Event]
    ) -> ReconfigurationResponse:
        """Section 5.2.6: our own request to add outgoing streams follows."""
        if not request.count or self.outbound_streams + request.count > _MAX_STREAMS:
            return ReconfigurationResponse(request.request, ReconfigurationResult.DENIED)
        self._wishes.append(AddOutgoingStreams(0, request.count))
        return ReconfigurationResponse(request.request, ReconfigurationResult.PERFORMED)


_CONCLUSIONS: dict[type, Callable[[Reconfigurations, Any, ReconfigurationResponse, bool, list[Event]], None]] = {
    OutgoingReset: Reconfigurations._outgoing_concluded,
    IncomingReset: Reconfigurations._asked,
    TsnReset: Reconfigurations._tsn_concluded,
    AddOutgoingStreams: Reconfigurations._add_concluded,
    AddIncomingStreams: Reconfigurations._asked,
}

_ANSWERS: dict[type, Callable[[Reconfigurations, Any, float, list[Event]], ReconfigurationResponse]] = {
    OutgoingReset: Reconfigurations._answer_outgoing,
    IncomingReset: Reconfigurations._answer_incoming,
    TsnReset: Reconfigurations._answer_tsn,
    AddOutgoingStreams: Reconfigurations._answer_add_outgoing,
    AddIncomingStreams: Reconfigurations._answer_add_incoming,
}
