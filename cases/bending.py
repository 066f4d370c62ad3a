"""Ways to misbehave, for `Seams`: each makes a transform that bends what it is told to and leaves the rest alone."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from peer.ice.agent import Address, Transmission
from peer.wire.stun import Attribute, AttributeType, Class, Message

__all__ = [
    "Bend",
    "Elsewhere",
    "as_well",
    "changed",
    "dropped",
    "each",
    "from_another_port",
    "stranger",
    "without",
]

BINDING_SUCCESS: Final = b"\x01\x01"

Bend = Callable[[Any], Iterable[Any]]


def each(kind: type, bend: Callable[[Any], Iterable[Any]]) -> Bend:
    """Apply `bend` to messages of a class."""
    return lambda message: bend(message) if isinstance(message, kind) else (message,)


def changed(kind: type, **fields: Any) -> Bend:
    """Messages of a class with other values in these fields."""
    return each(kind, lambda message: (replace(message, **fields),))


def dropped(kind: type) -> Bend:
    """No messages of a class."""
    return each(kind, lambda _: ())


def without(*attributes: AttributeType, of: Class = Class.REQUEST) -> Bend:
    """STUN messages of a class lack these attributes."""

    def bend(message: Message) -> Iterable[Message]:
        if message.message_class is not of:
            return (message,)
        kept = tuple(attribute for attribute in message.attributes if attribute.type not in attributes)
        return (replace(message, attributes=kept),)

    return bend


def as_well(make: Callable[[Message], Message]) -> Bend:
    """Beside each Binding request goes a strange one, in a transaction of its own, made by `make` out of it."""

    def bend(message: Message) -> Iterable[Message]:
        if message.message_class is not Class.REQUEST:
            return (message,)
        return (make(replace(message, transaction_id=stranger(message.transaction_id))), message)

    return bend


class Elsewhere:
    """For `Seams(datagram=...)`: STUN answers leave from another socket than the one that was asked."""

    def __init__(self) -> None:
        self._bases: set[Address] = set()

    def __call__(self, one: Transmission) -> Iterable[Transmission]:
        here = one.path.local
        self._bases.add(here)
        if not one.data.startswith(BINDING_SUCCESS):
            return (one,)
        others = [base for base in self._bases if base != here and base.is_ipv6 == here.is_ipv6]
        return tuple(replace(one, path=one.path._replace(local=base)) for base in others[:1])


def from_another_port(one: Transmission) -> Iterable[Transmission]:
    """For `Seams(datagram=...)`: each STUN answer leaves from a new port of the host that was asked."""
    if not one.data.startswith(BINDING_SUCCESS):
        return (one,)
    family = socket.AF_INET6 if one.path.local.is_ipv6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as other:
        other.bind((one.path.local.host, 0))
        other.sendto(one.data, one.path.remote)
    return ()


def stranger(transaction_id: bytes) -> bytes:
    """Another transaction id, to be recognised again: it ends in "odd"."""
    return transaction_id[:-3] + b"odd"


def with_attribute(message: Message, attribute: Attribute) -> Message:
    return replace(message, attributes=(*message.attributes, attribute))
