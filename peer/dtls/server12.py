"""The server of DTLS 1.2: RFC 5246 7.3 and 7.4, RFC 6347 4.2.4. The flights are drawn in `client12`.

The last flight is ours, so it has no timer: it is sent again whenever the client repeats its Finished.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import ClassVar, Final

from peer.dtls.certificate import PublicKey
from peer.dtls.config import Version
from peer.dtls.conversation import Conversation, Machine, choose_srtp_profile, reject, remote_key
from peer.dtls.groups import CLASSICAL_GROUPS, KeyAgreement, open_agreement
from peer.dtls.hello import DOWNGRADE_SENTINEL
from peer.dtls.machine12 import Machine12
from peer.dtls.signatures import choose_scheme, is_usable, sign, verify
from peer.dtls.suites import SUITES, Suite
from peer.dtls.transcript import RawMessage
from peer.wire import dtls_extensions as extensions
from peer.wire.dtls_alert import AlertDescription
from peer.wire.dtls_extensions import Extension, ExtensionType, UseSrtp
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
from peer.wire.dtls_parameters import DTLS12, CipherSuite, NamedGroup, SignatureScheme

__all__ = ["Server12"]

# RFC 5246 7.4.4, RFC 8422 5.5: ecdsa_sign, rsa_sign.
_CERTIFICATE_TYPES: Final = b"\x40\x01"
_UNCOMPRESSED: Final = 0


class _State(Enum):
    """What we wait for."""

    CLIENT_HELLO = auto()
    CERTIFICATE = auto()
    KEY_EXCHANGE = auto()
    VERIFY = auto()
    FINISHED = auto()
    CONNECTED = auto()


class Server12(Machine12):
    RENEGOTIATION = HandshakeType.CLIENT_HELLO

    def __init__(self, conversation: Conversation) -> None:
        super().__init__(conversation)
        self._state = _State.CLIENT_HELLO
        self._scheme: SignatureScheme
        self._agreement: KeyAgreement
        self._key: PublicKey

    def handle_message(self, message: HandshakeMessage, raw: RawMessage) -> Machine:
        if self.complete:
            self.handle_late_message(raw)
            return self
        handler = self._HANDLERS.get((self._state, raw.type))
        if handler is None:
            raise reject(
                AlertDescription.UNEXPECTED_MESSAGE, f"message {raw.type} while waiting for {self._state.name}"
            )
        handler(self, message, raw)
        return self

    # --- flights 1 and 4

    def _handle_client_hello(self, hello: ClientHello, raw: RawMessage) -> None:
        self._check_hello(hello)
        self._check_point_formats(hello)
        self.start_transcript(self._choose(hello), [raw])
        self.client_random, self.server_random = hello.random, self._make_random()
        self.srtp_profile = choose_srtp_profile(self.conversation.config, hello.extension(ExtensionType.USE_SRTP))
        self._say_flight_4(hello)

    def _check_hello(self, hello: ClientHello) -> None:
        if 0 not in hello.compression_methods:
            raise reject(AlertDescription.ILLEGAL_PARAMETER, "the client doesn't offer the null compression")
        self.extended_master_secret = hello.extension(ExtensionType.EXTENDED_MASTER_SECRET) is not None
        if self.conversation.config.require_extended_master_secret and not self.extended_master_secret:
            raise reject(AlertDescription.HANDSHAKE_FAILURE, "the client lacks the extended master secret")
        renegotiation = hello.extension(ExtensionType.RENEGOTIATION_INFO)
        if renegotiation is not None and extensions.parse_renegotiation_info(renegotiation):
            raise reject(AlertDescription.HANDSHAKE_FAILURE, "renegotiation_info in a first handshake is not empty")

    def _check_point_formats(self, hello: ClientHello) -> None:
        """RFC 8422 5.1.2."""
        formats = hello.extension(ExtensionType.EC_POINT_FORMATS)
        if formats is not None and _UNCOMPRESSED not in extensions.parse_ec_point_formats(formats):
            raise reject(AlertDescription.ILLEGAL_PARAMETER, "the client knows no uncompressed points")

    def _choose(self, hello: ClientHello) -> Suite:
        """Sets group and scheme, returns the suite. handshake_failure when nothing is common."""
        config = self.conversation.config
        key = config.certificate.private_key
        # RFC 8422 section 4: a client that doesn't say its groups leaves the choice to us; every one has P-256.
        groups = hello.extension(ExtensionType.SUPPORTED_GROUPS)
        theirs = (NamedGroup.secp256r1,) if groups is None else extensions.parse_supported_groups(groups)
        group = next((g for g in config.groups if g in theirs and g in CLASSICAL_GROUPS), None)
        schemes = hello.extension(ExtensionType.SIGNATURE_ALGORITHMS)
        if schemes is None:
            raise reject(AlertDescription.HANDSHAKE_FAILURE, "the client says no signature algorithms")
        scheme = choose_scheme(
            config.signature_schemes, extensions.parse_signature_algorithms(schemes), key, Version.DTLS12
        )
        suites = (SUITES[suite] for suite in config.cipher_suites if suite in hello.cipher_suites)
        kind = config.certificate.kind
        suite = next((s for s in suites if s.version is Version.DTLS12 and s.authentication is kind), None)
        if group is None or scheme is None or suite is None:
            raise reject(AlertDescription.HANDSHAKE_FAILURE, "no common suite, group or signature scheme")
        self.group, self._scheme = group, scheme
        return suite

    def _make_random(self) -> bytes:
        random = self.conversation.entropy(32)
        return random[:24] + DOWNGRADE_SENTINEL if Version.DTLS13 in self.conversation.config.versions else random

    def _say_flight_4(self, hello: ClientHello) -> None:
        conversation, config = self.conversation, self.conversation.config
        conversation.begin_flight()
        self.say(ServerHello(DTLS12, self.server_random, b"", self.suite.id, 0, tuple(self._hello_extensions(hello))))
        self.say(CertificateList((config.certificate.der,)))
        self._agreement = open_agreement(self.group)
        unsigned = ServerKeyExchange(self.group, self._agreement.public, self._scheme, b"")
        signed = self.client_random + self.server_random + unsigned.params
        signature = sign(config.certificate.private_key, self._scheme, signed)
        self.say(ServerKeyExchange(self.group, self._agreement.public, self._scheme, signature))
        if config.request_client_certificate:
            self.say(CertificateRequest(_CERTIFICATE_TYPES, config.signature_schemes))
            self._state = _State.CERTIFICATE
        else:
            self._state = _State.KEY_EXCHANGE
        self.say(ServerHelloDone())
        conversation.flights.dispatch(conversation.now)

    def _hello_extensions(self, hello: ClientHello) -> list[Extension]:
        answer = []
        if self.extended_master_secret:
            answer.append(extensions.extended_master_secret())
        knows_renegotiation = hello.extension(ExtensionType.RENEGOTIATION_INFO) is not None
        if knows_renegotiation or CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV in hello.cipher_suites:
            answer.append(extensions.renegotiation_info())
        if hello.extension(ExtensionType.EC_POINT_FORMATS) is not None:
            answer.append(extensions.ec_point_formats())
        if self.srtp_profile is not None:
            answer.append(UseSrtp((self.srtp_profile,)).extension())
        return answer + self.agree(hello.extensions)

    # --- flight 5

    def _handle_certificate(self, message: CertificateList, raw: RawMessage) -> None:
        config = self.conversation.config
        if message.certificates:
            self._key = remote_key(config, message.certificates)
        elif config.remote_fingerprints is not None:
            raise reject(AlertDescription.HANDSHAKE_FAILURE, "the client has no certificate")
        self.remote_certificates = message.certificates
        self._note(raw, _State.KEY_EXCHANGE)

    def _handle_key_exchange(self, message: ClientKeyExchange, raw: RawMessage) -> None:
        try:
            premaster = self._agreement.finish(message.public_key)
        except ValueError as error:
            raise reject(AlertDescription.ILLEGAL_PARAMETER, f"the client's key: {error}") from None
        self._note(raw, _State.VERIFY if self.remote_certificates else _State.FINISHED)
        self.derive_keys(premaster)

    def _handle_verify(self, message: CertificateVerify, raw: RawMessage) -> None:
        offered = message.scheme in self.conversation.config.signature_schemes
        if not offered or not is_usable(message.scheme, self._key, Version.DTLS12):
            raise reject(AlertDescription.ILLEGAL_PARAMETER, f"signature scheme {message.scheme:#06x}")
        if not verify(self._key, message.scheme, message.signature, self.transcript.content()):
            raise reject(AlertDescription.DECRYPT_ERROR, "the CertificateVerify's signature is wrong")
        self.remote_scheme = message.scheme
        self._note(raw, _State.FINISHED)

    def _note(self, raw: RawMessage, state: _State) -> None:
        self.transcript.add([raw])
        self._state = state

    # --- flight 6

    def _handle_finished(self, message: Finished, raw: RawMessage) -> None:
        conversation = self.conversation
        self.check_finished(message, raw)
        conversation.begin_flight()
        self.say_finished()
        conversation.flights.dispatch(conversation.now, until_answered=False)
        self._state = _State.CONNECTED
        self.finish()

    _HANDLERS: ClassVar[Mapping[tuple[_State, int], Callable[..., None]]] = {
        (_State.CLIENT_HELLO, HandshakeType.CLIENT_HELLO): _handle_client_hello,
        (_State.CERTIFICATE, HandshakeType.CERTIFICATE): _handle_certificate,
        (_State.KEY_EXCHANGE, HandshakeType.CLIENT_KEY_EXCHANGE): _handle_key_exchange,
        (_State.VERIFY, HandshakeType.CERTIFICATE_VERIFY): _handle_verify,
        (_State.FINISHED, HandshakeType.FINISHED): _handle_finished,
    }
