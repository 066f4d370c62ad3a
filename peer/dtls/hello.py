"""Building a ClientHello from a configuration, and what both sides check in hellos whichever version they agree on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from peer.dtls.config import Config, Version
from peer.dtls.conversation import reject
from peer.dtls.groups import CLASSICAL_GROUPS
from peer.dtls.suites import SUITES
from peer.wire import dtls_extensions as extensions
from peer.wire.dtls_alert import AlertDescription
from peer.wire.dtls_extensions import Extensions, ExtensionType, KeyShareEntry, UseSrtp
from peer.wire.dtls_handshake import ClientHello
from peer.wire.dtls_parameters import DTLS12, DTLS13, NamedGroup
from peer.wire.dtls_record import MAX_FRAGMENT

__all__ = [
    "DOWNGRADE_SENTINEL",
    "DOWNGRADE_SENTINELS",
    "WIRE_VERSIONS",
    "check_offered",
    "key_share_groups",
    "make_client_hello",
]

# RFC 8446 4.1.3: the last eight bytes of ServerHello.random when a server that knows 1.3 answers with 1.2.
DOWNGRADE_SENTINEL: Final = b"DOWNGRD\x01"
# The second is for 1.1 and older, which a 1.2 answer has no business to carry: it is refused all the same.
DOWNGRADE_SENTINELS: Final = (DOWNGRADE_SENTINEL, b"DOWNGRD\x00")
WIRE_VERSIONS: Final = {Version.DTLS12: DTLS12, Version.DTLS13: DTLS13}


def usable_groups(config: Config) -> tuple[NamedGroup, ...]:
    """The configured groups that some configured version can use."""
    if Version.DTLS13 in config.versions:
        return config.groups
    return tuple(group for group in config.groups if group in CLASSICAL_GROUPS)


def key_share_groups(config: Config) -> tuple[NamedGroup, ...]:
    """The groups to send a share for at once: the favourite, and the first classical one for servers without ML-KEM."""
    if config.key_shares is not None:
        return config.key_shares
    classical = next((group for group in config.groups if group in CLASSICAL_GROUPS), None)
    return tuple(dict.fromkeys(group for group in (*config.groups[:1], classical) if group is not None))


def make_client_hello(
    config: Config, random: bytes, shares: Sequence[KeyShareEntry], *, cookie: bytes = b"", retry_cookie: bytes = b""
) -> ClientHello:
    """`cookie` is that of a HelloVerifyRequest (1.2), `retry_cookie` that of a HelloRetryRequest (1.3)."""
    offers_12, offers_13 = Version.DTLS12 in config.versions, Version.DTLS13 in config.versions
    offered = []
    if offers_12:
        offered += [
            extensions.extended_master_secret(),
            extensions.renegotiation_info(),
            extensions.ec_point_formats(),
        ]
    offered += [
        extensions.supported_groups(usable_groups(config)),
        extensions.signature_algorithms(config.signature_schemes),
    ]
    if config.srtp_profiles:
        offered.append(UseSrtp(config.srtp_profiles).extension())
    if config.connection_id is not None:
        offered.append(extensions.connection_id(config.connection_id))
    if config.record_size_limit is not None:
        offered.append(extensions.record_size_limit(min(config.record_size_limit, MAX_FRAGMENT + offers_13)))
    if offers_13:
        offered.append(extensions.supported_versions(WIRE_VERSIONS[version] for version in config.versions))
        offered.append(extensions.client_key_share(shares))
        if retry_cookie:
            offered.append(extensions.cookie(retry_cookie))
    suites = tuple(suite for suite in config.cipher_suites if SUITES[suite].version in config.versions)
    return ClientHello(DTLS12, random, b"", cookie, suites, b"\x00", tuple(offered))


def check_offered(answered: Extensions | None, hello: ClientHello, *, also: tuple[ExtensionType, ...] = ()) -> None:
    """RFC 5246 7.4.1.4, RFC 8446 4.2: a server may only answer extensions that the client sent."""
    offered = {extension.type for extension in hello.extensions or ()}.union(also)
    for extension in answered or ():
        if extension.type not in offered:
            raise reject(AlertDescription.UNSUPPORTED_EXTENSION, f"extension {extension.type} was not offered")
