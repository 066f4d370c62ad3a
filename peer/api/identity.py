"""Identity (RFC 8827 sections 7 and 8): assertions over fingerprints, made and judged by identity providers.

A provider is a Python object registered for a domain:

    class Provider:
        async def generateAssertion(self, contents, origin, options): ...  # -> {"idp": {"domain", "protocol"},
        "assertion"} async def validateAssertion(self, assertion, origin): ...          # -> {"identity":
        "user@domain", "contents"}

    register_identity_provider("idp.example", Provider())

(plain functions do as well). `contents` is the JSON text of section 7.4; `options` has protocol, usernameHint and
peerIdentity. A provider that wants the user to log in first raises `IdpLoginError(url)`.

A remote identity, once validated, is the connection's target identity and stays it: a later description without it,
or with another one, is refused. The same holds from the start for the `peerIdentity` of the configuration.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from peer import jsep, sdp
from peer.api.errors import InvalidAccessError, InvalidStateError, NotReadableError, OperationError
from peer.api.events import Event
from peer.api.tasks import Promise
from peer.api.webidl import Dictionary, members, string
from peer.jsep.effects import IdentityReceived

if TYPE_CHECKING:
    from peer.api.core import Core

__all__ = [
    "Identity",
    "IdpLoginError",
    "RTCIdentityAssertion",
    "RTCIdentityErrorEvent",
    "RTCIdentityEvent",
    "register_identity_provider",
    "unregister_identity_provider",
]

# How long a provider may take, in seconds.
PROVIDER_TIMEOUT: Final = 15.0
DEFAULT_PROTOCOL: Final = "default"  # section 7.5

_providers: dict[tuple[str, str], Any] = {}


class IdpLoginError(Exception):
    """A provider's way to say that the user has to log in at `login_url` (section 7.7)."""

    def __init__(self, login_url: str) -> None:
        super().__init__(f"log in at {login_url}")
        self.login_url = login_url


def register_identity_provider(domain: str, provider: Any, protocol: str = DEFAULT_PROTOCOL) -> None:
    """From now on `provider` speaks for `domain`, in place of what a page would load from its
    /.well-known/idp-proxy/.
    """
    _providers[_domain(domain), protocol] = provider


def unregister_identity_provider(domain: str, protocol: str = DEFAULT_PROTOCOL) -> None:
    _providers.pop((_domain(domain), protocol), None)


def _domain(authority: str) -> str:
    """Section 7.5: user info and port don't count; RFC 5890 section 2.3.2.4: compare A-labels, whatever the case."""
    host = authority.rpartition("@")[2].partition(":")[0].lower().rstrip(".")
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host


class RTCIdentityAssertion(Dictionary):
    """Who the other side is: `RTCIdentityAssertion("idp.example", "bob@idp.example")`."""

    def __init__(self, idp: Any, name: Any) -> None:
        super().__init__(idp=string(idp), name=string(name))


class RTCIdentityEvent(Event):
    """identityresult: `assertion` is the value for a=identity."""

    __slots__ = ("assertion",)

    def __init__(self, type: str, eventInitDict: dict[str, Any]) -> None:
        super().__init__(type)
        self.assertion: str = eventInitDict["assertion"]


class RTCIdentityErrorEvent(Event):
    """idpassertionerror and idpvalidationerror: which provider it was, and where to log in if that is what it takes."""

    __slots__ = ("idp", "loginUrl", "protocol")

    def __init__(self, type: str, eventInitDict: dict[str, Any]) -> None:
        super().__init__(type)
        self.idp: str = eventInitDict["idp"]
        self.protocol: str = eventInitDict["protocol"]
        self.loginUrl: str | None = eventInitDict.get("loginUrl")


@dataclass(frozen=True, slots=True)
class _Choice:
    """What setIdentityProvider chose."""

    domain: str
    protocol: str
    username_hint: str | None
    peer_identity: str | None

    def options(self) -> dict[str, str]:
        named = {"protocol": self.protocol, "usernameHint": self.username_hint, "peerIdentity": self.peer_identity}
        return {name: value for name, value in named.items() if value is not None}


class Identity:
    """Both halves of one connection's identity: what we assert, and what we believe."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._choice: _Choice | None = None
        self._assertion: Promise[str] | None = None
        self._target = core.configuration.peerIdentity
        self._validated: tuple[str, ...] | None = None
        self._running: set[asyncio.Task[None]] = set()
        self.peer_identity: Promise[RTCIdentityAssertion] = Promise()
        self.login_url: str | None = None
        self.error_info: str | None = None

    # asserting

    def set_provider(self, provider: Any, options: Any, username: str | None) -> None:
        """setIdentityProvider. Raises InvalidStateError when closed, TypeError."""
        if self._core.is_closed:
            raise InvalidStateError("the connection is closed")
        if isinstance(options, str):  # the older form: provider, protocol, username
            options = {"protocol": options, "usernameHint": username}
        given = members(options, ("protocol", "usernameHint", "peerIdentity"), "RTCIdentityProviderOptions")
        protocol = string(given["protocol"]) if given.get("protocol") is not None else DEFAULT_PROTOCOL
        if "/" in protocol or "\\" in protocol:
            raise TypeError("a protocol name has no slash (RFC 8827 section 7.5)")
        hint, peer = given.get("usernameHint", username), given.get("peerIdentity")
        self._choice = _Choice(
            string(provider),
            protocol,
            None if hint is None else string(hint),
            None if peer is None else string(peer),
        )
        self._assertion = None

    def get_assertion(self) -> Promise[str]:
        """getIdentityAssertion: a promise of the value for a=identity."""
        if self._core.is_closed:
            return Promise.rejected(InvalidStateError("the connection is closed"))
        if self._choice is None:
            return Promise.rejected(InvalidStateError("setIdentityProvider was not called"))
        if self._assertion is None or self._assertion.failure is not None:
            self._assertion = self._request(self._choice)
        return self._assertion

    def assert_for(self, proceed: Callable[[str | None], None], reject: Callable[[BaseException], None]) -> None:
        """Have createOffer and createAnswer go on with an assertion; at once where no provider was set."""
        if self._choice is None:
            proceed(None)
            return

        def settled(promise: Promise[str]) -> None:
            if promise.failure is not None:
                reject(NotReadableError(str(promise.failure)))
            else:
                proceed(promise.result())

        self.get_assertion().react(settled)

    def _contents(self) -> str:
        fingerprints = [
            {"algorithm": one.algorithm, "digest": one.value} for one in self._core.state.configuration.fingerprints
        ]
        return json.dumps({"fingerprint": fingerprints})

    def _request(self, choice: _Choice) -> Promise[str]:
        promise: Promise[str] = Promise()
        self.login_url = self.error_info = None
        contents = self._contents()

        async def generate() -> str:
            provider = _providers.get((_domain(choice.domain), choice.protocol))
            if provider is None:
                raise LookupError(f"no identity provider for {choice.domain} ({choice.protocol})")
            return _encode_assertion(await _call(provider.generateAssertion, contents, "", choice.options()))

        def succeeded(assertion: str) -> None:
            promise.resolve(assertion)
            self._core.fire(RTCIdentityEvent("identityresult", {"assertion": assertion}))

        def failed(error: Exception) -> None:
            self.login_url = error.login_url if isinstance(error, IdpLoginError) else None
            self.error_info = str(error)
            self._fire_error("idpassertionerror", choice.domain, choice.protocol)
            promise.reject(NotReadableError(f"{choice.domain}: {error}"))

        self._run(generate, succeeded, failed)
        return promise

    # believing

    def check_remote(
        self,
        plan: jsep.Plan,
        commit: Callable[[], None],
        again: Callable[[], None],
        reject: Callable[[BaseException], None],
    ) -> None:
        """Let a remote description through. With a target identity only after its assertion was validated.

        That takes time, in which the connection may change: then everything is planned `again`.
        """
        received = [effect for effect in plan.effects if isinstance(effect, IdentityReceived)]
        values = tuple(value for effect in received for value in effect.values)
        described = plan.state.remote
        unbound = self._target is None or described is None or described.type is jsep.DescriptionType.ROLLBACK
        if unbound or (values and values == self._validated):
            commit()
            return
        if not values:
            reject(InvalidAccessError(f"the description doesn't prove that it is of {self._target}"))
            return

        def accepted(_: str) -> None:
            self._validated = values
            again()

        self._validate(values, plan.state, accepted, reject)

    def received(self, values: tuple[str, ...]) -> None:
        """The description is applied; who its a=identity names is found out in the background."""
        if self._validated == values:
            return
        self._validate(values, self._core.state, lambda _: None, lambda _: None)

    def _validate(
        self,
        values: tuple[str, ...],
        state: jsep.State,
        accept: Callable[[str], None],
        refuse: Callable[[BaseException], None],
    ) -> None:
        where = {"domain": "", "protocol": DEFAULT_PROTOCOL}
        fingerprints = _described_fingerprints(state)

        async def validate() -> tuple[str, str]:
            decoded = _decode_assertion(values[0])
            where.update(domain=decoded["idp"]["domain"], protocol=decoded["idp"].get("protocol", DEFAULT_PROTOCOL))
            provider = _providers.get((_domain(where["domain"]), where["protocol"]))
            if provider is None:
                raise LookupError(f"no identity provider for {where['domain']} ({where['protocol']})")
            verdict = await _call(provider.validateAssertion, decoded["assertion"], "")
            return _judge(verdict, where["domain"], fingerprints), where["domain"]

        def succeeded(found: tuple[str, str]) -> None:
            name, domain = found
            if self._target is not None and self._target != name:
                failed(InvalidAccessError(f"the description is of {name}, not of {self._target}"))
                return
            self._target = name
            self.peer_identity.resolve(RTCIdentityAssertion(domain, name))
            self._core.fire("peeridentity")
            accept(name)

        def failed(error: Exception) -> None:
            self.error_info = str(error)
            failure = OperationError(f"the identity assertion is not valid: {error}")
            self.peer_identity.reject(failure)
            if self._target is None:
                self.peer_identity = Promise()  # nobody is promised yet: a later description may bring a valid one
            self._fire_error("idpvalidationerror", where["domain"], where["protocol"])
            refuse(error if isinstance(error, InvalidAccessError) else failure)

        self._run(validate, succeeded, failed)

    # inside

    def _fire_error(self, name: str, domain: str, protocol: str) -> None:
        self._core.fire(RTCIdentityErrorEvent(name, {"idp": domain, "protocol": protocol, "loginUrl": self.login_url}))

    def _run(
        self, work: Callable[[], Any], succeeded: Callable[[Any], None], failed: Callable[[Exception], None]
    ) -> None:
        """Let a provider work; what comes of it is a queued task."""

        async def run() -> None:
            try:
                async with asyncio.timeout(PROVIDER_TIMEOUT):
                    result = await work()
            except Exception as error:  # noqa: BLE001 - a provider is foreign code: whatever it raises means that it failed
                failure = error
                self._core.queue(lambda: failed(failure))
            else:
                self._core.queue(lambda: succeeded(result))

        task = asyncio.get_running_loop().create_task(run())
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def close(self) -> None:
        for task in self._running:
            task.cancel()


async def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    result = function(*arguments)
    return await result if inspect.isawaitable(result) else result


def _encode_assertion(assertion: Any) -> str:
    """Section 7.4.1: JSON, UTF-8, base64. Raises ValueError for what is no assertion."""
    given = members(assertion, ("idp", "assertion"), "RTCIdentityAssertionResult")
    idp = members(given.get("idp"), ("domain", "protocol"), "RTCIdentityProviderDetails")
    if not isinstance(idp.get("domain"), str) or not isinstance(given.get("assertion"), str):
        raise ValueError("the provider returned no assertion")
    return base64.b64encode(json.dumps({"idp": idp, "assertion": given["assertion"]}).encode()).decode()


def _decode_assertion(value: str) -> dict[str, Any]:
    """The opposite. `value` is a remote side's: raises ValueError for whatever it isn't."""
    try:
        decoded: Any = json.loads(base64.b64decode(value.split(" ")[0].split(";")[0], validate=True))
    except (binascii.Error, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"a=identity is not base64 of JSON: {error}") from None
    idp = decoded.get("idp") if isinstance(decoded, dict) else None
    if not isinstance(idp, dict) or not isinstance(idp.get("domain"), str):
        raise ValueError("a=identity names no provider")
    if not isinstance(decoded.get("assertion"), str) or not isinstance(idp.get("protocol", ""), str):
        raise ValueError("a=identity holds no assertion")
    return dict(decoded)


def _described_fingerprints(state: jsep.State) -> set[tuple[str, str]]:
    described = state.remote
    if described is None or described.model is None:
        return set()
    blocks = [described.model.session, *described.model.media]
    return {(one.algorithm.lower(), one.value.upper()) for block in blocks for one in block.all(sdp.FINGERPRINT)}


def _judge(verdict: Any, idp_domain: str, fingerprints: set[tuple[str, str]]) -> str:
    """Section 8: who it is. Raises ValueError where the identity isn't the provider's to give or misses a
    fingerprint.
    """
    given = members(verdict, ("identity", "contents"), "RTCIdentityValidationResult")
    identity, contents = given.get("identity"), given.get("contents")
    if not isinstance(identity, str) or not isinstance(contents, str) or "@" not in identity:
        raise ValueError("the provider returned no identity")
    if _domain(identity.rpartition("@")[2]) != _domain(idp_domain):  # section 8.1
        raise ValueError(f"{idp_domain} has no authority over {identity}")
    signed = json.loads(contents)
    listed = signed.get("fingerprint") if isinstance(signed, dict) else None
    covered = {
        (str(one.get("algorithm")).lower(), str(one.get("digest")).upper())
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict)
    }
    if not fingerprints or not fingerprints <= covered:  # section 7.4.1
        raise ValueError("the assertion doesn't cover the fingerprints of the description")
    return identity
