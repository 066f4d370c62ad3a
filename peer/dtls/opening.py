"""The start of a handshake, before it is known which version it will be.

client: ClientHello -> [HelloVerifyRequest -> ClientHello with the cookie] -> ServerHello decides
server: ClientHello decides; when asked to verify addresses, a HelloVerifyRequest (1.2) comes first
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from peer.dtls.client12 import Client12
from peer.dtls.client13 import Client13
from peer.dtls.config import Version
from peer.dtls.conversation import Conversation, Machine, reject
from peer.dtls.groups import KeyAgreement, open_agreement
from peer.dtls.hello import DOWNGRADE_SENTINELS, WIRE_VERSIONS, key_share_groups, make_client_hello
from peer.dtls.server12 import Server12
from peer.dtls.server13 import Server13
from peer.dtls.transcript import RawMessage
from peer.wire import dtls_extensions as extensions
from peer.wire.dtls_alert import AlertDescription
from peer.wire.dtls_extensions import ExtensionType, KeyShareEntry
from peer.wire.dtls_handshake import ClientHello, HandshakeMessage, ServerHello
from peer.wire.dtls_handshake12 import HelloVerifyRequest, parse_message
from peer.wire.dtls_parameters import DTLS12, NamedGroup

__all__ = ["ClientOpening", "ServerOpening"]

_COOKIE_SIZE: Final = 32
_MOST_COOKIES: Final = 8


class ClientOpening(Machine):
    """Sends the ClientHello and sees who answers."""

    def parse(self, kind: int, body: bytes) -> HandshakeMessage:
        return parse_message(kind, body)

    def __init__(self, conversation: Conversation) -> None:
        super().__init__(conversation)
        self._hello: ClientHello
        self._said: list[RawMessage] = []
        self._agreements: dict[NamedGroup, KeyAgreement] = {}
        self._cookies_seen = 0

    def start(self) -> None:
        config = self.conversation.config
        if Version.DTLS13 in config.versions:
            self._agreements = {group: open_agreement(group) for group in key_share_groups(config)}
        shares = [KeyShareEntry(group, agreement.public) for group, agreement in self._agreements.items()]
        self._send(make_client_hello(config, self.conversation.entropy(32), shares))

    def _send(self, hello: ClientHello) -> None:
        conversation = self.conversation
        self._hello = hello
        conversation.begin_flight()
        self._said = conversation.flights.add(hello, 0, conversation.now)
        conversation.flights.dispatch(conversation.now)

    def handle_message(self, message: HandshakeMessage, raw: RawMessage) -> Machine:
        if isinstance(message, HelloVerifyRequest):
            return self._handle_verify_request(message)
        if not isinstance(message, ServerHello):
            raise reject(AlertDescription.UNEXPECTED_MESSAGE, f"message {raw.type} before a ServerHello")
        return self._successor(message).handle_message(message, raw)

    def _handle_verify_request(self, message: HelloVerifyRequest) -> Machine:
        # Only DTLS 1.2 and older have it, but a 1.2 answer to an offer of both may still come (RFC 9147 5.3).
        # There may be several, of a server that changed its secret (RFC 6347 4.2.1), but no end of them is an attack:
        # each makes us send more than it cost.
        if Version.DTLS12 not in self.conversation.config.versions or self._cookies_seen == _MOST_COOKIES:
            raise reject(AlertDescription.UNEXPECTED_MESSAGE, "HelloVerifyRequest")
        self._cookies_seen += 1
        self._send(replace(self._hello, cookie=message.cookie))
        return self

    def _successor(self, hello: ServerHello) -> Machine:
        versions = self.conversation.config.versions
        selected = hello.extension(ExtensionType.SUPPORTED_VERSIONS)
        number = hello.version if selected is None else extensions.parse_selected_version(selected)
        version = next((version for version in versions if WIRE_VERSIONS[version] == number), None)
        if version is None or (version is Version.DTLS13) is not (selected is not None):
            raise reject(AlertDescription.PROTOCOL_VERSION, f"the server chose version {number:#06x}")
        # RFC 8446 4.1.3: somebody made a server that knows 1.3 believe that we don't.
        if version is Version.DTLS12 and Version.DTLS13 in versions and hello.random[24:] in DOWNGRADE_SENTINELS:
            raise reject(AlertDescription.ILLEGAL_PARAMETER, "the handshake was downgraded to DTLS 1.2")
        if version is Version.DTLS13:
            return Client13(self.conversation, self._hello, self._said, self._agreements)
        return Client12(self.conversation, self._hello, self._said)


class ServerOpening(Machine):
    """Reads ClientHellos until one is worth an answer."""

    def parse(self, kind: int, body: bytes) -> HandshakeMessage:
        return parse_message(kind, body)

    def __init__(self, conversation: Conversation) -> None:
        super().__init__(conversation)
        self._secret = b""

    def handle_message(self, message: HandshakeMessage, raw: RawMessage) -> Machine:
        if not isinstance(message, ClientHello):
            raise reject(AlertDescription.UNEXPECTED_MESSAGE, f"message {raw.type} before a ClientHello")
        version = self._choose_version(message)
        if version is Version.DTLS12 and self.conversation.config.verify_address and not self._has_cookie(message):
            self._ask_for_cookie(message)
            return self
        return _SERVERS[version](self.conversation).handle_message(message, raw)

    def _choose_version(self, hello: ClientHello) -> Version:
        versions = self.conversation.config.versions
        offered = hello.extension(ExtensionType.SUPPORTED_VERSIONS)
        if offered is not None:
            numbers = extensions.parse_supported_versions(offered)
            chosen = next((version for version in versions if WIRE_VERSIONS[version] in numbers), None)
        else:
            # Version numbers of DTLS count down.
            chosen = Version.DTLS12 if hello.version <= DTLS12 and Version.DTLS12 in versions else None
        if chosen is None:
            raise reject(AlertDescription.PROTOCOL_VERSION, "no common version")
        return chosen

    # --- cookies of DTLS 1.2 (RFC 6347 4.2.1)

    def _cookie(self, hello: ClientHello) -> bytes:
        self._secret = self._secret or self.conversation.entropy(_COOKIE_SIZE)
        return hmac.digest(self._secret, replace(hello, cookie=b"").serialize(), "sha256")

    def _has_cookie(self, hello: ClientHello) -> bool:
        return hmac.compare_digest(hello.cookie, self._cookie(hello))

    def _ask_for_cookie(self, hello: ClientHello) -> None:
        conversation = self.conversation
        conversation.begin_flight()
        conversation.flights.add(HelloVerifyRequest(DTLS12, self._cookie(hello)), 0, conversation.now)
        conversation.flights.dispatch(conversation.now, until_answered=False)


_SERVERS: Final[Mapping[Version, Callable[[Conversation], Machine]]] = {
    Version.DTLS12: Server12,
    Version.DTLS13: Server13,
}
