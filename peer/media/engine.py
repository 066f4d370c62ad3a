"""The engine of one connection: what its transceivers send and receive, as long as they do.

It speaks in keys and plain values: `peer.api` makes them from a transceiver's slots and puts names to what comes back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from peer import rtp
from peer.media.feed import Feed
from peer.media.inbound import Inbound
from peer.media.outbound import Outbound
from peer.media.plans import Codecs, Driver, SendPlan, TrackInput
from peer.media.rates import share
from peer.media.work import Pool

__all__ = ["Engine"]


class Engine:
    """Senders and receivers by the transceiver's key, transports by theirs."""

    def __init__(self, driver: Driver, pool: Pool, codecs: Codecs | None = None) -> None:
        self.senders: dict[int, Outbound] = {}
        self.receivers: dict[int, Inbound] = {}
        self._driver = driver
        self._pool = pool
        self._codecs = codecs or Codecs()
        self._transports: dict[int, int] = {}  # of each transceiver
        self.targets: dict[int, int] = {}
        """The estimate of each transport, in bit/s."""

    # what the connection says

    def configure_sender(
        self, key: int, kind: str, transport: int | None, plan: SendPlan | None, track: TrackInput | None
    ) -> None:
        """What a transceiver may send, over which transport, and what of."""
        outbound = self.senders.get(key)
        if outbound is None:
            if plan is None:
                return
            outbound = self.senders[key] = Outbound(key, kind, self._driver, self._codecs, self._pool)
            outbound.layers_used = lambda: self._share(self._transports.get(key, -1))
        if transport is not None:
            self._transports[key] = transport
        outbound.set_track(track)
        outbound.configure(transport, plan)
        if transport is not None:
            self._share(transport)

    def configure_receiver(
        self,
        key: int,
        kind: str,
        transport: int | None,
        config: rtp.ReceiveConfig | None,
        feed: Feed,
        wanted: Callable[[], bool],
    ) -> None:
        """What a transceiver is ready to receive; `feed` is its track's, `wanted` False once that ended."""
        inbound = self.receivers.get(key)
        if inbound is None:
            if config is None:
                return
            inbound = self.receivers[key] = Inbound(key, kind, self._driver, self._codecs, self._pool, feed)
            inbound.wanted = wanted
        inbound.configure(transport, config)

    def connected(self, transport: int) -> None:
        """SRTP has its keys on this transport: what waited for them begins."""
        for key, outbound in self.senders.items():
            if self._transports.get(key) == transport:
                outbound.refresh()
        self._share(transport)

    def stop(self, key: int) -> None:
        """A transceiver sends and receives no more, for good."""
        outbound, inbound = self.senders.get(key), self.receivers.get(key)
        if outbound is not None:
            outbound.stop()
        if inbound is not None:
            inbound.stop()

    def request_key_frame(self, key: int, rid: str | None) -> None:
        """Of one layer of a sender, or of all without a rid; a sender that has nothing to send has none."""
        if key in self.senders:
            self.senders[key].request_key_frame(rid)

    def play_tone(self, key: int, event: int, duration: int) -> None:
        """An event of RFC 4733 for `duration` ms."""
        if key in self.senders:
            self.senders[key].play_tone(event, duration)

    def close(self) -> None:
        """Nothing runs any more."""
        for key in (*self.senders, *self.receivers):
            self.stop(key)
        self._pool.close()

    # what RTP says

    def handle(self, transport: int, event: rtp.Event) -> None:
        """An event of the RTP machine of a transport."""
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, transport, event)

    def _frame_received(self, _: int, event: rtp.FrameReceived) -> None:
        if event.key in self.receivers:
            self.receivers[event.key].received(event)

    def _frame_lost(self, _: int, event: rtp.FrameLost) -> None:
        if event.key in self.receivers:
            self.receivers[event.key].lost(event)

    def _key_frame_requested(self, _: int, event: rtp.KeyFrameRequested) -> None:
        self.request_key_frame(event.key, event.rid)

    def _target_changed(self, transport: int, event: rtp.TargetBitrateChanged) -> None:
        self.targets[transport] = event.bits_per_second
        self._share(transport)

    def _stream_started(self, _: int, event: rtp.StreamStarted) -> None:
        self._driver.data_received(event.key)

    def _stream_ended(self, _: int, event: rtp.StreamEnded) -> None:
        if event.key in self.receivers:
            self.receivers[event.key].ended(event.ssrc)
        if event.reason == rtp.EndReason.BYE:
            self._driver.source_removed(event.key)

    def _ssrc_changed(self, _: int, event: rtp.SsrcChanged) -> None:
        if event.key in self.senders:
            self.senders[event.key].renamed(event.old, event.new)

    def _tone_received(self, _: int, event: rtp.ToneReceived) -> None:
        if not event.ended:
            self._driver.tone_received(event.key, event.event)

    def _share(self, transport: int) -> None:
        target = self.targets.get(transport)
        if target is None:
            machine = self._driver.transport(transport)
            if machine is None:
                return
            target = machine.target_bitrate
        used = {self._transports.get(key) for key, one in self.senders.items() if one.is_sending}
        here = [one for key, one in self.senders.items() if self._transports.get(key) == transport]
        share(here, target, transports=max(1, len(used)))


_HANDLERS: Final[dict[type, Callable[..., None]]] = {
    rtp.FrameReceived: Engine._frame_received,
    rtp.FrameLost: Engine._frame_lost,
    rtp.KeyFrameRequested: Engine._key_frame_requested,
    rtp.TargetBitrateChanged: Engine._target_changed,
    rtp.StreamStarted: Engine._stream_started,
    rtp.StreamEnded: Engine._stream_ended,
    rtp.ToneReceived: Engine._tone_received,
    rtp.SsrcChanged: Engine._ssrc_changed,
}
