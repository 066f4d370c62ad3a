"""The client of DTLS 1.3: RFC 8446 section 4, RFC 9147 5.

    ClientHello                          ->
                                         <-  [HelloRetryRequest]
    [ClientHello, again]                 ->
                                         <-  ServerHello {EncryptedExtensions [CertificateRequest] Certificate
    {[Certificate CertificateVerify]     ->               CertificateVerify Finished}
     Finished}
                                         <-  ACK

The client may send application data with its Finished, and reports the handshake as complete then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Any, ClassVar

from peer.dtls.config import Version
from peer.dtls.conversation import Conversation, Machine, reject, selected_srtp_profile
from peer.dtls.groups import KeyAgreement, open_agreement
from peer.dtls.hello import check_offered, make_client_hello
from peer.dtls.machine13 import APPLICATION, HANDSHAKE, PLAIN, Machine13
from peer.dtls.schedule13 import KeySchedule
from peer.dtls.suites import SUITES, Suite
from peer.dtls.transcript import RawMessage, Transcript, tls_form
from peer.wire import dtls_extensions as extensions
from peer.wire.dtls_alert import AlertDescription
from peer.wire.dtls_extensions import ExtensionType, KeyShareEntry
from peer.wire.dtls_handshake import (
    CertificateVerify,
    ClientHello,
    Finished,
    HandshakeMessage,
    HandshakeType,
    ServerHello,
)
from peer.wire.dtls_handshake13 import CertificateChain, CertificateRequest13, EncryptedExtensions
from peer.wire.dtls_parameters import DTLS12, DTLS13, NamedGroup

__all__ = ["Client13"]

_IN_SERVER_HELLO = frozenset({ExtensionType.SUPPORTED_VERSIONS, ExtensionType.KEY_SHARE, ExtensionType.CONNECTION_ID})
_IN_RETRY = frozenset({ExtensionType.SUPPORTED_VERSIONS, ExtensionType.KEY_SHARE, ExtensionType.COOKIE})
_IN_ENCRYPTED = frozenset({ExtensionType.SUPPORTED_GROUPS, ExtensionType.USE_SRTP, ExtensionType.RECORD_SIZE_LIMIT})


class _State(Enum):
    """What we wait for."""

    SERVER_HELLO = auto()
    ENCRYPTED_EXTENSIONS = auto()
    CERTIFICATE_OR_REQUEST = auto()
    CERTIFICATE = auto()
    VERIFY = auto()
    FINISHED = auto()
    CONNECTED = auto()


class Client13(Machine13):
    def __init__(
        self,
        conversation: Conversation,
        hello: ClientHello,
        said: list[RawMessage],
        agreements: Mapping[NamedGroup, KeyAgreement],
    ) -> None:
        """`hello` is the ClientHello that is being answered, `said` its bytes as sent, `agreements` its key shares."""
        super().__init__(conversation)
        self._state = _State.SERVER_HELLO
        self._hello = hello
        self._said = said
        self._agreements = agreements
        self._retried: ServerHello | None = None
        self._request: CertificateRequest13 | None = None
        self.client_random = hello.random

    def handle_message(self, message: HandshakeMessage, raw: RawMessage) -> Machine:
        if self.complete:
            self.handle_late_message(message, raw)
            return self
        handler = self._HANDLERS.get((self._state, raw.type))
        epoch = PLAIN if self._state is _State.SERVER_HELLO else HANDSHAKE
        if handler is None or raw.epoch != epoch:
            raise reject(
                AlertDescription.UNEXPECTED_MESSAGE,
                f"message {raw.type} in epoch {raw.epoch} while waiting for {self._state.name}",
            )
        handler(self, message, raw)
        return self

    # --- the hellos

    def _handle_server_hello(self, message: ServerHello, raw: RawMessage) -> None:
        suite = self._check_hello(message)
        if message.is_retry:
            self._handle_retry(message, suite, raw)
            return
        answered = message.extension(ExtensionType.KEY_SHARE)
        if answered is None:
            raise reject(AlertDescription.MISSING_EXTENSION, "a ServerHello without key share")
        share = extensions.parse_server_key_share(answered)
        secret = self._agree(share)
        if self._retried is None:
            self._start(suite)
        self.transcript.add([raw])
        self.agree_on_connection_ids(message.extension(ExtensionType.CONNECTION_ID))
        self.derive_handshake_keys(secret)
        self._state = _State.ENCRYPTED_EXTENSIONS

    def _check_hello(self, message: ServerHello) -> Suite:
        """RFC 8446 4.1.3, RFC 9147 5.4."""
        check_offered(message.extensions, self._hello, also=(ExtensionType.COOKIE,) if message.is_retry else ())
        allowed = _IN_RETRY if message.is_retry else _IN_SERVER_HELLO
        if any(extension.type not in allowed for extension in message.extensions or ()):
            raise reject(AlertDescription.ILLEGAL_PARAMETER, "an extension that doesn't belong in this hello")
        selected = message.extension(ExtensionType.SUPPORTED_VERSIONS)
        if selected is None or extensions.parse_selected_version(selected) != DTLS13 or message.version != DTLS12:
            raise reject(AlertDescription.ILLEGAL_PARAMETER, "the server changes its mind about the version")
        if message.session_id or message.compression_method:
            raise reject(AlertDescription.ILLEGAL_PARAMETER, "the server echoes a session id or chose a compression")
        suite = SUITES.get(message.cipher_suite)  # type: ignore[call-overload]  # not a key: not ours
        if suite is None or suite.version is not Version.DTLS13 or suite.id not in self._hello.cipher_suites:
            raise reject(AlertDescription.ILLEGAL_PARAMETER, "the server chose a suite that was not offered")
        if self._retried is not None and self._retried.cipher_suite != suite.id:
            raise reject(AlertDescription.ILLEGAL_PARAMETER, "the server chose another suite than before")
        return suite  # type: ignore[no-any-return]  # follows from the first one

    def _agree(self, share: KeyShareEntry) -> bytes:
        agreement = self._agreements.get(share.group)  # type: ignore[call-overload]  # not a key: not ours
        if agreement is None:
            raise reject(AlertDescription.ILLEGAL_PARAMETER, f"a key share for group {share.group:#06x}, not offered")
        self.group = NamedGroup(share.group)
        try:
            return agreement.finish(share.key_exchange)  # type: ignore[no-any-return]  # follows from the get above
        except ValueError as error:
            raise reject(AlertDescription.ILLEGAL_PARAMETER, f"the server's key share: {error}") from None

    def _start(self, suite: Suite) -> None:
        self.suite = suite
        self.schedule = KeySchedule(suite.hash)
        self.transcript = Transcript(suite.hash, tls_form, self._said)

    def _handle_retry(self, message: ServerHello, suite: Suite, raw: RawMessage) -> None:
        """RFC 8446 4.1.4."""
        if self._retried is not None:
            raise reject(AlertDescription.UNEXPECTED_MESSAGE, "a second HelloRetryRequest")
        group_data, cookie_data = message.extension(ExtensionType.KEY_SHARE), message.extension(ExtensionType.COOKIE)
        if group_data is None and cookie_data is None:
            raise reject(AlertDescription.ILLEGAL_PARAMETER, "a HelloRetryRequest that changes nothing")
        if group_data is not None:
            group = extensions.parse_retry_key_share(group_data)
            if group not in self.conversation.config.groups or group in self._agreements:
                raise reject(AlertDescription.ILLEGAL_PARAMETER, f"the server asks for group {group:#06x}")
            self._agreements = {NamedGroup(group): open_agreement(NamedGroup(group))}
        self._retried = message
        self._start(suite)
        self.transcript.collapse()
        self.transcript.add([raw])
        cookie = b"" if cookie_data is None else extensions.parse_cookie(cookie_data)
        shares = [KeyShareEntry(group, agreement.public) for group, agreement in self._agreements.items()]
        conversation = self.conversation
        self._hello = make_client_hello(conversation.config, self._hello.random, shares, retry_cookie=cookie)
        conversation.begin_flight()
        self.say(self._hello, PLAIN)
        conversation.flights.dispatch(conversation.now)

    # --- the server's flight

    def _handle_encrypted_extensions(self, message: EncryptedExtensions, raw: RawMessage) -> None:
        check_offered(message.extensions, self._hello)
        if any(extension.type not in _IN_ENCRYPTED for extension in message.extensions):
            raise reject(AlertDescription.ILLEGAL_PARAMETER, "an extension that doesn't belong here")
        profile = message.extension(ExtensionType.USE_SRTP)
        self.srtp_profile = selected_srtp_profile(self.conversation.config, profile)
        self.agree_on_record_size_limit(message.extension(ExtensionType.RECORD_SIZE_LIMIT))
        # The server speaks under keys from here on; what comes in clear is not from it.
        self.conversation.records.drop_opener(PLAIN)
        self._note(raw, _State.CERTIFICATE_OR_REQUEST)

    def _handle_request(self, message: CertificateRequest13, raw: RawMessage) -> None:
        if message.context:
            raise reject(AlertDescription.ILLEGAL_PARAMETER, "a CertificateRequest with a context")
        if message.extension(ExtensionType.SIGNATURE_ALGORITHMS) is None:
            raise reject(AlertDescription.MISSING_EXTENSION, "a CertificateRequest without signature algorithms")
        self._request = message
        self._note(raw, _State.CERTIFICATE)

    def _handle_certificate(self, message: CertificateChain, raw: RawMessage) -> None:
        if not message.entries:
            raise reject(AlertDescription.DECODE_ERROR, "the server's certificate list is empty")
        self.check_certificate(message, raw)
        self._state = _State.VERIFY

    def _handle_verify(self, message: CertificateVerify, raw: RawMessage) -> None:
        self.check_verify(message, raw)
        self._state = _State.FINISHED

    def _handle_finished(self, message: Finished, raw: RawMessage) -> None:
        self.check_finished(message, raw)
        self.derive_application_secrets()
        self._state = _State.CONNECTED
        self._say_last_flight()

    def _note(self, raw: RawMessage, state: _State) -> None:
        self.transcript.add([raw])
        self._state = state

    # --- ours

    def _say_last_flight(self) -> None:
        conversation = self.conversation
        conversation.begin_flight()
        self._ack_deadline = None
        if self._request is not None:
            schemes = self._request.extension(ExtensionType.SIGNATURE_ALGORITHMS) or b""
            self.say_certificate(self.choose_scheme(extensions.parse_signature_algorithms(schemes)))
        self.say_finished()
        conversation.flights.dispatch(conversation.now)
        self.start_reading(APPLICATION)
        self.start_writing(APPLICATION)
        self.finish()

    _HANDLERS: ClassVar[Mapping[tuple[_State, int], Callable[[Any, Any, RawMessage], None]]] = {
        (_State.SERVER_HELLO, HandshakeType.SERVER_HELLO): _handle_server_hello,
        (_State.ENCRYPTED_EXTENSIONS, HandshakeType.ENCRYPTED_EXTENSIONS): _handle_encrypted_extensions,
        (_State.CERTIFICATE_OR_REQUEST, HandshakeType.CERTIFICATE_REQUEST): _handle_request,
        (_State.CERTIFICATE_OR_REQUEST, HandshakeType.CERTIFICATE): _handle_certificate,
        (_State.CERTIFICATE, HandshakeType.CERTIFICATE): _handle_certificate,
        (_State.VERIFY, HandshakeType.CERTIFICATE_VERIFY): _handle_verify,
        (_State.FINISHED, HandshakeType.FINISHED): _handle_finished,
    }
