"""Both endpoints may use relayed candidates only: everything goes through a TURN server, reached by UDP, TCP or TLS."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from harness.browsers import Launch
from harness.endpoints.stacks import Stacks
from harness.matrix import exchange
from harness.matrix.meeting import Meeting
from harness.matrix.place import needs_coturn
from harness.matrix.row import Row, Stage
from harness.net.coturn import Coturn
from harness.verdict import check
from peer.api import Seams

__all__ = ["ROWS"]


async def play(stage: Stage, *, transport: str) -> None:
    async with contextlib.AsyncExitStack() as exits:
        server = await exits.enter_async_context(Coturn.started(stage.folder))
        username, credential = server.credentials()
        servers = [{"urls": [server.url(transport)], "username": username, "credential": credential}]
        configuration: dict[str, Any] = {"iceServers": servers, "iceTransportPolicy": "relay"}
        stacks = None
        if transport == "tls" and stage.cell.browsers:
            # No browser of the session's trusts this certificate.
            stacks = await exits.enter_async_context(Stacks(launch=Launch(trusts=(server.trusted,))))
        seams = Seams(gather={"tls": server.tls_context()})
        meeting = await Meeting.arranged(stage, configuration=configuration, seams=seams, stacks=stacks)
        await meeting.connect()
        await meeting.echoing()
        stage.announce("exchanging messages")
        await exchange.echo(meeting.first, ["through the relay", bytes(60_000)], "text", stage.scene.ledger)
        await meeting.look()
        pair = str(stage.scene.facts["ice_pair"])
        check(pair.startswith("relay "), f"the selected pair is {pair}, not relayed", ledger=stage.scene.ledger)
        await meeting.part()
        log = server.log.read_text(encoding="utf-8", errors="replace")
        allocated = log.count("ALLOCATE processed, success")
        check(allocated >= 2, f"the server allocated for {allocated} clients of two", ledger=stage.scene.ledger)


def _row(transport: str, words: str) -> Row:
    playing: Callable[[Stage], Awaitable[None]] = partial(play, transport=transport)
    about = f"relayed candidates only, through a TURN server reached by {words}"
    # Each cell starts a server of its own, and by TLS browsers as well: too slow for every run of the cases.
    return Row(f"relay-{transport}", about, playing, needs=(needs_coturn,), as_case=False)


ROWS: Final = (_row("udp", "UDP"), _row("tcp", "TCP"), _row("tls", "TLS"))
