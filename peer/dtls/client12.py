"""The client of DTLS 1.2: RFC 5246 7.3 and 7.4, RFC 6347 4.2.4.

    flight 1  ClientHello                      ->
                                               <-  flight 4  ServerHello Certificate ServerKeyExchange
    flight 5  [Certificate] ClientKeyExchange  ->            [CertificateRequest] ServerHelloDone
              [CertificateVerify] CCS Finished
                                               <-  flight 6  CCS Finished

The first flight (and flights 2 and 3, the cookie) belong to `opening.ClientOpening`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import ClassVar

from peer.dtls.certificate import PublicKey
from peer.dtls.config import Version
from peer.dtls.conversation import Conversation, Machine, reject, remote_key, selected_srtp_profile
from peer.dtls.groups import CLASSICAL_GROUPS, Response, respond
from peer.dtls.hello import check_offered, usable_groups
from peer.dtls.machine12 import Machine12
from peer.dtls.signatures import choose_scheme, is_usable, sign, verify
from peer.dtls.suites import SUITES, Suite
from peer.dtls.transcript import RawMessage
from peer.wire import dtls_extensions as extensions
from peer.wire.dtls_alert import AlertDescription
from peer.wire.dtls_extensions import ExtensionType
from peer.wire.dtls_handshake import (
    CertificateVerify,
    ClientHello,
    Finished,
    HandshakeMessage,
    HandshakeType,
    ServerHello,
)
from peer.wire.dtls_handshake12 import (
    CertificateList,
    CertificateRequest,
    ClientKeyExchange,
    ServerHelloDone,
    ServerKeyExchange,
)
from peer.wire.dtls_parameters import NamedGroup

__all__ = ["Client12"]


class _State(Enum):
    """What we wait for."""

    SERVER_HELLO = auto()
    CERTIFICATE = auto()
    KEY_EXCHANGE = auto()
    REQUEST_OR_DONE = auto()
    DONE = auto()
    FINISHED = auto()
    CONNECTED = auto()


class Client12(Machine12):
    RENEGOTIATION = HandshakeType.HELLO_REQUEST

    def __init__(self, conversation: Conversation, hello: ClientHello, said: list[RawMessage]) -> None:
        """`hello` is the ClientHello that is being answered, `said` its bytes as sent."""
        super().__init__(conversation)
        self._state = _State.SERVER_HELLO
        self._hello = hello
        self._said = said
        self._request: CertificateRequest | None = None
        self._key: PublicKey
        self._agreed: Response

    def handle_message(self, message: HandshakeMessage, raw: RawMessage) -> Machine:
        if self.complete:
            self.handle_late_message(raw)
            return self
        if raw.type == HandshakeType.HELLO_REQUEST:
            return self  # RFC 5246 7.4.1.1: ignored during a handshake
        handler = self._HANDLERS.get((self._state, raw.type))
        if handler is None:
            raise reject(
                AlertDescription.UNEXPECTED_MESSAGE, f"message {raw.type} while waiting for {self._state.name}"
            )
        handler(self, message, raw)
        return self

    # --- flight 4

    def _handle_server_hello(self, message: ServerHello, raw: RawMessage) -> None:
        self._check_hello(message)
        suite = SUITES.get(message.cipher_suite)  # type: ignore[call-overload]  # not a key: not ours
        if suite is None or suite.version is not Version.DTLS12 or suite.id not in self._hello.cipher_suites:
            raise reject(AlertDescription.ILLEGAL_PARAMETER, "the server chose a suite that was not offered")
        self.start_transcript(suite, [*self._said, raw])
        self.client_random, self.server_random = self._hello.random, message.random
        self.srtp_profile = selected_srtp_profile(self.conversation.config, message.extension(ExtensionType.USE_SRTP))
        self.agree(message.extensions)
        self._state = _State.CERTIFICATE

    def _check_hello(self, message: ServerHello) -> None:
        check_offered(message.extensions, self._hello)
        if message.compression_method:
            raise reject(AlertDescription.ILLEGAL_PARAMETER, "the server chose a compression")
        self.extended_master_secret = message.extension(ExtensionType.EXTENDED_MASTER_SECRET) is not None
        if self.conversation.config.require_extended_master_secret and not self.extended_master_secret:
            raise reject(AlertDescription.HANDSHAKE_FAILURE, "the server lacks the extended master secret")
        renegotiation = message.extension(ExtensionType.RENEGOTIATION_INFO)
        if renegotiation is not None and extensions.parse_renegotiation_info(renegotiation):
            raise reject(AlertDescription.HANDSHAKE_FAILURE, "renegotiation_info in a first handshake is not empty")

    def _handle_certificate(self, message: CertificateList, raw: RawMessage) -> None:
        if not message.certificates:
            raise reject(AlertDescription.ILLEGAL_PARAMETER, "the server's certificate list is empty")
        self._key = remote_key(self.conversation.config, message.certificates)
        self.remote_certificates = message.certificates
        self._note(raw, _State.KEY_EXCHANGE)

    def _handle_key_exchange(self, message: ServerKeyExchange, raw: RawMessage) -> None:
        config = self.conversation.config
        if message.group not in usable_groups(config) or message.group not in CLASSICAL_GROUPS:
            raise reject(AlertDescription.ILLEGAL_PARAMETER, f"group {message.group:#06x} was not offered")
        self._check_scheme(self.suite, message.scheme)
        signed = self.client_random + self.server_random + message.params
        if not verify(self._key, message.scheme, message.signature, signed):
            raise reject(AlertDescription.DECRYPT_ERROR, "the ServerKeyExchange's signature is wrong")
        self.group = NamedGroup(message.group)
        try:
            self._agreed = respond(self.group, message.public_key)
        except ValueError as error:
            raise reject(AlertDescription.ILLEGAL_PARAMETER, f"the server's key: {error}") from None
        self.remote_scheme = message.scheme
        self._note(raw, _State.REQUEST_OR_DONE)

    def _check_scheme(self, suite: Suite, scheme: int) -> None:
        if scheme not in self.conversation.config.signature_schemes:
            raise reject(AlertDescription.ILLEGAL_PARAMETER, f"signature scheme {scheme:#06x} was not offered")
        if not is_usable(scheme, self._key, Version.DTLS12) or not suite.fits(self._key):
            raise reject(AlertDescription.ILLEGAL_PARAMETER, "suite, certificate and signature don't fit each other")

    def _handle_certificate_request(self, message: CertificateRequest, raw: RawMessage) -> None:
        self._request = message
        self._note(raw, _State.DONE)

    def _note(self, raw: RawMessage, state: _State) -> None:
        self.transcript.add([raw])
        self._state = state

    # --- flight 5

    def _handle_done(self, message: ServerHelloDone, raw: RawMessage) -> None:
        conversation = self.conversation
        self._note(raw, _State.FINISHED)
        conversation.begin_flight()
        certificate = conversation.config.certificate
        scheme = None
        if self._request is not None:
            scheme = choose_scheme(
                conversation.config.signature_schemes, self._request.schemes, certificate.private_key, Version.DTLS12
            )
            self.say(CertificateList((certificate.der,) if scheme is not None else ()))
        self.say(ClientKeyExchange(self._agreed.public))
        self.derive_keys(self._agreed.secret)
        if scheme is not None:
            signature = sign(certificate.private_key, scheme, self.transcript.content())
            self.say(CertificateVerify(scheme, signature))
        self.say_finished()
        conversation.flights.dispatch(conversation.now)

    # --- flight 6

    def _handle_finished(self, message: Finished, raw: RawMessage) -> None:
        self.check_finished(message, raw)
        self.conversation.begin_flight()
        self._state = _State.CONNECTED
        self.finish()

    _HANDLERS: ClassVar[Mapping[tuple[_State, int], Callable[..., None]]] = {
        (_State.SERVER_HELLO, HandshakeType.SERVER_HELLO): _handle_server_hello,
        (_State.CERTIFICATE, HandshakeType.CERTIFICATE): _handle_certificate,
        (_State.KEY_EXCHANGE, HandshakeType.SERVER_KEY_EXCHANGE): _handle_key_exchange,
        (_State.REQUEST_OR_DONE, HandshakeType.CERTIFICATE_REQUEST): _handle_certificate_request,
        (_State.REQUEST_OR_DONE, HandshakeType.SERVER_HELLO_DONE): _handle_done,
        (_State.DONE, HandshakeType.SERVER_HELLO_DONE): _handle_done,
        (_State.FINISHED, HandshakeType.FINISHED): _handle_finished,
    }
