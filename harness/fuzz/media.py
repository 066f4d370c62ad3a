"""RTP and RTCP: spoilt packets through the parser, in the clear and from under SRTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from hypothesis import strategies as st

from harness.fuzz.edits import apply, edits
from harness.fuzz.target import Example, Played, Problem, Target
from peer import srtp
from peer.errors import DecodeError
from peer.testing import Entropy
from peer.wire import rtcp, rtp

__all__ = ["Rtcp", "Rtp"]

_SSRC: Final = 0x1234_5678
_RTP: Final = {
    "plain": rtp.Packet(111, 1, 960, _SSRC, b"payload" * 10),
    "contributed": rtp.Packet(96, 0xFFFF, 0xFFFF_FFFF, _SSRC, b"x" * 40, marker=True, csrcs=(1, 2, 3), padding=4),
    "one-byte headers": rtp.Packet(
        96, 7, 0, _SSRC, b"y", extensions=(rtp.Extension(1, b"\x80"), rtp.Extension(14, b"0123456789abcdef"))
    ),
    "two-byte headers": rtp.Packet(
        96, 8, 0, _SSRC, b"z", extensions=(rtp.Extension(200, bytes(30)), rtp.Extension(3, b""))
    ),
}
_BLOCK: Final = rtcp.ReportBlock(_SSRC, 5, -3, 70_000, 12, 0x1111_2222, 99)
_RTCP: Final[Mapping[str, tuple[rtcp.Packet, ...]]] = {
    "reports": (
        rtcp.SenderReport(_SSRC, 1 << 40, 960, 10, 700, (_BLOCK,)),
        rtcp.ReceiverReport(_SSRC, (_BLOCK, _BLOCK)),
    ),
    "description": (rtcp.ReceiverReport(_SSRC), rtcp.SourceDescription(((_SSRC, ((1, b"cname"), (2, b"name"))),))),
    "end": (rtcp.ReceiverReport(_SSRC), rtcp.Bye((_SSRC, 2), b"enough")),
    "application": (rtcp.App(3, _SSRC, b"peer", b"12345678"),),
    "feedback": (
        rtcp.PictureLoss(_SSRC, 1),
        rtcp.FullIntraRequest(_SSRC, ((1, 2), (3, 4)), 0),
        rtcp.TransportFeedback(_SSRC, 1, 5, 12, 1, (4, None, None, 300, -7)),
    ),
}
_PROFILES: Final = {profile.name: profile for profile in srtp.PROFILES.values()}


class _Media(Target):
    """What both share: packets by name, the parser, and the way through SRTP."""

    packets: ClassVar[Mapping[str, bytes]]

    def strategy(self) -> st.SearchStrategy[Example]:
        return st.fixed_dictionaries(
            {
                "packet": st.sampled_from(list(self.packets)),
                "way": st.sampled_from(["clear", *_PROFILES]),
                "changes": st.lists(edits, min_size=1, max_size=6),
                "after": st.lists(edits, max_size=1),
            }
        )

    def play(self, example: Example) -> Played:
        data = apply(self.packets[example["packet"]], example["changes"])
        outcome, problem = "refused", None
        try:
            if example["way"] != "clear":
                data = self._carried(data, example["way"], example["after"])
            parsed = self._parse(data)
            outcome = "read"
            again = self._parse(self._serialize(parsed))
            if again != parsed:
                problem = Problem("round trip", "changed", message=f"{parsed} became {again}"[:500])
        except DecodeError as error:
            if outcome == "read":
                problem = Problem("round trip", "refused", message=f"what is written can't be read: {error}")
        except Exception as error:  # noqa: BLE001  (whatever else comes out is what is looked for)
            problem = Problem.of_exception(error, outcome)
        where = f"{example['packet']} x {example['way']} x {outcome}"
        return Played.of((f"{kind} x {where}" for kind, _, _ in example["changes"]), problem)

    def _carried(self, data: bytes, profile_name: str, changes: list[list[Any]]) -> bytes:
        """Protected, perhaps spoilt on the way, unprotected."""
        profile = _PROFILES[profile_name]
        entropy = Entropy(profile_name)
        master = srtp.MasterKey(entropy(profile.key_length), entropy(profile.salt_length))
        sender, receiver = srtp.Outbound(profile, master), srtp.Inbound(profile, master)
        protect, unprotect = self._ways(sender, receiver)
        return unprotect(apply(protect(data), changes))

    def _ways(
        self, sender: srtp.Outbound, receiver: srtp.Inbound
    ) -> tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]:
        raise NotImplementedError

    def _parse(self, data: bytes) -> Any:
        raise NotImplementedError

    def _serialize(self, parsed: Any) -> bytes:
        raise NotImplementedError

    def files(self, example: Example) -> Mapping[str, str | bytes]:
        # Here and not above: scapy takes a third of a second to import.
        from harness.fuzz.packets import files_of_packet

        data = apply(self.packets[example["packet"]], example["changes"])
        comment = f"{example['packet']}, spoilt; {example['way']}"
        return {"input.hex": f"{data.hex()}\n", **files_of_packet(data, self.name, comment)}


class Rtp(_Media):
    """`peer.wire.rtp` and `peer.srtp`: DecodeError or a packet that is written as it was read."""

    name: ClassVar[str] = "rtp"
    packets: ClassVar[Mapping[str, bytes]] = {name: packet.serialize() for name, packet in _RTP.items()}

    def _ways(
        self, sender: srtp.Outbound, receiver: srtp.Inbound
    ) -> tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]:
        return sender.protect, receiver.unprotect

    def _parse(self, data: bytes) -> Any:
        return rtp.parse(data)

    def _serialize(self, parsed: Any) -> bytes:
        return bytes(parsed.serialize())


class Rtcp(_Media):
    """`peer.wire.rtcp` and `peer.srtp`: DecodeError or packets that are written as they were read."""

    name: ClassVar[str] = "rtcp"
    packets: ClassVar[Mapping[str, bytes]] = {
        name: b"".join(packet.serialize() for packet in compound) for name, compound in _RTCP.items()
    }

    def _ways(
        self, sender: srtp.Outbound, receiver: srtp.Inbound
    ) -> tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]:
        return sender.protect_rtcp, receiver.unprotect_rtcp

    def _parse(self, data: bytes) -> Any:
        return rtcp.parse(data)

    def _serialize(self, parsed: Any) -> bytes:
        return b"".join(packet.serialize() for packet in parsed)
