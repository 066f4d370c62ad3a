"""One side of a negotiation, for tests: a state, what was said, what was asked of the rest of the peer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from peer import jsep, sdp
from peer.jsep import Description, DescriptionType, Direction, Encoding, Kind, Options, Side, Transceiver
from peer.testing import Entropy

E = TypeVar("E")

FINGERPRINT = jsep.Fingerprint("sha-256", ":".join(["AB"] * 32))


class Party:
    """`say` sets local descriptions, `hear` remote ones; `effects` are those of the last one set."""

    def __init__(self, seed: str = "party", **configuration: Any) -> None:
        self.entropy = Entropy(seed)
        session_level = configuration.pop("session_level", True)
        fingerprints = configuration.pop("fingerprints", (FINGERPRINT,))
        self.state = jsep.new_state(fingerprints=fingerprints, entropy=self.entropy, **configuration)
        self.configure(session_level=session_level)
        self.effects: tuple[jsep.Effect, ...] = ()

    def configure(self, **changes: Any) -> None:
        self.state = replace(self.state, configuration=replace(self.state.configuration, **changes))

    # what an application does

    def add(
        self,
        kind: str = "audio",
        direction: str = "sendrecv",
        *,
        streams: tuple[str, ...] = ("stream",),
        rids: tuple[str, ...] = (),
        track: bool = True,
    ) -> int:
        encodings = tuple(Encoding(rid=rid) for rid in rids)
        self.state, made = self.state.add(
            Kind(kind), Direction(direction), stream_ids=streams, encodings=encodings, add_track=track
        )
        return made.key

    def data(self) -> Party:
        self.state = self.state.with_data_channel()
        return self

    def change(self, key: int, **slots: Any) -> None:
        one = self.transceiver(key)
        self.state = self.state.with_transceiver(replace(one, **slots))

    def stop(self, key: int) -> None:
        self.change(key, stopping=True, direction=Direction.INACTIVE)

    # descriptions

    def set(self, side: Side, kind: str, text: str = "") -> tuple[jsep.Effect, ...]:
        made = jsep.plan(self.state, side, Description(DescriptionType(kind), text), entropy=self.entropy)
        self.state, self.effects = made.state, made.effects
        return self.effects

    def create_offer(self, **options: Any) -> str:
        creation = jsep.create_offer(self.state, Options(**options), entropy=self.entropy)
        self.state = creation.state
        return creation.description.sdp

    def create_answer(self, **options: Any) -> str:
        creation = jsep.create_answer(self.state, Options(**options), entropy=self.entropy)
        self.state = creation.state
        return creation.description.sdp

    def offer(self, **options: Any) -> str:
        """createOffer and setLocalDescription."""
        text = self.create_offer(**options)
        self.set(Side.LOCAL, "offer", text)
        return text

    def answer(self, kind: str = "answer", **options: Any) -> str:
        """createAnswer and setLocalDescription."""
        text = self.create_answer(**options)
        self.set(Side.LOCAL, kind, text)
        return text

    def hear(self, kind: str, text: str) -> tuple[jsep.Effect, ...]:
        return self.set(Side.REMOTE, kind, text)

    def rollback(self, side: Side = Side.LOCAL) -> tuple[jsep.Effect, ...]:
        return self.set(side, "rollback")

    # reading

    def transceiver(self, key: int) -> Transceiver:
        one = self.state.transceiver(key)
        assert one is not None
        return one

    @property
    def only(self) -> Transceiver:
        (one,) = self.state.transceivers
        return one

    def all(self, kind: type[E]) -> list[E]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def one(self, kind: type[E]) -> E:
        (effect,) = self.all(kind)
        return effect


def negotiate(offerer: Party, answerer: Party, **options: Any) -> tuple[str, str]:
    """One whole round: the two texts."""
    offer = offerer.offer(**options)
    answerer.hear("offer", offer)
    answer = answerer.answer()
    offerer.hear("answer", answer)
    return offer, answer


def pair(**configuration: Any) -> tuple[Party, Party]:
    return Party("offerer", **configuration), Party("answerer", **configuration)


def connected(*kinds: str, data: bool = True, **configuration: Any) -> tuple[Party, Party]:
    """Two parties after one round, the offerer with one transceiver of each kind named."""
    one, other = pair(**configuration)
    for kind in kinds:
        one.add(kind)
    if data:
        one.data()
    negotiate(one, other)
    return one, other


def media(text: str, index: int = 0) -> sdp.Media:
    return sdp.parse(text).media[index]


def without(text: str, *prefixes: str) -> str:
    """The text without lines that start so."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(prefixes))


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)
