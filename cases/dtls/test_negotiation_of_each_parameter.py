"""RFC 8446 sections 4.1.1 and 6.2: what is agreed on when one parameter is all that the other side has.

What came of it is in each result's facts; the report makes a table of them.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from cases.dtls.certificates import made_of, rsa_certificate
from cases.dtls.opposite import Opposite
from harness.capture.layers.dtls import ALERTS
from harness.capture.match import dtls
from harness.cases import check, clause
from harness.errors import EndpointTimeout
from harness.matrix import facts
from harness.results import Fact
from harness.scene import Scene
from peer.dtls import CipherSuite, KeyKind, NamedGroup, Version
from peer.wire.dtls_parameters import SrtpProfile

PATIENCE: Final = 3.0
NOTHING_IN_COMMON: Final = ("handshake_failure", "insufficient_security")
FATAL: Final = dtls.alert(fatal=True)


@dataclass(frozen=True, slots=True)
class Only:
    """Our side has nothing but `value`. `refusals` are the alerts that say so; none: any fatal one will do."""

    parameter: str
    value: str
    dtls: Mapping[str, Any]
    kind: KeyKind = KeyKind.ECDSA_P256
    refusals: tuple[str, ...] = field(default=NOTHING_IN_COMMON)

    def __str__(self) -> str:
        return f"{self.parameter}-{self.value}"


def _versions() -> Iterable[Only]:
    for version in Version:
        yield Only(
            "dtls_version", version.value, {"versions": (version,)}, refusals=(*NOTHING_IN_COMMON, "protocol_version")
        )


def _suites() -> Iterable[Only]:
    for suite in CipherSuite:
        if suite is CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV:
            continue
        version = Version.DTLS13 if suite >> 8 == 0x13 else Version.DTLS12
        kind = KeyKind.RSA_2048 if "_RSA_" in suite.name else KeyKind.ECDSA_P256
        yield Only("cipher", suite.name, {"versions": (version,), "cipher_suites": (suite,)}, kind)


def _groups() -> Iterable[Only]:
    for group in NamedGroup:
        yield Only("named_group", group.name, {"versions": (Version.DTLS13,), "groups": (group,)})


def _profiles() -> Iterable[Only]:
    for profile in SrtpProfile:
        yield Only("srtp_profile", profile.name, {"srtp_profiles": (profile,)})


def _certificates() -> Iterable[Only]:
    for kind in (KeyKind.ECDSA_P256, KeyKind.RSA_2048):
        yield Only("certificate", kind.name, {}, kind, refusals=())


EACH: Final = pytest.mark.parametrize(
    "only", [*_versions(), *_suites(), *_groups(), *_profiles(), *_certificates()], ids=str
)


async def test_sanity_with_nothing_restricted(client: Opposite) -> None:
    await client.goes_on(dtls={})
    client.wire.expect(dtls.server_hello())


@functools.cache
def _certificate(kind: KeyKind) -> Any:
    return rsa_certificate() if kind is KeyKind.RSA_2048 else made_of(os.urandom, kind)


async def _outcome(opposite: Opposite, scene: Scene, only: Only) -> Mapping[str, Fact]:
    """What was agreed on, or `alert` and whether the endpoint said it; neither where nothing came of it."""
    made = await opposite.meets(dtls=only.dtls, certificate=_certificate(only.kind), wait=False)
    own = made.answerer if opposite.is_client else made.offerer
    state = "neither connected nor failed"
    with contextlib.suppress(EndpointTimeout):
        state = str(await own.wait_for(connectionState=("connected", "failed", "closed"), timeout=PATIENCE))
    told: dict[str, Fact] = {"parameter": only.parameter, "value": only.value}
    told |= {"role": "client" if opposite.is_client else "server", "state": state}
    alert = opposite.wire.first(FATAL)
    if alert is not None:
        said = opposite.wire.first(FATAL, sender=opposite.endpoint)
        code = (said or alert).packet.description
        told |= {"alert": ALERTS.get(code, str(code)), "refused_by": "endpoint" if said else "peer"}
    elif state == "connected":
        told |= facts.from_wire(opposite.wire) | {"certificate": only.kind.name}
    scene.facts["negotiation"] = told
    return told


def _was_offered(only: Only, told: Mapping[str, Fact]) -> None:
    agreed = told.get(only.parameter)
    # Who shares no SRTP profile leaves the extension out: RFC 5764 4.1.1.
    fits = agreed == only.value or (only.parameter == "srtp_profile" and agreed is None)
    check(fits, f"{agreed} was agreed on, all that was offered is {only.value}")


@EACH
@clause("RFC8446-4.1.1-M4", "RFC8446-6.2-M2")
async def test_a_server_takes_what_is_offered_or_says_an_alert(server: Opposite, scene: Scene, only: Only) -> None:
    told = await _outcome(server, scene, only)
    if told["state"] == "connected":
        _was_offered(only, told)
    else:
        server.wire.expect(dtls.alert(*only.refusals, fatal=True), sender=server.endpoint)


@EACH
@clause("RFC8446-6.2-M1", "RFC8446-6.2-M2")
async def test_a_client_goes_along_or_it_ends_with_an_alert(client: Opposite, scene: Scene, only: Only) -> None:
    told = await _outcome(client, scene, only)
    if told["state"] == "connected":
        _was_offered(only, told)
    else:
        check(told["state"] in {"failed", "closed"} and "alert" in told, f"{told['state']}, without an alert")
