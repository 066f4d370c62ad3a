"""The pytest plugin: fixtures from browser to page to packets, and a result for every case.

    stacks, capture          the session's browsers and packet capture
    chromium, firefox        a browser, started
    scene                    one case: its endpoints, its packets, its judgements
    endpoint                 the endpoint under test; a case that asks for it runs on each of --endpoints
    peer                     the reference peer opposite, with its seams
    wire                     the packets of this case
    connect, check           connect two endpoints; judge a condition

A test becomes a case, with a result and a place in the report, by asking for `scene` (or a fixture that needs it) or
by citing a clause. Any other test is left alone.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

# Every pytest run in an environment that has us installed imports this module: what only cases need is imported late.
if TYPE_CHECKING:
    from harness.capture.recording import Capture
    from harness.capture.wire import Wire
    from harness.cases import Connection
    from harness.endpoints.base import Endpoint, Stack
    from harness.endpoints.reference import Reference
    from harness.endpoints.stacks import Stacks
    from harness.record import CaseRecord, RunRecord
    from harness.scene import Scene

_MARKERS: Final = (
    "clause(*ids): the clauses a case judges, by registry id",
    "memory: two machines in virtual time, no sockets",
    "loopback: real sockets on the loopback interface, no browser",
    "browser: a real browser",
)
_LEVELS: Final = frozenset({"memory", "loopback", "browser"})
_ENDPOINTS: Final = ("reference", "chromium", "firefox")

_RECORD: Final = pytest.StashKey["CaseRecord"]()
_RUN: Final = pytest.StashKey["RunRecord"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("peerproof", "WebRTC conformance")
    group.addoption(
        "--endpoints",
        default=",".join(_ENDPOINTS),
        help="the endpoints cases run on, comma-separated; NAME=COMMAND adds a program (default: %(default)s)",
    )
    group.addoption(
        "--report-dir",
        default="reports/latest",
        help="where results, report and artefacts go (default: %(default)s)",
    )
    group.addoption("--strict-should", action="store_true", help="a broken SHOULD is red too")
    group.addoption("--seed", type=int, default=None, help="seed of random messages; drawn and kept when left out")
    group.addoption("--tap", action="store_true", help="capture by the reference peer's account, not by raw sockets")
    group.addoption(
        "--keep",
        choices=("needed", "all", "none"),
        default="needed",
        help="artefacts: SDP and ladder of cases that pass, headers of most packets of cells that pass; all; or none "
        "(default: %(default)s)",
    )
    group.addoption(
        "--shared-network",
        action="store_true",
        help="under -n: workers share the machine's network; else each has a network of its own, where that is allowed",
    )


def pytest_configure(config: pytest.Config) -> None:
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    if config.getoption("dist", "no") != "no":
        from harness import shards

        if shards.is_controller(config):
            directory, cases_folder = _report_directory(config), config.rootpath / "cases"
            controller = shards.Controller(directory, _names(config), config.getoption("--seed"), cases_folder)
            config.pluginmanager.register(controller, "peerproof-shards")


# Which tests are cases, and on what they run


def _names(config: pytest.Config) -> dict[str, str | None]:
    """The endpoints cases run on: name -> command of a program, None for a known stack."""
    from harness.endpoints.stacks import parse_names
    from harness.errors import EndpointError

    try:
        return parse_names(config.getoption("--endpoints"))
    except EndpointError as error:
        raise pytest.UsageError(f"--endpoints: {error}") from error


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "endpoint" in metafunc.fixturenames:
        metafunc.parametrize("endpoint", list(_names(metafunc.config)), indirect=True, scope="function")
    if "cell" in metafunc.fixturenames:
        from harness.matrix.run import cells

        metafunc.parametrize("cell", cells(list(_names(metafunc.config))), ids=lambda cell: "-".join(cell.endpoints))
    if {"row", "cell"} <= set(metafunc.fixturenames):
        from harness.matrix.rows import ROWS

        rows = [row for row in ROWS.values() if row.as_case]
        metafunc.parametrize("row", rows, ids=lambda row: row.name)


def _is_case(item: pytest.Item) -> bool:
    return "scene" in getattr(item, "fixturenames", ()) or item.get_closest_marker("clause") is not None


def _parameter(item: pytest.Item, name: str) -> Any:
    callspec = getattr(item, "callspec", None)
    return None if callspec is None else callspec.params.get(name)


def _under_test(item: pytest.Item) -> str | None:
    name = _parameter(item, "endpoint")
    return name if isinstance(name, str) else None


def _endpoints(item: pytest.Item) -> tuple[str, ...]:
    """Who takes part, by stack; the one under test comes last."""
    if (cell := _parameter(item, "cell")) is not None:
        return tuple(cell.endpoints)
    asked = getattr(item, "fixturenames", ())
    others = ["reference"] if "peer" in asked else []
    others += [name for name in ("chromium", "firefox") if name in asked]
    name = _under_test(item)
    return (*others, name) if name is not None else tuple(others) or ("reference",)


def _case_name(item: pytest.Item) -> str:
    """The node id without the endpoint, which the result names by itself; cells of the matrix are filed as that."""
    if _parameter(item, "cell") is not None:
        from harness.results import matrix_case

        row = _parameter(item, "row")
        return matrix_case(item.name.partition("[")[0] if row is None else row.name)
    name = _under_test(item)
    stem, bracket, parameters = item.nodeid.partition("[")
    if name is None or not bracket:
        return item.nodeid
    parts = parameters.removesuffix("]").split("-")
    parts.remove(name)
    return f"{stem}[{'-'.join(parts)}]" if parts else stem


def _cited(item: pytest.Item) -> tuple[str, ...]:
    # The nearest marker comes first; a case reads from the outside in.
    markers = reversed(list(item.iter_markers("clause")))
    return tuple(dict.fromkeys(identity for marker in markers for identity in marker.args))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    cases = [item for item in items if _is_case(item)]
    if not cases:
        return
    from harness.record import RunRecord

    for item in cases:
        if not any(item.get_closest_marker(level) for level in _LEVELS):
            item.add_marker("browser" if {"chromium", "firefox"} & set(_endpoints(item)) else "loopback")
    told = _told(config)
    run = RunRecord(
        _report_directory(config),
        seed=told["seed"] if told else config.getoption("--seed"),
        strict=config.getoption("--strict-should"),
        cases_folder=config.rootpath / "cases",
    )
    config.stash[_RUN] = run
    run.gate.collect(_case_name(item) for item in cases)
    problems = run.unknown_clauses({item.nodeid: _cited(item) for item in cases})
    if problems:
        raise pytest.UsageError("\n".join(problems))
    if told:
        _settle_in(config, items)


def _report_directory(config: pytest.Config) -> Path:
    directory, told = Path(config.rootpath / config.getoption("--report-dir")), _told(config)
    return directory / told["shard"] if told else directory


def _told(config: pytest.Config) -> dict[str, Any]:
    """What `harness.shards` told this process, where it is a worker of pytest-xdist; else empty."""
    told: dict[str, Any] = getattr(config, "workerinput", {}).get("peerproof", {})
    return told


def _settle_in(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Get a worker ready: no thread, loop or socket is there yet."""
    from harness.net.private import enter_private_network
    from harness.shards import long_ones_first

    long_ones_first(items, _names(config))
    if not config.getoption("--shared-network"):
        enter_private_network()


# A result for every case


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    run = item.config.stash.get(_RUN, None)
    if run is None or not _is_case(item):
        return (yield)
    record = run.begin(_case_name(item), _endpoints(item), _cited(item))
    item.stash[_RECORD] = record
    with record.ledger.active():
        outcome = yield
    run.add(record)
    return outcome


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    run, record = item.config.stash.get(_RUN, None), item.stash.get(_RECORD, None)
    if run is None or record is None:
        return
    reason = run.gate.reason(record.case, record.endpoints)
    if reason:
        from harness.cases import inconclusive

        inconclusive(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report: pytest.TestReport = yield
    record, run = item.stash.get(_RECORD, None), item.config.stash.get(_RUN, None)
    if record is None or run is None:
        return report
    if call.excinfo is not None:
        _note_error(record, call.excinfo)
    elif call.when == "call":
        record.conclude()
    if call.when == "call" or call.excinfo is not None:
        _show_as(report, run, record)
    return report


def _note_error(record: CaseRecord, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    from harness.errors import verdict_of_error
    from harness.verdict import Verdict

    error = excinfo.value
    if isinstance(error, pytest.skip.Exception):
        record.verdict = getattr(error, "verdict", Verdict.INCONCLUSIVE)
    else:
        # pytest-timeout fails a test by this very message.
        timed_out = isinstance(error, pytest.fail.Exception) and str(error).startswith("Timeout")
        record.verdict = Verdict.TIMEOUT if timed_out else verdict_of_error(error)
    # The text of an exception that isn't ours says little without its name: KeyError's is the key.
    named = record.verdict is Verdict.ERROR and not type(error).__module__.startswith("harness")
    record.message = f"{type(error).__name__}: {error}" if named and str(error) else str(error) or type(error).__name__


def _show_as(report: pytest.TestReport, run: RunRecord, record: CaseRecord) -> None:
    """Make pytest's outcome say what the verdict says: red is what is unexpected, and nothing else is."""
    outcome = run.judge(record)
    if outcome.unexpected:
        if report.outcome != "failed":
            report.outcome = "failed"
            report.longrepr = f"{outcome.unexpected}: {record.message}"
        report.sections.append(("verdict", f"{record.verdict.value}: {outcome.unexpected}"))
        report.sections.append(("artefacts", str(run.directory)))
    elif report.outcome == "failed":
        report.outcome = "skipped"
        report.wasxfail = f"{outcome.reason} ({outcome.link})" if outcome.reason else record.verdict.value


def pytest_sessionfinish(session: pytest.Session) -> None:
    run = session.config.stash.get(_RUN, None)
    if run is not None:
        page = run.finish(is_shard=bool(_told(session.config)))
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if page is not None and reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(f"report: {page}")


# The fixtures


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stacks(request: pytest.FixtureRequest) -> AsyncIterator[Stacks]:
    """The browsers of this session, the reference peer and programs; started when first asked for."""
    from harness.endpoints.stacks import Stacks

    async with Stacks(_names(request.config)) as started:
        yield started


@pytest.fixture(scope="session")
def capture(request: pytest.FixtureRequest) -> Iterator[Capture]:
    """How packets are captured in this session."""
    from harness.capture.recording import Capture

    with Capture.open(prefer_tap=request.config.getoption("--tap")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(stacks: Stacks) -> Stack:
    """Chromium, started. An error that says how to install it when it isn't there."""
    return await _started(stacks, "chromium")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def firefox(stacks: Stacks) -> Stack:
    """Firefox, started. An error that says how to install it when it isn't there."""
    return await _started(stacks, "firefox")


async def _started(stacks: Stacks, name: str) -> Stack:
    stack = stacks.get(name)
    await stack.start()
    return stack


@pytest.fixture
def kept_scene() -> Scene | None:
    """A scene that outlives its case, for a module whose cases judge one long conversation: none, unless overridden."""
    return None


@pytest_asyncio.fixture(loop_scope="session")
async def scene(
    request: pytest.FixtureRequest, stacks: Stacks, capture: Capture, kept_scene: Scene | None
) -> AsyncIterator[Scene]:
    """This case: make endpoints with `await scene.endpoint("chromium")`; what it leaves is saved when it ends."""
    from harness.scene import Scene
    from harness.verdict import Verdict

    record, run = request.node.stash[_RECORD], request.config.stash[_RUN]
    made = kept_scene or Scene(stacks, capture, record.ledger)
    made.ledger = record.ledger
    yield made
    if kept_scene is None:
        await made.close()
    run.builds |= stacks.builds
    run.capture = capture.method
    record.facts |= made.facts
    keep = request.config.getoption("--keep")
    if keep != "none":
        is_cell = _parameter(request.node, "cell") is not None
        passed = keep != "all" and not made.broke and record.verdict is Verdict.PASS
        # A pass nobody expected is red.
        brief = passed and not run.judge(record).unexpected
        whole = is_cell or not passed
        record.artefacts = made.save(run.directory, record.case, record.endpoints, whole=whole, brief=brief)
    made.raise_problems()


@pytest_asyncio.fixture(loop_scope="session")
async def endpoint(request: pytest.FixtureRequest, scene: Scene) -> Endpoint:
    """The endpoint under test."""
    return await scene.endpoint(request.param)


@pytest_asyncio.fixture(loop_scope="session")
async def peer(scene: Scene) -> Reference:
    """The reference peer opposite: `await peer.peer_connection(seams=Seams(...))`."""
    from harness.endpoints.reference import Reference

    made = await scene.endpoint("reference")
    if not isinstance(made, Reference):
        raise TypeError("the reference stack makes reference peers")
    return made


@pytest.fixture
def wire(scene: Scene) -> Wire:
    """The packets of this case, to be asserted on."""
    return scene.wire


@pytest.fixture
def connect(scene: Scene) -> Callable[..., Awaitable[Connection]]:
    """`harness.cases.connect`, for this case: `connection = await connect(peer, endpoint)`."""
    from harness.cases import connect as connect_two

    return functools.partial(connect_two, hear=scene.hear)


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of this run's random messages."""
    return request.config.stash[_RUN].seed


@pytest.fixture
def check() -> Callable[..., Any]:
    """`harness.verdict.check`: judge a condition, citing a clause."""
    from harness.verdict import check as judge

    return judge
