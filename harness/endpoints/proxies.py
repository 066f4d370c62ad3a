# ruff: noqa: N802, N803  (members are spelled as W3C spells them)
"""W3C's objects, at whichever endpoint they live: what cases are written in.

Every method is one round trip. Attributes that change only in a task that also fires an event (`signalingState`,
`readyState`) are known here already and are plain attributes; any other is read by `await pc.get("...")`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from harness.errors import EndpointError, EndpointTimeout
from harness.script.steps import Call, Get, Set, Step, Track, Wait
from harness.script.trace import Fired
from harness.script.values import Ref, Value

if TYPE_CHECKING:
    from harness.endpoints.base import Endpoint

__all__ = ["DataChannel", "Description", "PeerConnection", "Proxy"]

Description: TypeAlias = Mapping[str, Any]

# Once there, a connection or channel gets nowhere else without somebody's doing.
_DEAD_ENDS: Final = {
    "connectionState": ("failed", "closed"),
    "iceConnectionState": ("failed", "closed"),
    "readyState": ("closed",),
    "signalingState": ("closed",),
    "state": ("failed", "closed"),
}


class Proxy:
    """An object at an endpoint, known by its handle."""

    def __init__(self, endpoint: Endpoint, handle: str) -> None:
        self.endpoint = endpoint
        self.handle = handle
        self._taken: dict[str, int] = {}

    @property
    def ref(self) -> Ref:
        """The object, as an argument of a call at the same endpoint."""
        return Ref(self.handle)

    def state(self, name: str) -> Any:
        """An attribute as of the latest event or call."""
        return self.endpoint.states(self.handle).get(name)

    @property
    def events(self) -> list[Fired]:
        """Every event at this object so far."""
        return [entry for entry in self.endpoint.entries if isinstance(entry, Fired) and entry.on == self.handle]

    async def call(self, method: str, *args: Value, bind: str | None = None, timeout: float = 5.0) -> Any:
        """Call any method. Raises Thrown, EndpointTimeout, EndpointCrashed; so does everything below."""
        plain = tuple(argument.ref if isinstance(argument, Proxy) else argument for argument in args)
        return (await self.endpoint.run(Call(self.handle, method, plain, bind, timeout=timeout)))[0]

    async def get(self, path: str) -> Any:
        """Read any attribute, or one reached by several: `await pc.get("sctp.maxMessageSize")`."""
        *through, attribute = path.split(".")
        return (await self.endpoint.run(Get(".".join((self.handle, *through)), attribute)))[0]

    async def set(self, attribute: str, value: Value) -> None:
        """Write any attribute."""
        await self.endpoint.run(Set(self.handle, attribute, value))

    async def follow(self, path: str) -> Proxy:
        """The object an attribute holds, with its states and events: `await pc.follow("sctp.transport")`."""
        *through, attribute = path.split(".")
        handle = self.endpoint.fresh(attribute)
        await self.endpoint.run(Get(".".join((self.handle, *through)), attribute, handle))
        return Proxy(self.endpoint, handle)

    async def wait_for(self, *, timeout: float = 10.0, **attribute: Value | Sequence[Value]) -> Any:
        """Wait until one attribute has a value, or one of several: `await pc.wait_for(connectionState="connected")`.

        Gives up with EndpointTimeout as soon as a state is reached that has no way out.
        """
        ((name, wanted),) = attribute.items()
        among = [wanted] if isinstance(wanted, str) or not isinstance(wanted, Sequence) else list(wanted)

        def look() -> Any:
            value = self.state(name)
            if value in among:
                return value
            if value in _DEAD_ENDS.get(name, ()):
                raise EndpointTimeout(f"{self.endpoint.name}: {name} should become {_either(among)}, it became {value}")
            return None

        found = await self.endpoint.until(
            look, timeout, lambda: f"{name} should become {_either(among)}, it is {self.state(name)}"
        )
        self.endpoint.waited(Wait(self.handle, attribute=name, values=tuple(among), timeout=timeout))
        return found

    async def event(self, type: str, *, timeout: float = 10.0) -> Fired:
        """The next event of a type that no earlier `event` call took; it may have fired already."""

        def look() -> Fired | None:
            fired = self.endpoint.fired(self.handle, type)
            taken = self._taken.get(type, 0)
            return fired[taken] if len(fired) > taken else None

        found: Fired = await self.endpoint.until(look, timeout, lambda: f"no {type} event")
        self._taken[type] = self._taken.get(type, 0) + 1
        self.endpoint.waited(Wait(self.handle, event=type, timeout=timeout))
        return found

    def __repr__(self) -> str:
        return f"<{self.handle} of {self.endpoint.name}>"


def _either(values: Sequence[Value]) -> str:
    return " or ".join(str(value) for value in values)


class PeerConnection(Proxy):
    """RTCPeerConnection."""

    @property
    def signalingState(self) -> str:
        return str(self.state("signalingState"))

    @property
    def iceGatheringState(self) -> str:
        return str(self.state("iceGatheringState"))

    @property
    def iceConnectionState(self) -> str:
        return str(self.state("iceConnectionState"))

    @property
    def connectionState(self) -> str:
        return str(self.state("connectionState"))

    async def createOffer(self, options: Mapping[str, Any] | None = None) -> Description:
        return await self._described("createOffer", options)

    async def createAnswer(self, options: Mapping[str, Any] | None = None) -> Description:
        return await self._described("createAnswer", options)

    async def _described(self, method: str, options: Mapping[str, Any] | None) -> Description:
        description: Description = await self.call(method, *(() if options is None else (options,)))
        return description

    async def setLocalDescription(self, description: Description | None = None) -> None:
        await self.call("setLocalDescription", *(() if description is None else (description,)))

    async def setRemoteDescription(self, description: Description) -> None:
        await self.call("setRemoteDescription", description)

    async def addIceCandidate(self, candidate: Mapping[str, Any] | None = None) -> None:
        await self.call("addIceCandidate", *(() if candidate is None else (candidate,)))

    async def localDescription(self) -> Description:
        """pc.localDescription as of now; an empty mapping for null."""
        return await self.get("localDescription") or {}

    async def remoteDescription(self) -> Description:
        return await self.get("remoteDescription") or {}

    async def createDataChannel(self, label: str = "", init: Mapping[str, Any] | None = None) -> DataChannel:
        """A new channel; it takes binary messages as bytes."""
        handle = self.endpoint.fresh("channel")
        arguments = (label,) if init is None else (label, dict(init))
        steps = (Call(self.handle, "createDataChannel", arguments, handle), Set(handle, "binaryType", "arraybuffer"))
        await self.endpoint.run(*steps)
        return DataChannel(self.endpoint, handle)

    async def datachannel(self, *, timeout: float = 10.0) -> DataChannel:
        """The next channel the other side announces; it may have done so already."""
        announced = await self.event("datachannel", timeout=timeout)
        return DataChannel(self.endpoint, announced.detail["channel"].path)

    async def addTransceiver(self, trackOrKind: Value, init: Mapping[str, Any] | None = None) -> Proxy:
        handle = self.endpoint.fresh("transceiver")
        await self.call("addTransceiver", trackOrKind, *(() if init is None else (init,)), bind=handle)
        return Proxy(self.endpoint, handle)

    async def addTrack(self, kind: str = "audio", *, stream: Proxy | None = None, **options: Any) -> Proxy:
        """`addTrack` with a new synthetic track (options as of the step `Track`) of a stream; returns the sender."""
        track, sender = self.endpoint.fresh("track"), self.endpoint.fresh("sender")
        args = (Ref(track),) if stream is None else (Ref(track), Ref(stream.handle))
        await self.endpoint.run(Track(kind, track, **options), Call(self.handle, "addTrack", args, sender))
        return Proxy(self.endpoint, sender)

    async def track(self, *, timeout: float = 10.0) -> Proxy:
        """The next track that the other side announces; it may have done so already."""
        announced = await self.event("track", timeout=timeout)
        return Proxy(self.endpoint, announced.detail["track"].path)

    async def removeTrack(self, sender: Proxy) -> None:
        await self.call("removeTrack", sender)

    async def restartIce(self) -> None:
        await self.call("restartIce")

    async def setConfiguration(self, configuration: Mapping[str, Any]) -> None:
        await self.call("setConfiguration", configuration)

    async def getConfiguration(self) -> dict[str, Any]:
        return dict(await self.call("getConfiguration"))

    async def getStats(self) -> dict[str, dict[str, Any]]:
        """The report, id -> stats."""
        return dict(await self.call("getStats"))

    async def close(self) -> None:
        await self.call("close")


class DataChannel(Proxy):
    """RTCDataChannel."""

    @property
    def readyState(self) -> str:
        return str(self.state("readyState"))

    @property
    def id(self) -> int | None:
        number = self.state("id")
        return None if number is None else int(number)

    async def opened(self, timeout: float = 10.0) -> DataChannel:
        """Wait until it is open."""
        await self.wait_for(readyState="open", timeout=timeout)
        return self

    async def send(self, *messages: str | bytes) -> None:
        """Send messages, all of them in one task of the endpoint."""
        steps: list[Step] = [Call(self.handle, "send", (message,)) for message in messages]
        await self.endpoint.run(*steps)

    @property
    def messages(self) -> list[str | bytes]:
        """Every message so far."""
        return [fired.detail["data"] for fired in self.endpoint.fired(self.handle, "message")]

    async def receive(self, timeout: float = 10.0) -> str | bytes:
        """The next message."""
        fired = await self.event("message", timeout=timeout)
        data = fired.detail["data"]
        if not isinstance(data, str | bytes):
            raise EndpointError(f"{self.endpoint.name}: a message that is neither text nor bytes: {data!r}")
        return data

    async def close(self) -> None:
        await self.call("close")
