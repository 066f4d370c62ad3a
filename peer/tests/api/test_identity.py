"""Identity (RFC 8827 sections 7 and 8)."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from peer.api import (
    DOMException,
    IdpLoginError,
    RTCIdentityAssertion,
    RTCPeerConnection,
    register_identity_provider,
    unregister_identity_provider,
)
from peer.tests.api.connecting import event, settled

DOMAIN = "idp.example"


class Provider:
    """Signs nothing: the assertion is the contents. What is wrong with it, a test says."""

    def __init__(self) -> None:
        self.user = f"bob@{DOMAIN}"
        self.options: list[dict[str, str]] = []
        self.error: Exception | None = None
        self.contents: str | None = None
        self.asserted: Any = None

    async def generateAssertion(self, contents: str, origin: str, options: dict[str, str]) -> Any:
        self.options.append(options)
        if self.error is not None:
            raise self.error
        return self.asserted or {"idp": {"domain": DOMAIN}, "assertion": contents}

    def validateAssertion(self, assertion: str, origin: str) -> dict[str, str]:
        if self.error is not None:
            raise self.error
        return {"identity": self.user, "contents": self.contents if self.contents is not None else assertion}


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    register_identity_provider(DOMAIN, made)
    yield made
    unregister_identity_provider(DOMAIN)


async def offer_of(pc: RTCPeerConnection) -> dict[str, str]:
    pc.createDataChannel("")
    offer = await pc.createOffer()
    return dict(offer)


async def test_an_identity_travels_in_the_offer(provider: Provider) -> None:
    pc, other = RTCPeerConnection(), RTCPeerConnection()
    pc.setIdentityProvider(DOMAIN, {"usernameHint": "bob", "peerIdentity": "alice@x"})
    result = event(pc, "identityresult")
    offer = await offer_of(pc)
    line = next(line for line in offer["sdp"].splitlines() if line.startswith("a=identity:"))
    assertion = json.loads(base64.b64decode(line.removeprefix("a=identity:")))
    assert assertion["idp"] == {"domain": DOMAIN}
    (fingerprint,) = json.loads(assertion["assertion"])["fingerprint"]
    assert f"a=fingerprint:{fingerprint['algorithm']} {fingerprint['digest']}" in offer["sdp"]
    assert (await result).assertion == line.removeprefix("a=identity:")
    assert provider.options == [{"protocol": "default", "usernameHint": "bob", "peerIdentity": "alice@x"}]
    known = event(other, "peeridentity")
    await other.setRemoteDescription(offer)
    await known
    assert await other.peerIdentity == RTCIdentityAssertion(DOMAIN, f"bob@{DOMAIN}")
    pc.close()
    other.close()


async def test_assertions_are_made_once(provider: Provider) -> None:
    pc = RTCPeerConnection()
    pc.setIdentityProvider(DOMAIN, "default", "bob")
    first = await pc.getIdentityAssertion()
    assert await pc.getIdentityAssertion() == first
    assert first in (await offer_of(pc))["sdp"]
    assert len(provider.options) == 1
    pc.close()


@pytest.mark.parametrize(
    ("error", "asserted", "login"),
    [
        (ValueError("no"), None, None),
        (IdpLoginError("https://idp.example/login"), None, "https://idp.example/login"),
        (None, {"idp": {}, "assertion": "x"}, None),
        (None, "nonsense", None),
    ],
)
async def test_a_provider_that_fails(
    provider: Provider, error: Exception | None, asserted: Any, login: str | None
) -> None:
    provider.error, provider.asserted = error, asserted
    pc = RTCPeerConnection()
    pc.setIdentityProvider(DOMAIN)
    failed = event(pc, "idpassertionerror")
    with pytest.raises(DOMException) as caught:
        await pc.createOffer()
    assert caught.value.name == "NotReadableError"
    happened = await failed
    assert (happened.idp, happened.protocol, happened.loginUrl) == (DOMAIN, "default", login)
    assert pc.idpLoginUrl == login
    assert pc.idpErrorInfo
    with pytest.raises(DOMException, match="NotReadableError"):
        await pc.getIdentityAssertion()
    pc.close()


async def test_no_provider() -> None:
    pc = RTCPeerConnection()
    failure = pc.getIdentityAssertion().failure
    assert isinstance(failure, DOMException)
    assert failure.name == "InvalidStateError"
    pc.setIdentityProvider("unknown.example")
    with pytest.raises(DOMException, match="NotReadableError"):
        await pc.createOffer()
    with pytest.raises(TypeError):
        pc.setIdentityProvider(DOMAIN, {"protocol": "a/b"})
    pc.close()


def tampered(sdp: str, line: str) -> str:
    """The same offer with another a=identity."""
    kept = [one for one in sdp.split("\r\n") if not one.startswith("a=identity:")]
    at = next(index for index, one in enumerate(kept) if one.startswith("m="))
    return "\r\n".join([*kept[:at], line, *kept[at:]])


def encoded(value: Any) -> str:
    return "a=identity:" + base64.b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "wrong",
    ["authority", "fingerprint", "contents", "raises", "unknown", "base64", "json"],
)
async def test_a_wrong_assertion_is_not_believed(provider: Provider, wrong: str) -> None:
    pc, other = RTCPeerConnection(), RTCPeerConnection()
    pc.setIdentityProvider(DOMAIN)
    offer = await offer_of(pc)
    if wrong == "authority":
        provider.user = "bob@elsewhere.example"
    elif wrong == "fingerprint":
        provider.contents = json.dumps({"fingerprint": [{"algorithm": "sha-256", "digest": "00"}]})
    elif wrong == "contents":
        provider.contents = "nonsense"
    elif wrong == "raises":
        provider.error = ValueError("no")
    elif wrong == "unknown":
        value = {"idp": {"domain": "x.example"}, "assertion": "x"}
        offer["sdp"] = tampered(offer["sdp"], encoded(value))
    elif wrong == "base64":
        offer["sdp"] = tampered(offer["sdp"], "a=identity:abc")
    else:
        offer["sdp"] = tampered(offer["sdp"], encoded([1]))
    failed = event(other, "idpvalidationerror")
    promise = other.peerIdentity
    await other.setRemoteDescription(offer)
    await failed
    assert isinstance(promise.failure, DOMException)
    assert not other.peerIdentity.done()
    assert other.idpErrorInfo
    pc.close()
    other.close()


async def test_the_identity_asked_for_must_be_proved(provider: Provider) -> None:
    for user, expected in ((f"bob@{DOMAIN}", None), (f"eve@{DOMAIN}", "InvalidAccessError")):
        pc, other = RTCPeerConnection(), RTCPeerConnection({"peerIdentity": f"bob@{DOMAIN}"})
        provider.user = user
        pc.setIdentityProvider(DOMAIN)
        offer = await offer_of(pc)
        if expected is None:
            await other.setRemoteDescription(offer)
            assert (await other.peerIdentity).name == user
        else:
            with pytest.raises(DOMException, match=expected):
                await other.setRemoteDescription(offer)
            assert (other.signalingState, other.remoteDescription) == ("stable", None)
            assert isinstance(other.peerIdentity.failure, DOMException)
        pc.close()
        other.close()


async def test_an_unproved_description_is_refused_when_an_identity_is_asked_for() -> None:
    pc, other = RTCPeerConnection(), RTCPeerConnection({"peerIdentity": f"bob@{DOMAIN}"})
    with pytest.raises(DOMException, match="InvalidAccessError"):
        await other.setRemoteDescription(await offer_of(pc))
    assert other.signalingState == "stable"
    pc.close()
    other.close()


async def test_an_identity_once_known_stays(provider: Provider) -> None:
    pc, other = RTCPeerConnection(), RTCPeerConnection()
    pc.setIdentityProvider(DOMAIN)
    await pc.setLocalDescription(await offer_of(pc))
    await other.setRemoteDescription(pc.localDescription)
    await other.peerIdentity
    await other.setLocalDescription()
    await pc.setRemoteDescription(other.localDescription)
    third = RTCPeerConnection()
    with pytest.raises(DOMException):
        await other.setRemoteDescription(await offer_of(third))
    await other.setRemoteDescription(await pc.createOffer())
    await settled(other)
    assert other.signalingState == "have-remote-offer"
    for one in (pc, other, third):
        one.close()
