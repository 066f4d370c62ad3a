"""What is wrong with the reference peer when each case of this folder has to turn red."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cases.planting import Fault, gives, patched, planted, reads
from peer.api import Seams
from peer.api.stats import Stats, _Collection
from peer.rtp import tones
from peer.rtp.tones import Report
from peer.wire import rtcp, rtp

__all__ = ["FAULTS"]

_add = _Collection.add


def tells(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Fault:
    """The dictionaries of media are changed before they are told."""

    def added(self: _Collection, stats_type: str, name: str, /, **members: Any) -> str:
        media = stats_type in ("codec", "media-source") or stats_type.endswith("-rtp")
        return _add(self, stats_type, name, **(change(members) if media else members))

    return patched("peer.api.stats._Collection.add", added)


def without(*names: str) -> Fault:
    return tells(lambda members: {name: value for name, value in members.items() if name not in names})


def more(name: str) -> Fault:
    return tells(lambda members: {**members, name: members[name] + 1} if name in members else members)


def events(change: Callable[[rtp.Packet, Report], rtp.Packet]) -> Fault:
    """Telephone events are changed before they leave."""

    def bend(message: Any) -> tuple[Any, ...]:
        if isinstance(message, rtp.Packet) and message.payload_type in (110, 126):
            return (change(message, tones.pull(message.payload)),)
        return (message,)

    return Fault(Seams(rtp=bend))


def reporting(**fields: Any) -> Fault:
    return events(lambda packet, report: replace(packet, payload=tones.push(replace(report, **fields))))


def packets(**fields: Any) -> Fault:
    return events(lambda packet, _: replace(packet, **fields))


_add_transceiver = Stats._add_transceiver


def of_both_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A selector brings the other direction of its transceiver, too."""
    monkeypatch.setattr(
        Stats, "_add_transceiver", lambda self, to, transceiver, **_: _add_transceiver(self, to, transceiver)
    )
    monkeypatch.setattr(_Collection, "referenced_by", lambda self, _: self.entries)


_names = iter(range(1 << 30))


def new_names(self: _Collection, name: str) -> str:
    return f"{name} {next(_names)}"


never_muted = gives("media.Media.mute", None)
no_pictures = patched("peer.media.layer.VideoLayer.offer", lambda *_: None)
always_flows = patched("peer.api.media_stream.MediaStreamTrack._flows", lambda _: True)


def of_another_clock(message: Any) -> tuple[Any, ...]:
    """Sender reports say that the sound was made 0.1 s later than it was."""
    if not isinstance(message, tuple):
        return (message,)
    return (tuple(replace(one, ntp=one.ntp + (1 << 32) // 10) if is_of_sound(one) else one for one in message),)


def is_of_sound(one: Any) -> bool:
    return isinstance(one, rtcp.SenderReport) and one.packet_count > 0 and one.octet_count / one.packet_count < 200


_FAULTS: dict[str, Fault] = {
    **planted(
        "cases/media/test_rfc3550_6_4_1_lip_sync.py::test_",
        sound_and_pictures_are_tied_to_one_clock=Fault(Seams(rtp=of_another_clock), patience=6.0),
    ),
    **planted(
        "cases/media/test_w3c_8_6_mandatory_stats.py::test_",
        sanity_media_flows_and_is_counted=without("packetsSent"),
        every_member_is_there=without("codecId", "trackIdentifier", "payloadType"),
        packets_and_bytes_sent_are_those_of_the_wire=more("bytesSent"),
        the_ssrc_and_the_codec_are_those_of_the_wire=more("ssrc"),
        ids_stay_while_counts_grow=patched("peer.api.stats._Collection.id", new_names),
        pictures_decoded_are_those_that_were_sent=tells(lambda members: {**members, "framesDecoded": 0}),
        a_senders_report_has_nothing_of_the_receiver=Fault(patch=of_both_directions),
    ),
    **planted(
        "cases/media/test_w3c_7_dtmf.py::test_",
        sanity_tones_can_be_inserted=reads("dtmf_sender.RTCDTMFSender.canInsertDTMF", False),
        tones_are_heard_in_order=reporting(event=3),
        a_tone_lasts_as_long_as_was_asked=reporting(duration=800),
        an_event_keeps_its_timestamp_while_its_duration_grows=reporting(duration=4800),
        the_first_packet_of_an_event_is_marked=packets(marker=True),
        events_travel_in_the_stream_of_the_sound=packets(ssrc=77),
        every_tone_is_told_and_then_the_end=gives("dtmf_sender.RTCDTMFSender._playout", None),
        the_buffer_holds_what_remains=reads("dtmf_sender.RTCDTMFSender.toneBuffer", "12"),
        what_is_no_key_is_refused=patched("peer.api.dtmf_sender.TONES", frozenset("12x")),
    ),
    **planted(
        "cases/media/test_w3c_5_2_sending.py::test_",
        sanity_pictures_arrive=no_pictures,
        a_disabled_track_is_black=always_flows,
        disabled_sound_is_not_sent=always_flows,
        data_unmutes_a_track=gives("media.Media.data_received", None),
        a_bye_mutes_a_track=never_muted,
        a_replaced_track_takes_over_without_a_goodbye=gives("media.Media.track_replaced", None),
        pictures_are_no_larger_than_scaled=patched("peer.media.layer.VideoLayer.size", lambda _, *size: size),
    ),
}


def hurried(fault: Fault) -> Fault:
    """What the fault keeps from happening isn't waited for as long as on a busy machine with a browser."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("cases.media.flowing.PATIENCE", fault.patience)
        if fault.patch is not None:
            fault.patch(monkeypatch)

    return replace(fault, patch=patch)


FAULTS = {case: hurried(fault) for case, fault in _FAULTS.items()}
