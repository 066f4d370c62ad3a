"""The server of DTLS 1.3: RFC 8446 section 4, RFC 9147 5. The flights are drawn in `client13`."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Any, ClassVar, Final

from peer.dtls.config import Version
from peer.dtls.conversation import Conversation, Machine, choose_srtp_profile, reject
from peer.dtls.groups import respond
from peer.dtls.machine13 import APPLICATION, HANDSHAKE, PLAIN, Machine13
from peer.dtls.schedule13 import KeySchedule
from peer.dtls.suites import SUITES, Suite
from peer.dtls.transcript import RawMessage, Transcript, tls_form
from peer.wire import dtls_extensions as extensions
from peer.wire.dtls_alert import AlertDescription
from peer.wire.dtls_extensions import ExtensionType, UseSrtp
from peer.wire.dtls_handshake import (
    HELLO_RETRY_RANDOM,
    CertificateVerify,
    ClientHello,
    Finished,
    HandshakeMessage,
    HandshakeType,
    ServerHello,
)
from peer.wire.dtls_handshake13 import CertificateChain, CertificateRequest13, EncryptedExtensions
from peer.wire.dtls_parameters import DTLS12, DTLS13, NamedGroup, SignatureScheme

__all__ = ["Server13"]

_COOKIE_SIZE: Final = 32
# RFC 8446 4.1.2: what may differ between the ClientHellos around a HelloRetryRequest.
_MAY_CHANGE: Final = frozenset({ExtensionType.KEY_SHARE, ExtensionType.COOKIE, 21})  # 21: padding


class _State(Enum):
    """What we wait for."""

    CLIENT_HELLO = auto()
    CERTIFICATE = auto()
    VERIFY = auto()
    FINISHED = auto()
    CONNECTED = auto()


class Server13(Machine13):
    def __init__(self, conversation: Conversation) -> None:
        super().__init__(conversation)
        self._state = _State.CLIENT_HELLO
        self._first: ClientHello | None = None
        self._cookie = b""
        self._scheme: SignatureScheme

    def handle_message(self, message: HandshakeMessage, raw: RawMessage) -> Machine:
        if self.complete:
            self.handle_late_message(message, raw)
            return self
        handler = self._HANDLERS.get((self._state, raw.type))
        epoch = PLAIN if self._state is _State.CLIENT_HELLO else HANDSHAKE
        if handler is None or raw.epoch != epoch:
            raise reject(
                AlertDescription.UNEXPECTED_MESSAGE,
                f"message {raw.type} in epoch {raw.epoch} while waiting for {self._state.name}",
            )
        handler(self, message, raw)
        return self

    # --- the hellos

    def _handle_client_hello(self, hello: ClientHello, raw: RawMessage) -> None:
        self._check_hello(hello)
        self._choose(hello)
        shares = {share.group: share.key_exchange for share in self._key_shares(hello)}
        if self._first is None:
            if hello.extension(ExtensionType.COOKIE) is not None:  # RFC 9147 5.1: an invalid cookie
                raise reject(AlertDescription.ILLEGAL_PARAMETER, "a cookie that was never given out")
            self.client_random = hello.random
            self.schedule = KeySchedule(self.suite.hash)
            self.transcript = Transcript(self.suite.hash, tls_form)
            self.transcript.add([raw])
            self.group = self._choose_group(hello, shares)
            if self.group not in shares or self.conversation.config.verify_address:
                self._say_retry(hello, needs_share=self.group not in shares)
                return
        else:
            self._check_second(hello, shares)
            self.transcript.add([raw])
        self._say_flight(hello, shares[self.group])

    def _check_hello(self, hello: ClientHello) -> None:
        """RFC 8446 4.1.2 and 9.2, RFC 9147 5.3."""
        if hello.cookie or hello.compression_methods != b"\x00" or hello.version != DTLS12:
            raise reject(
                AlertDescription.ILLEGAL_PARAMETER, "a ClientHello of 1.3 with a cookie, compression or version"
            )
        for needed in (ExtensionType.SUPPORTED_GROUPS, ExtensionType.KEY_SHARE, ExtensionType.SIGNATURE_ALGORITHMS):
            if hello.extension(needed) is None:
                raise reject(AlertDescription.MISSING_EXTENSION, f"a ClientHello without {needed.name.lower()}")

    def _choose(self, hello: ClientHello) -> None:
        """Sets suite and scheme. handshake_failure when nothing is common."""
        config = self.conversation.config
        suites = (SUITES[suite] for suite in config.cipher_suites if suite in hello.cipher_suites)
        suite: Suite | None = next((s for s in suites if s.version is Version.DTLS13), None)
        offered = hello.extension(ExtensionType.SIGNATURE_ALGORITHMS) or b""
        scheme = self.choose_scheme(extensions.parse_signature_algorithms(offered))
        if suite is None or scheme is None:
            raise reject(AlertDescription.HANDSHAKE_FAILURE, "no common suite or signature scheme")
        if self._first is not None and suite is not self.suite:
            raise reject(AlertDescription.ILLEGAL_PARAMETER, "the second ClientHello offers other suites")
        self.suite, self._scheme = suite, scheme

    def _key_shares(self, hello: ClientHello) -> tuple[extensions.KeyShareEntry, ...]:
        shares = extensions.parse_client_key_share(hello.extension(ExtensionType.KEY_SHARE) or b"")
        groups = extensions.parse_supported_groups(hello.extension(ExtensionType.SUPPORTED_GROUPS) or b"")
        named = [share.group for share in shares]
        if len(set(named)) != len(named) or not set(named) <= set(groups):
            raise reject(AlertDescription.ILLEGAL_PARAMETER, "key shares that are double or not in supported_groups")
        return shares

    def _choose_group(self, hello: ClientHello, shares: Mapping[int, bytes]) -> NamedGroup:
        """Our favourite among those with a share; a round trip more only when there is none."""
        groups = extensions.parse_supported_groups(hello.extension(ExtensionType.SUPPORTED_GROUPS) or b"")
        common = [group for group in self.conversation.config.groups if group in groups]
        if not common:
            raise reject(AlertDescription.HANDSHAKE_FAILURE, "no common group")
        return next((group for group in common if group in shares), common[0])

    def _say_retry(self, hello: ClientHello, *, needs_share: bool) -> None:
        """RFC 8446 4.1.4. Like a ServerHello it is repeated only when the ClientHello is."""
        conversation = self.conversation
        self._first = hello
        answer = [extensions.selected_version(DTLS13)]
        if needs_share:
            answer.append(extensions.retry_key_share(self.group))
        if conversation.config.verify_address:
            self._cookie = conversation.entropy(_COOKIE_SIZE)
            answer.append(extensions.cookie(self._cookie))
        self.transcript.collapse()
        conversation.begin_flight()
        self.say(ServerHello(DTLS12, HELLO_RETRY_RANDOM, b"", self.suite.id, 0, tuple(answer)), PLAIN)
        conversation.flights.dispatch(conversation.now, until_answered=False)

    def _check_second(self, hello: ClientHello, shares: Mapping[int, bytes]) -> None:
        first = self._first
        cookie = hello.extension(ExtensionType.COOKIE)
        given = b"" if cookie is None else extensions.parse_cookie(cookie)
        same = first is not None and _unchanging(first) == _unchanging(hello)
        if not same or self.group not in shares or not hmac.compare_digest(given, self._cookie):
            raise reject(AlertDescription.ILLEGAL_PARAMETER, "the second ClientHello is not what was asked for")

    def _say_flight(self, hello: ClientHello, share: bytes) -> None:
        conversation, config = self.conversation, self.conversation.config
        try:
            agreed = respond(self.group, share)
        except ValueError as error:
            raise reject(AlertDescription.ILLEGAL_PARAMETER, f"the client's key share: {error}") from None
        answer = [
            extensions.selected_version(DTLS13),
            extensions.server_key_share(extensions.KeyShareEntry(self.group, agreed.public)),
        ]
        if self.agree_on_connection_ids(hello.extension(ExtensionType.CONNECTION_ID)):
            answer.append(extensions.connection_id(config.connection_id or b""))
        self.srtp_profile = choose_srtp_profile(config, hello.extension(ExtensionType.USE_SRTP))
        encrypted = [UseSrtp((self.srtp_profile,)).extension()] if self.srtp_profile is not None else []
        limit = self.agree_on_record_size_limit(hello.extension(ExtensionType.RECORD_SIZE_LIMIT))
        if limit is not None:
            encrypted.append(extensions.record_size_limit(limit))
        conversation.begin_flight()
        self.say(ServerHello(DTLS12, conversation.entropy(32), b"", self.suite.id, 0, tuple(answer)), PLAIN)
        self.derive_handshake_keys(agreed.secret)
        self.say(EncryptedExtensions(tuple(encrypted)), HANDSHAKE)
        if config.request_client_certificate:
            schemes = extensions.signature_algorithms(config.signature_schemes)
            self.say(CertificateRequest13(b"", (schemes,)), HANDSHAKE)
        self.say_certificate(self._scheme)
        self.say_finished()
        self.derive_application_secrets()
        conversation.flights.dispatch(conversation.now)
        self._state = _State.CERTIFICATE if config.request_client_certificate else _State.FINISHED

    # --- the client's last flight

    def _handle_certificate(self, message: CertificateChain, raw: RawMessage) -> None:
        if not message.entries and self.conversation.config.remote_fingerprints is not None:
            raise reject(AlertDescription.CERTIFICATE_REQUIRED, "the client has no certificate")
        self.check_certificate(message, raw)
        self._state = _State.VERIFY if message.entries else _State.FINISHED

    def _handle_verify(self, message: CertificateVerify, raw: RawMessage) -> None:
        self.check_verify(message, raw)
        self._state = _State.FINISHED

    def _handle_finished(self, message: Finished, raw: RawMessage) -> None:
        self.check_finished(message, raw)
        self.conversation.flights.begin()
        self._state = _State.CONNECTED
        self.start_reading(APPLICATION)
        self.start_writing(APPLICATION)
        self.finish()

    _HANDLERS: ClassVar[Mapping[tuple[_State, int], Callable[[Any, Any, RawMessage], None]]] = {
        (_State.CLIENT_HELLO, HandshakeType.CLIENT_HELLO): _handle_client_hello,
        (_State.CERTIFICATE, HandshakeType.CERTIFICATE): _handle_certificate,
        (_State.VERIFY, HandshakeType.CERTIFICATE_VERIFY): _handle_verify,
        (_State.FINISHED, HandshakeType.FINISHED): _handle_finished,
    }


def _unchanging(hello: ClientHello) -> tuple[object, ...]:
    kept = tuple(extension for extension in hello.extensions or () if extension.type not in _MAY_CHANGE)
    return (hello.version, hello.random, hello.session_id, hello.cipher_suites, kept)
