"""The ICE candidate pool: edges that gather before a transport needs them (RFC 9429 section 3.5.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from peer.ice import agent as ice
from peer.ice.edge import Batch, CandidateError, IceServer, Options, Selection, ServerUrl

if TYPE_CHECKING:
    from peer.api.core import Core
    from peer.api.gathering import Gathering

__all__ = ["CandidatePool", "PooledEdge", "gather_options"]

_RELAY_ONLY: Final = "relay"


def gather_options(core: Core) -> Options:
    """What the configuration of now says of gathering."""
    configuration, seams = core.configuration, core.seams
    interfaces = seams.interfaces
    servers = tuple(
        IceServer(tuple(map(ServerUrl.parse, server.urls)), server.username, server.credential)
        for server in configuration.iceServers
    )
    if interfaces is None:
        interfaces = Selection(loopback=True, others=bool(servers))
    bent = {} if seams.turn is None else {"turn": seams.turn}
    return Options(
        selection=interfaces,
        servers=servers,
        policy=str(configuration.iceTransportPolicy),
        trace=seams.trace,
        **{**bent, **seams.gather},
    )


class PooledEdge:
    """An edge at work. What it reports before a transport takes it is kept; datagrams are not: nobody was told the
    address yet.
    """

    def __init__(self, core: Core) -> None:
        self._loop = core.loop
        self._owner: Gathering | None = None
        self._kept: list[Callable[[Gathering], None]] = []
        # Section 4.1.18: the policy "has no effect on the candidate pool", it filters when the edge is taken.
        self.edge = core.seams.edge(
            replace(gather_options(core), policy="all"),
            on_candidate=self._on_candidate,
            on_complete=self._on_complete,
            on_datagrams=self._on_datagrams,
            on_error=self._on_error,
            on_base_lost=self._on_base_lost,
        )
        self.edge.start()

    def give_to(self, owner: Gathering, options: Options) -> Any:
        """The edge, for good. What was kept comes from the loop, as everything an edge reports."""
        self.edge.options = options
        self._loop.call_soon(self._hand_over, owner)
        return self.edge

    def _hand_over(self, owner: Gathering) -> None:
        kept, self._kept, self._owner = self._kept, [], owner
        for report in kept:
            report(owner)

    def _tell(self, report: Callable[[Gathering], None]) -> None:
        if self._owner is None:
            self._kept.append(report)
        else:
            report(self._owner)

    def _on_candidate(self, candidate: ice.Candidate) -> None:
        def report(owner: Gathering) -> None:
            if self.edge.options.policy != _RELAY_ONLY or candidate.type is ice.CandidateType.RELAYED:
                owner._on_candidate(candidate)

        self._tell(report)

    def _on_complete(self) -> None:
        self._tell(lambda owner: owner._on_complete())

    def _on_error(self, error: CandidateError) -> None:
        self._tell(lambda owner: owner._on_error(error))

    def _on_base_lost(self, base: ice.Address) -> None:
        self._tell(lambda owner: owner._on_base_lost(base))

    def _on_datagrams(self, batch: Batch) -> None:
        if self._owner is not None:
            self._owner._stack.on_datagrams(batch)


class CandidatePool:
    """As many edges at work as the configuration asks for, until the first offer/answer exchange is over."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._edges: list[PooledEdge] = []

    def resize(self, size: int) -> None:
        """Gather for more components, or discard what is superfluous: at once (RFC 9429 section 4.1.18)."""
        while len(self._edges) > size:
            self._edges.pop().edge.close()
        while len(self._edges) < size:
            self._edges.append(PooledEdge(self._core))

    def reconfigure(self, size: int | None, *, other_servers: bool) -> None:
        """The configuration changed. `size`: the new one, None when it's the same; other servers: gather anew."""
        wanted = len(self._edges) if size is None else size
        if other_servers:
            self.close()
        self.resize(wanted)

    def take(self) -> PooledEdge | None:
        """The edge that has been at work longest; None when the pool is depleted."""
        return self._edges.pop(0) if self._edges else None

    def close(self) -> None:
        self.resize(0)
