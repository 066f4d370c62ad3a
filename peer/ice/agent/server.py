"""Judging a Binding request (RFC 8445 section 7.3, RFC 8489 sections 6.3.1 and 9.1.3)."""

from __future__ import annotations

from peer.ice.agent import messages
from peer.ice.agent.context import Context
from peer.ice.agent.generation import Generation, Heard
from peer.ice.agent.path import Path
from peer.wire import stun

__all__ = ["answer"]


def answer(
    context: Context, generations: list[Generation], request: stun.Message, data: bytes, path: Path, now: float
) -> tuple[Generation, Heard] | None:
    """Send the response to a request; give back what was learned when it was accepted."""
    username = request.username
    ours, colon, theirs = (username or "").partition(":")
    generation = next((one for one in generations if colon and one.local.ufrag == ours), None)
    key = generation.local.pwd.encode() if generation is not None else None
    code = _refusal(context, request, data, key)
    if generation is not None and key is not None and code == 0 and request.priority is not None:
        context.send(messages.success_response(request, path.remote, key), path, now)
        return generation, Heard(path, theirs, request.priority, request.use_candidate, request.nomination)
    unknown = request.unknown_required(messages.KNOWN) if code == messages.UNKNOWN_ATTRIBUTE else ()
    authenticated = key if key is not None and stun.has_valid_integrity(data, key) else None
    context.send(messages.error_response(request, code, authenticated, unknown), path, now)
    return None


def _refusal(context: Context, request: stun.Message, data: bytes, key: bytes | None) -> int:
    """The error code a request deserves, 0 for none."""
    if request.username is None or stun.AttributeType.MESSAGE_INTEGRITY not in request:
        return messages.BAD_REQUEST
    if key is None or not stun.has_valid_integrity(data, key):
        return messages.UNAUTHENTICATED
    if request.unknown_required(messages.KNOWN):
        return messages.UNKNOWN_ATTRIBUTE
    if request.priority is None:
        return messages.BAD_REQUEST  # RFC 8445 section 7.1.1: it has to be there
    return messages.ROLE_CONFLICT if _has_role_conflict(context, request) else 0


def _has_role_conflict(context: Context, request: stun.Message) -> bool:
    """RFC 8445 section 7.3.1.1: True where the other side has to switch; where we have to, we do."""
    if context.controlling and request.controlling is not None:
        if context.tiebreaker >= request.controlling:
            return True
        context.switch_role()
    elif not context.controlling and request.controlled is not None:
        if context.tiebreaker < request.controlled:
            return True
        context.switch_role()
    return False
