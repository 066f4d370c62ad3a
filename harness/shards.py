"""Cases side by side: what the plugin adds where pytest-xdist spreads a run over workers.

Every worker is a run of its own, in a network of its own where that is allowed, with its results in
`<report-dir>/shards/<run>/<worker>`. The controller joins them when all have ended. The cases of a file on one endpoint
go to the same worker, in order: their sanity case is the first of them.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

from harness.report.merge import SHARDS, join
from harness.report.render import write_report

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.workermanage import WorkerController

__all__ = [
    "Controller",
    "is_controller",
    "long_ones_first",
    "scope",
]


def is_controller(config: pytest.Config) -> bool:
    """Whether this process spreads cases over workers."""
    if hasattr(config, "workerinput") or config.getoption("dist") == "no" or config.getoption("collectonly"):
        return False
    cases = config.rootpath / "cases"
    return any((config.invocation_params.dir / arg.partition("::")[0]).is_relative_to(cases) for arg in config.args)


def scope(nodeid: str, names: Collection[str]) -> str:
    """What goes to one worker: the cases of a file on one endpoint (on one pair of them, where a case names two)."""
    file, _, name = nodeid.partition("::")
    parameters = name.partition("[")[2].removesuffix("]").split("-")
    return f"{file}@{'-'.join(each for each in parameters if each in names)}"


def long_ones_first(items: list[pytest.Item], names: Collection[str]) -> None:
    """Put forward what says by a time-out of its own that it may take long, then what is many: begun last, it would be
    waited for alone.

    What goes to one worker together stays together, and in order.
    """
    longest: dict[str, float] = {}
    size = Counter(scope(item.nodeid, names) for item in items)
    for item in items:
        marker = item.get_closest_marker("timeout")
        patience = float(marker.args[0]) if marker is not None and marker.args else 0.0
        unit = scope(item.nodeid, names)
        longest[unit] = max(longest.get(unit, 0.0), patience)

    def place(item: pytest.Item) -> tuple[float, int, str]:
        unit = scope(item.nodeid, names)
        return -longest[unit], -size[unit], unit

    items.sort(key=place)


class _Spread(LoadScopeScheduling):
    """xdist's scheduler of groups, which are taken in the order they were collected in."""

    def __init__(self, config: pytest.Config, log: Producer | None, names: Collection[str]) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False
        self._names = names

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid, self._names)


class Controller:
    """The plugin of the process that spreads cases over workers and joins what they leave."""

    def __init__(self, directory: Path, names: Collection[str], seed: int | None, cases_folder: Path) -> None:
        self._directory = directory
        self._names = names
        self._cases_folder = cases_folder
        self._seed = secrets.randbelow(1 << 32) if seed is None else seed
        self._folder = f"{SHARDS}/{secrets.token_hex(4)}"
        self._began = time.monotonic()

    @pytest.hookimpl
    def pytest_configure_node(self, node: WorkerController) -> None:
        node.workerinput["peerproof"] = {"seed": self._seed, "shard": f"{self._folder}/{node.gateway.id}"}

    @pytest.hookimpl
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
        # Another --dist than the one that -n stands for is somebody's will.
        return _Spread(config, log, self._names) if config.getoption("dist") == "load" else None

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        shards = sorted((self._directory / self._folder).glob("*"))
        if not shards:
            return
        run = join(self._directory, shards, self._cases_folder, duration_s=time.monotonic() - self._began)
        page = write_report(self._directory)
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            for problem in run.problems:
                reporter.write_line(problem, red=True)
            reporter.write_line(f"report: {page}")
