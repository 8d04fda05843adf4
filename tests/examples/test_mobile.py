"""The mobile client against a real server, over a link that breaks: whatever happens, it shows what is stored."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import pytest

from protocol.client import Notice
from protocol.frames.server import StreamChunk
from tests.examples.mobile import Phone, SignIn, phone
from tests.fault_proxy import FaultProxy
from tests.system.server import ServerProcess
from tests.wire import call, devices, guest, opened, post

SLOW = {"tokens": 80, "pace": 100}
SHORT = {"tokens": 20, "pace": 0}


class Journey:
    """One phone with its file and a link of its own; its process may die and be started again.

    `shown` holds what any of its lives has shown, by message: the text, and whether that was the end of it.
    """

    def __init__(self, proxy: FaultProxy, file: Path, sign_in: SignIn) -> None:
        self.app: Phone
        self.shown: dict[str, tuple[str, bool]] = {}
        self._proxy, self._file, self._sign_in = proxy, file, sign_in
        self._life = AsyncExitStack()

    async def start(self) -> None:
        url = f"ws://127.0.0.1:{self._proxy.port}/v1/socket"
        self.app = await self._life.enter_async_context(phone(url, self._file, self._sign_in))

    async def die(self) -> None:
        for stream_id, fold in self.app.answers.items():
            ended = stream_id in self.app.ends or self.shown.get(fold.message_id, ("", False))[1]
            self.shown[fold.message_id] = (text(fold.parts), ended)
        await self._life.aclose()

    async def until(self, true: Callable[[Phone], bool]) -> None:
        """Wait until something is true of what the phone shows."""
        async with asyncio.timeout(30):
            while not true(self.app):
                self.app.changed.clear()
                await self.app.changed.wait()


def text(parts: list[dict[str, str]]) -> str:
    return "".join(part["text"] for part in parts if part["type"] == "text")


def letters(app: Phone) -> int:
    return sum(len(text(fold.parts)) for fold in app.answers.values())


async def happen(journey: Journey, proxy: FaultProxy, what: str) -> None:
    if what == "death":
        await journey.die()
        await journey.start()
    elif what == "background":
        journey.app.background()
        journey.app.foreground()
    elif what == "tunnel":
        await proxy.refuse()
        proxy.cut()
        await proxy.admit()
        journey.app.foreground()  # the network is back, says the system
    else:
        proxy.cut()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("mobile") / "data") as server:
        yield server


@pytest.fixture
async def proxy(server: ServerProcess) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(int(server.url.rpartition(":")[2])) as proxy:
        yield proxy


@pytest.fixture
def token(server: ServerProcess) -> str:
    return guest(server.url)


@pytest.fixture
async def journey(proxy: FaultProxy, token: str, tmp_path: Path) -> Journey:
    async def sign_in() -> str:
        return token

    return Journey(proxy, tmp_path / "phone.db", sign_in)


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_it_shows_what_is_stored(
    seed: int, journey: Journey, proxy: FaultProxy, token: str, server: ServerProcess
) -> None:
    random, chats = Random(seed), [f"chat_{number}" for number in range(6)]
    await journey.start()
    for chat in chats:
        journey.app.ask(chat, f"What is {chat}?", options=SLOW)
        for _ in range(random.randrange(1, 4)):
            # At once, while the question is on its way, or some words later.
            goal = letters(journey.app) + random.choice([0, random.randrange(200)])
            await journey.until(lambda app, goal=goal: letters(app) >= goal or app.is_settled)  # type: ignore[misc]
            await happen(journey, proxy, random.choice(["cut", "tunnel", "background", "death"]))
    journey.app.foreground()  # after so many breaks the next try may be seconds away, but somebody looks
    await journey.until(lambda app: app.is_settled)
    await journey.die()
    async with opened(server.url, token) as witness:
        history = {chat: await witness.history(chat) for chat in chats}
    assert [len(messages) for messages in history.values()] == [2] * len(chats), "each was asked once"
    stored = {answer["id"]: text(answer["parts"]) for _, answer in history.values()}
    assert journey.shown.keys() == stored.keys()
    for message_id, (words, has_ended) in journey.shown.items():
        assert stored[message_id] == words if has_ended else stored[message_id].startswith(words)


async def test_the_background_costs_nothing_but_the_rest(
    journey: Journey, token: str, server: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks = list[StreamChunk]()
    show = Phone._show

    def spy(app: Phone, notice: Notice) -> None:
        if isinstance(notice, StreamChunk):
            chunks.append(notice)
        show(app, notice)

    monkeypatch.setattr(Phone, "_show", spy)
    await journey.start()
    async with opened(server.url, token) as witness:
        journey.app.ask("chat", "What is a tide?", options=SLOW)
        await journey.until(lambda app: letters(app) > 20)
        journey.app.background()
        before, stream_id = len(chunks), chunks[0].stream_id
        await witness.event("stream.ended", streamId=stream_id)
        journey.app.foreground()
        await journey.until(lambda app: stream_id in app.ends)
    await journey.die()
    assert [chunk.prev for chunk in chunks].count(0) == 1, "nothing was read twice"
    assert [chunk.prev for chunk in chunks[1:]] == [chunk.seq for chunk in chunks[:-1]]
    assert len(chunks) - before == 1, "what was missed comes merged"


async def test_a_question_asked_offline_outlives_the_process(
    journey: Journey, proxy: FaultProxy, token: str, server: ServerProcess
) -> None:
    await proxy.refuse()
    await journey.start()
    journey.app.ask("chat", "Is anybody there?", options=SHORT)
    await journey.die()
    await journey.start()
    await proxy.admit()
    journey.app.foreground()
    await journey.until(lambda app: app.is_settled)
    await journey.die()
    async with opened(server.url, token) as witness:
        question, answer = await witness.history("chat")
    assert text(question["parts"]) == "Is anybody there?"
    assert journey.shown == {answer["id"]: (text(answer["parts"]), True)}


async def test_a_token_that_expires_is_replaced_on_the_live_socket(
    proxy: FaultProxy, tmp_path: Path, server: ServerProcess
) -> None:
    session = devices(server.url)["phone"]
    given = list[str]()

    async def sign_in() -> str:
        # The first one is about to expire; the server says so a minute ahead.
        lives = 60_300 if not given else 3_600_000
        wanted = {"name": "phone", "expiresAt": time.time_ns() // 1_000_000 + lives}
        made = await asyncio.to_thread(post, server.url, "/v1/auth/tokens", wanted, authorization=f"Bearer {session}")
        given.append(made["tokenId"])
        return str(made["token"])

    journey = Journey(proxy, tmp_path / "phone.db", sign_in)
    await journey.start()
    async with asyncio.timeout(20):
        while len(given) < 2:
            journey.app.changed.clear()
            await journey.app.changed.wait()
    journey.app.ask("chat", "Who am I?", options=SHORT)  # answered in order: behind the refresh
    await journey.until(lambda app: app.is_settled)
    # The old token ends, and the socket it opened lives on.
    assert call(server.url, "DELETE", f"/v1/auth/tokens/{given[0]}", session)[0] == 200
    journey.app.ask("chat", "Still there?", options=SHORT)
    await journey.until(lambda app: app.is_settled)
    assert proxy.accepted == 1
    await journey.die()


async def test_a_token_that_is_refused_is_said(proxy: FaultProxy, tmp_path: Path) -> None:
    async def sign_in() -> str:
        return "nobody"

    journey = Journey(proxy, tmp_path / "phone.db", sign_in)
    await journey.start()
    await journey.until(lambda app: app.signed_out is not None)
    assert journey.app.signed_out is not None
    assert journey.app.signed_out.code == 4401
    await journey.die()
