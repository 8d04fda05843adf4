"""Fixtures of the system tests: a real server, shared where a test does not hurt it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize

from tests.system.abuse import SECRET
from tests.system.browser import ORIGIN, ScriptedServer, launched_chromium, sign_in
from tests.system.owner import Owner
from tests.system.server import ServerProcess
from tests.wire import Tab, opened

DESKTOP = ViewportSize(width=1280, height=800)


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server for tests that make a user of their own and hurt nobody."""
    with ServerProcess(tmp_path_factory.mktemp("shared") / "data") as server:
        yield server


@pytest.fixture(scope="session")
def roomy_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A shared server that takes as many commands as a test can send, and ticks as often as it can."""
    roomy = {
        "LIMIT_COMMANDS_PER_SECOND": "100000",
        "LIMIT_COMMAND_BURST": "100000",
        "LIMIT_GENERATIONS_PER_MINUTE": "100000",
        "STREAM_FLUSH_MS": "0",
    }
    with ServerProcess(tmp_path_factory.mktemp("roomy") / "data", **roomy) as server:
        yield server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server of one's own, to be killed, drained and restarted."""
    with ServerProcess(tmp_path / "data") as process:
        yield process


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for the tests of one file: its driver runs an event loop, which async tests elsewhere must not meet."""
    with launched_chromium() as browser:
        yield browser


@pytest.fixture
def visitor(chromium: Browser, shared_server: ServerProcess) -> Iterator[BrowserContext]:
    """Somebody's browser at the shared server, which makes them a guest."""
    context = chromium.new_context(base_url=shared_server.url, viewport=DESKTOP)
    yield context
    context.close()


@pytest.fixture
def device(chromium: Browser, shared_server: ServerProcess, visitor: BrowserContext) -> Iterator[BrowserContext]:
    """Another device of the visitor's: signed in to the same account, and nothing else in common."""
    context = chromium.new_context(base_url=shared_server.url, viewport=DESKTOP)
    sign_in(shared_server.url, visitor, context)
    yield context
    context.close()


@pytest.fixture(params=["second tab", "another device"])
def beside(request: pytest.FixtureRequest, visitor: BrowserContext) -> BrowserContext:
    """Where the visitor looks on: in a second tab of the same browser, or on another device."""
    if request.param == "second tab":
        return visitor
    device: BrowserContext = request.getfixturevalue("device")
    return device


@pytest.fixture
def scripted(chromium: Browser) -> Iterator[ScriptedServer]:
    """A page whose server the test is; it may not fail."""
    context = chromium.new_context(base_url=ORIGIN, viewport=DESKTOP)
    server = ScriptedServer(context.new_page())
    yield server
    assert server.faults == []
    context.close()


@pytest.fixture
async def owner(roomy_server: ServerProcess) -> AsyncIterator[Owner]:
    """Somebody with something of everything, to whom nothing may happen while the test runs."""
    owner = Owner(roomy_server.url)
    async with owner.tab:
        await owner.live()
        before, told = await owner.state(), len(owner.told())
        yield owner
        assert await owner.state() == before
        assert owner.told()[told:] == []


@pytest.fixture(scope="module")
def abused(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that logs as much as it can; read at the end."""
    with ServerProcess(tmp_path_factory.mktemp("abused") / "data", LOG_LEVEL="debug") as server:
        yield server
        assert "Traceback" not in server.log
        assert "ERROR" not in server.log
        assert SECRET not in server.log
        assert "tws_" not in server.log


@pytest.fixture
async def neighbour(abused: ServerProcess) -> AsyncIterator[Tab]:
    """Somebody whose answer streams meanwhile: every token must come, and what is asked must be answered."""
    async with opened(abused.url) as tab:
        stream_id = (await tab.ask("chat", SECRET, options={"tokens": 100_000, "pace": 200}))["streamId"]
        await tab.reached(stream_id, 5)
        yield tab
        await tab.reached(stream_id, tab.streams[stream_id].last + 1)
        await tab.command("stream.stop", streamId=stream_id)
        end = await tab.ended(stream_id)
        assert end["seq"] == tab.streams[stream_id].last
        assert tab.streams[stream_id].fold.message() == (await tab.history("chat"))[-1]
