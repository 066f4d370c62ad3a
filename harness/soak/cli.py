"""`python -m harness soak`: channels that open, talk and close at random with each browser, for as long as you like."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from harness.errors import EndpointError
from harness.fuzz.cli import seconds_of
from harness.soak.page import EchoingPage
from harness.soak.run import CHANNELS, Outcome, soak

__all__ = ["soak_command"]

_UNEXPECTED, _COULD_NOT_RUN = 1, 2


def soak_command(
    max_time: Annotated[str, typer.Option(help="How long with each browser: 20s, 10m, 1h.")] = "1h",
    endpoints: Annotated[str, typer.Option(help="Which browsers, comma-separated.")] = "chromium,firefox",
    seed: Annotated[int, typer.Option(help="Seed of sizes, kinds and who closes.")] = 1,
) -> None:
    """Let 200 data channels at a time open, talk and close at random; nothing may be lost, nothing may grow."""
    console = Console()
    sound = True
    try:
        seconds = seconds_of(max_time)
        for browser in endpoints.split(","):
            outcome = asyncio.run(with_browser(browser, seconds, seed))
            console.print(described(outcome), highlight=False)
            sound &= outcome.is_sound
    except (EndpointError, ValueError) as error:
        Console(stderr=True).print(f"[red]could not run:[/] {error}", highlight=False)
        raise typer.Exit(_COULD_NOT_RUN) from None
    if not sound:
        raise typer.Exit(_UNEXPECTED)


async def with_browser(browser: str, seconds: float, seed: int) -> Outcome:
    async with EchoingPage(browser) as page:
        return await soak(browser, page, seconds, seed)


def described(outcome: Outcome) -> str:
    """One line about one browser."""
    verdict = "[green]sound[/]" if outcome.is_sound else "[red]not sound[/]"
    lost = ", ".join(f"{count} at {stage}" for stage, count in outcome.lost.items()) or "nothing"
    unanswered = "".join(f"; came and was not answered: {story}" for story in outcome.unanswered)
    return (
        f"{outcome.name}: {verdict}; {CHANNELS} channels at a time for {outcome.seconds:.0f} s: {outcome.channels} "
        f"lives, {outcome.messages} messages, {outcome.moved / 1e6:.0f} MB; lost: {lost}; left over: {outcome.left}; "
        f"memory {outcome.warm / 2**20:.1f} MiB after the warm-up, {outcome.final / 2**20:.1f} MiB at the end"
        + unanswered
    )
