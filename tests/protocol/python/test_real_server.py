"""The SDK against the real server, over everything that happens to sockets and servers."""

import asyncio
import contextlib
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import tidewire
from tidewire.transport import Socket, WebSocketTransport

from tests.app.files import PNG
from tests.system.server import ServerProcess

pytestmark = pytest.mark.slow


class Scissors:
    """Opens real sockets and cuts them."""

    def __init__(self) -> None:
        self.open = tidewire.connector()
        self.last: WebSocketTransport | None = None
        self.cuts = 0

    async def __call__(self, url: str) -> Socket:
        socket = await self.open(url)
        assert isinstance(socket, WebSocketTransport)
        self.last = socket
        return socket

    def cut(self) -> None:
        if self.last is not None:
            self.last._connection.transport.abort()
            self.cuts += 1
            self.last = None


class Soon(random.SystemRandom):
    """Hardly any jitter: nobody waits in a test."""

    def random(self) -> float:
        return 0.02


def connect(server: ServerProcess, **options: Any) -> tidewire.Client:
    return tidewire.connect(server.url, random=Soon(), **options)


@contextlib.asynccontextmanager
async def served(tmp_path: Path, **env: str) -> AsyncIterator[ServerProcess]:
    server = await asyncio.to_thread(ServerProcess(tmp_path / "data", **env).start)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.kill)


async def same_as_stored(client: tidewire.Client, answer: tidewire.Answer) -> tidewire.Finished:
    """The answer is shown to its end exactly as it is stored."""
    done = await answer.finished()
    assert answer.chat_id is not None
    stored = await client.message(answer.chat_id, done.message["id"])
    assert stored is not None
    assert done.message["parts"] == stored["parts"]
    assert done.status == stored["metadata"]["status"]
    return done


async def test_files_are_uploaded_and_sent(tmp_path: Path) -> None:
    path = tmp_path / "Ebbe & Flut.md"
    path.write_text("drei kurze Wörter")
    async with served(tmp_path) as server, connect(server) as client:
        text, picture = await client.upload(path), await client.upload(PNG, filename="sea.png")
        assert (text.filename, text.media_type, text.size) == ("Ebbe & Flut.md", "text/markdown", 18)
        assert (await client.upload(b"{}", filename="x.json")).media_type == "text/plain"
        assert await client.upload(str(path)) == text
        chat_id = client.new_id()
        answer = await client.send(chat_id, "Which words?", files=[text, picture], options={"pace": 0})
        done = await same_as_stored(client, answer)
        assert "sea.png`: image/png" in tidewire.text_of(done.message)
        assert answer.user_message_id is not None
        question = await client.message(chat_id, answer.user_message_id)
        assert question is not None
        assert question["parts"] == [text.part, picture.part, {"type": "text", "text": "Which words?"}]
        alone = await client.edit(chat_id, answer.user_message_id, files=[picture], options={"pace": 0})
        await same_as_stored(client, alone)
        with pytest.raises(tidewire.CommandRefused) as refused:
            await client.upload(b"PK\x03\x04\x00", filename="archive.zip")
        assert (refused.value.error.code, refused.value.error.param) == ("content_refused", "content-type")
        with pytest.raises(FileNotFoundError):
            await client.upload(tmp_path / "nothing")
        async with connect(server) as stranger:
            with pytest.raises(tidewire.CommandRefused, match="not_found"):
                await stranger.send(client.new_id(), files=[text])


async def test_a_fresh_token_uploads(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        session = await tidewire.guest_session(server.url)

        async def fresh() -> str:
            return session.token

        async with connect(server, token=fresh) as client:
            assert (await client.upload(PNG)).filename == "file.png"


async def test_g05_cut_sockets_cost_nothing(tmp_path: Path) -> None:
    scissors = Scissors()
    async with served(tmp_path) as server, connect(server, connector=scissors) as client:
        options = {"tokens": 300, "pace": 100}
        answers = [await client.send(client.new_id(), "Why?", options=options) for _ in range(3)]
        reading = asyncio.create_task(_read(answers[0]))
        while not all(answer.status == "completed" for answer in answers):
            await asyncio.sleep(0.15)
            scissors.cut()
        done = [await same_as_stored(client, answer) for answer in answers]
        assert await reading == done[0].text
    assert scissors.cuts > 3


async def _read(answer: tidewire.Answer) -> str:
    return "".join([piece async for piece in answer.text()])


async def test_g30_draining_server_finishes_and_its_successor_goes_on(tmp_path: Path) -> None:
    async with served(tmp_path, DRAIN_SECONDS="20") as server, connect(server) as client:
        answer = await client.send("chat_1", "Why?", options={"tokens": 100, "pace": 100})
        server.signal(signal.SIGTERM)
        assert (await answer.finished()).status == "completed"
        await asyncio.to_thread(server.wait)
        await asyncio.to_thread(server.start)
        await same_as_stored(client, answer)
        again = await client.send("chat_1", "And then?", options={"tokens": 5})
        await same_as_stored(client, again)
        assert [chat.chat_id for chat in client.dashboard.chats] == ["chat_1"]


async def test_g19b_killed_server_has_kept_everything_that_was_shown(tmp_path: Path) -> None:
    async with served(tmp_path) as server, connect(server) as client:
        answer = await client.send("chat_1", "Why?", options={"tokens": 1000, "pace": 100})
        shown = ""
        async for piece in answer.text():
            shown += piece
            if len(shown) > 100:
                break
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        done = await same_as_stored(client, answer)
        assert done.status == "interrupted"
        assert done.error is not None
        assert done.error.retryable
        assert done.text.startswith(shown)
        after = await client.send("chat_1", "And now?", options={"tokens": 1000})
        await after.stop()
        assert (await same_as_stored(client, after)).status == "stopped"


async def test_g22_dashboard_of_every_device_equals_a_fresh_one(tmp_path: Path) -> None:
    scissors, changed = Scissors(), asyncio.Event()
    watch: dict[str, Any] = {"observer": lambda _notice: changed.set()}
    async with (
        served(tmp_path) as server,
        connect(server, **watch) as phone,
        connect(server, token=phone.token, connector=scissors, **watch) as desk,
    ):
        for number in range(4):
            answer = await phone.send(f"chat_{number % 3}", "Why?", options={"tokens": 3})
            scissors.cut()
            await answer.finished()
        async with connect(server, token=phone.token, **watch) as fresh, asyncio.timeout(10):
            while not phone.dashboard.chats == desk.dashboard.chats == fresh.dashboard.chats:
                changed.clear()
                await changed.wait()
            assert len(fresh.dashboard.chats) == 3
    assert scissors.cuts > 0


async def test_chats_and_projects_are_created_changed_and_deleted(tmp_path: Path) -> None:
    async with served(tmp_path) as server, connect(server) as client, asyncio.timeout(20):
        project_id = await client.create_project("Ours", instructions="Be brief.")
        chat_id = await client.create_chat(title="One", project_id=project_id)
        await client.update_chat(chat_id, title="Two", pinned=True)
        await client.update_project(project_id, title="Theirs", instructions="")
        assert [chat.chat_id for chat in (await client.search("TW")).chats] == [chat_id]
        assert (await client.search("one")).chats == []
        answer = await client.send(chat_id, "Why?", options={"tokens": 2_000, "pace": 100})
        async with connect(server, token=client.token) as fresh:
            chat, project = fresh.dashboard.chat(chat_id), fresh.dashboard.project(project_id)
            assert chat is not None
            assert project is not None
            assert (chat.title, chat.pinned, chat.project_id) == ("Two", True, project_id)
            assert (project.title, project.instructions) == ("Theirs", None)
        await client.update_chat(chat_id, project_id="")
        await client.delete_project(project_id)
        await client.delete_chat(chat_id)
        assert (await answer.finished()).status == "stopped"
        async with connect(server, token=client.token) as fresh:
            assert (fresh.dashboard.chats, fresh.dashboard.projects) == ([], [])
        with pytest.raises(tidewire.CommandRefused, match="no such chat"):
            await client.chat(chat_id)


async def test_versions_are_made_and_chosen(tmp_path: Path) -> None:
    async with served(tmp_path) as server, connect(server) as client:
        stopped = await client.send("chat_1", "Why?", options={"tokens": 1000, "pace": 20})
        await stopped.stop()
        first = await same_as_stored(client, stopped)
        assert first.status == "stopped"
        second = await same_as_stored(client, await client.retry("chat_1"))
        third = await same_as_stored(client, await client.regenerate("chat_1", options={"tokens": 5}))
        ids = [done.message["id"] for done in (first, second, third)]
        assert third.message["metadata"]["versions"] == {"index": 2, "ids": ids}
        question = (await client.chat("chat_1")).messages[0]
        edited = await client.edit("chat_1", question["id"], "How?", options={"tokens": 5})
        await same_as_stored(client, edited)
        await client.select("chat_1", ids[0])
        page = await client.chat("chat_1")
        assert [message["id"] for message in page.messages] == [question["id"], ids[0]]
        with pytest.raises(tidewire.CommandRefused, match="not_found"):
            await client.select("chat_1", "none")


async def test_queue_is_arranged(tmp_path: Path) -> None:
    async with served(tmp_path) as server, connect(server) as client:
        running = await client.send("chat_1", "Why?", options={"tokens": 1000, "pace": 20})
        names = ("one", "two", "three")
        waiting = {
            name: await client.send("chat_1", name, options={"tokens": 5}, if_active="queue", command_id=name)
            for name in names
        }
        await client.update_queue("chat_1", remove=["one"], order=["three"])
        assert [queued.text for queued in (await client.chat("chat_1")).chat.queue or []] == ["three", "two"]
        await running.stop()
        await client.update_queue("chat_1", paused=False)
        assert (await waiting["one"].finished()).status == "stopped"
        for name in ("three", "two"):
            await same_as_stored(client, waiting[name])
        asked = [message for message in (await client.chat("chat_1")).messages if message["role"] == "user"]
        assert [message["parts"][0]["text"] for message in asked] == ["Why?", "three", "two"]


async def test_foreign_and_unknown_tokens_are_refused(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        with pytest.raises(tidewire.ConnectionStopped, match="4401"):
            async with connect(server, token="nonsense"):
                pytest.fail("entered")


async def test_g26_what_is_seen_on_one_device_is_seen_on_every_device(tmp_path: Path) -> None:
    scissors, changed = Scissors(), asyncio.Event()
    watch: dict[str, Any] = {"observer": lambda _notice: changed.set()}
    async with (
        served(tmp_path) as server,
        connect(server, connector=scissors, capabilities=("status",), **watch) as phone,
        connect(server, token=phone.token, **watch) as desk,
        asyncio.timeout(30),
    ):

        async def both_say(*, unseen: bool) -> None:
            while any((chat := one.dashboard.chat("chat_1")) is None or chat.unseen != unseen for one in (phone, desk)):
                changed.clear()
                await changed.wait()

        assert phone.welcome is not None
        assert phone.welcome.capabilities == ["status"]
        phone.presence("visible", "chat_1")
        scissors.cut()
        await (await phone.send("chat_1", "Why?", options={"tokens": 3})).finished()
        await both_say(unseen=False)
        phone.presence("hidden", "chat_1")
        answer = await desk.send("chat_1", "And when nobody looks?", options={"tokens": 30, "pace": 100})
        done = await phone.follow(answer.stream_id).finished()
        assert done.message == (await answer.finished()).message
        await both_say(unseen=True)
        assert answer.message_id is not None
        await phone.seen("chat_1", answer.message_id)
        await both_say(unseen=False)


async def waiting(answer: tidewire.Answer, kind: str) -> dict[str, Any]:
    """Wait for a chunk of this kind."""
    async for chunk in answer.chunks():
        if chunk["type"] == kind:
            return chunk
    raise AssertionError(f"No {kind} came.")


async def test_tools_are_approved_denied_and_answered(tmp_path: Path) -> None:
    async with served(tmp_path) as server, connect(server, capabilities=("tools",)) as client:
        assert client.welcome is not None
        assert client.welcome.capabilities == ["tools"]
        async with connect(server, token=client.token) as other:
            asking = {"tool": "search_chats", "pace": 0}
            for decide, state in ((other.approve, "output-available"), (other.deny, "output-denied")):
                answer = await client.send(client.new_id(), "Tide?", options=asking)
                request = await waiting(answer, "tool-approval-request")
                assert client.dashboard.chats[0].awaiting_approval
                await decide(answer.stream_id, request["approvalId"], reason="Because.")
                done = await same_as_stored(client, answer)
                assert done.message["parts"][1]["state"] == state
                assert done.message["parts"][1]["approval"]["reason"] == "Because."
            outputs: list[dict[str, Any]] = [{"output": {"choice": "This"}}, {"error_text": "Closed."}]
            for output, state in zip(outputs, ("output-available", "output-error"), strict=True):
                answer = await client.send(client.new_id(), "Tide?", options={"tool": "ask_person", "pace": 0})
                call = await waiting(answer, "tool-input-available")
                await other.tool_output(answer.stream_id, call["toolCallId"], **output)
                done = await same_as_stored(client, answer)
                assert done.message["parts"][1]["state"] == state
