"""The STUN messages of connectivity checks (RFC 8445 section 7, RFC 8489)."""

from __future__ import annotations

from typing import Final

from peer.ice.agent.candidate import Parameters, peer_reflexive_priority
from peer.ice.agent.context import Context
from peer.ice.agent.pair import CandidatePair
from peer.ice.agent.path import Address
from peer.wire.stun import Attribute, AttributeType, Class, ErrorCode, Message, Method

__all__ = [
    "BAD_REQUEST",
    "FORBIDDEN",
    "KNOWN",
    "ROLE_CONFLICT",
    "UNAUTHENTICATED",
    "UNKNOWN_ATTRIBUTE",
    "binding_indication",
    "binding_request",
    "error_response",
    "success_response",
]

BAD_REQUEST: Final = 400
UNAUTHENTICATED: Final = 401
FORBIDDEN: Final = 403
UNKNOWN_ATTRIBUTE: Final = 420
ROLE_CONFLICT: Final = 487

_REASONS: Final = {
    BAD_REQUEST: "Bad Request",
    UNAUTHENTICATED: "Unauthenticated",
    UNKNOWN_ATTRIBUTE: "Unknown Attribute",
    ROLE_CONFLICT: "Role Conflict",
}

KNOWN: Final[frozenset[int]] = frozenset(
    {
        AttributeType.MAPPED_ADDRESS,
        AttributeType.USERNAME,
        AttributeType.MESSAGE_INTEGRITY,
        AttributeType.ERROR_CODE,
        AttributeType.UNKNOWN_ATTRIBUTES,
        AttributeType.REALM,
        AttributeType.NONCE,
        AttributeType.MESSAGE_INTEGRITY_SHA256,
        AttributeType.PASSWORD_ALGORITHM,
        AttributeType.USERHASH,
        AttributeType.XOR_MAPPED_ADDRESS,
        AttributeType.PRIORITY,
        AttributeType.USE_CANDIDATE,
    }
)
"""The comprehension-required attributes a connectivity check may hold; any other is answered by 420."""


def binding_request(
    context: Context, local: Parameters, remote: Parameters, pair: CandidatePair, *, use_candidate: bool
) -> Message:
    """A check of a pair, or a consent request on it (which is the same without USE-CANDIDATE, RFC 7675 section 5.1)."""
    role = AttributeType.ICE_CONTROLLING if context.controlling else AttributeType.ICE_CONTROLLED
    attributes = [
        Attribute(AttributeType.USERNAME, f"{remote.ufrag}:{local.ufrag}"),
        Attribute(AttributeType.PRIORITY, peer_reflexive_priority(pair.local.priority)),
        Attribute(role, context.tiebreaker),
    ]
    if use_candidate and context.controlling:
        attributes.append(Attribute(AttributeType.USE_CANDIDATE))
        if context.config.renomination and remote.renomination:
            attributes.append(Attribute(AttributeType.NOMINATION, pair.nomination))
    return Message(
        Method.BINDING,
        Class.REQUEST,
        context.entropy(12),
        tuple(attributes),
        integrity_key=remote.pwd.encode(),
        fingerprint=True,
    )


def binding_indication(context: Context) -> Message:
    """A keepalive (RFC 8445 section 11): no credentials, a fingerprint."""
    return Message(Method.BINDING, Class.INDICATION, context.entropy(12), fingerprint=True)


def success_response(request: Message, source: Address, key: bytes) -> Message:
    """The answer to a request that came from `source`."""
    mapped = Attribute(AttributeType.XOR_MAPPED_ADDRESS, source)
    return Message(
        request.method, Class.SUCCESS, request.transaction_id, (mapped,), integrity_key=key, fingerprint=True
    )


def error_response(request: Message, code: int, key: bytes | None, unknown: tuple[int, ...] = ()) -> Message:
    """A refusal; without a `key` where the request wasn't authenticated (RFC 8489 section 9.1.3)."""
    attributes = [Attribute(AttributeType.ERROR_CODE, ErrorCode(code, _REASONS[code]))]
    if unknown:
        attributes.append(Attribute(AttributeType.UNKNOWN_ATTRIBUTES, unknown))
    return Message(
        request.method, Class.ERROR, request.transaction_id, tuple(attributes), integrity_key=key, fingerprint=True
    )
