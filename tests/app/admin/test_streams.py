"""`tidewire streams` over the database of a node that runs: what it writes down, the node obeys."""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.admin import desk, streams
from app.rounds import Round
from app.store.engine import Database
from app.streams.waiting import Waiting
from app.tasks import Crew
from protocol.limits import Limits
from tests.app.world import Held, World, opened


@pytest.fixture
def admin(store: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let admin commands find the database of the node under test."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'tidewire.db'}")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setattr(streams, "PATIENCE", 3.0)
    monkeypatch.setattr(streams, "LOOK_EVERY", 0.01)


@asynccontextmanager
async def rounds(world: World) -> AsyncIterator[None]:
    """The node's rounds, quicker than a second."""
    waiting = Waiting(world.store, world.registry)
    crew = Crew("rounds")
    for work in (world.ownership.look, waiting.look):
        crew.start(Round(work.__qualname__, 0.01, work).run(), name=work.__qualname__)
    yield
    await crew.close()


async def run(*words: str) -> int:
    """Run a command line as another process would: in a thread with a loop of its own."""
    parser = argparse.ArgumentParser(prog="tidewire streams")
    streams.add_arguments(parser)
    parser.set_defaults(run=streams.command)
    options = parser.parse_args(words)
    return await asyncio.to_thread(options.run, options)


async def test_the_list_names_everything_that_has_not_ended(
    world: World, admin: None, capsys: pytest.CaptureFixture[str]
) -> None:
    caller = await world.guest()
    await world.answered(caller, "done")
    world.model.script = Held()
    running = await world.ask(caller, text="a secret")
    waiting = await world.ask(caller, text="another secret", ifActive="queue")
    assert await run() == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["stream", "user", "chat", "model", "status", "node", "since", "(UTC)", "age"]
    assert [row.split()[:6] for row in rows] == [
        [running["streamId"], caller.user_id, "c", "scripted", "streaming", "n"],
        [waiting["streamId"], caller.user_id, "c", "scripted", "queued", "-"],
    ]
    assert "secret" not in "".join(rows)


async def test_one_stream_is_stopped_as_a_person_stops_it(
    world: World, admin: None, capsys: pytest.CaptureFixture[str]
) -> None:
    caller = await world.guest()
    world.model.script = Held()
    first, other = await world.ask(caller), await world.ask(caller, "another")
    await world.ask(caller, text="Two", ifActive="queue")
    async with rounds(world):
        assert await run("stop", first["streamId"]) == 0
    assert capsys.readouterr().out == f"{first['streamId']} stopped\n"
    answer = (await world.history(caller))[-1]
    assert (answer["metadata"]["status"], answer["parts"][-1]["text"]) == ("stopped", "so far")
    chat = (await world.run(caller, "chat.get", chatId="c")).result["chat"]
    assert (chat["queuePaused"], [queued["text"] for queued in chat["queue"]]) == (True, ["Two"])
    assert (await world.row(caller, other["streamId"])).status == "streaming"
    names = [name for name, data in await world.events(caller) if data["chatId"] == "c"]
    assert names[-2:] == ["chat.updated", "stream.ended"], "what changed was not told"


async def test_a_waiting_stream_is_withdrawn(world: World, admin: None, capsys: pytest.CaptureFixture[str]) -> None:
    caller = await world.guest()
    world.model.script = Held()
    await world.ask(caller)
    waiting = await world.ask(caller, ifActive="queue")
    async with rounds(world):
        assert await run("stop", waiting["streamId"]) == 0
        assert (await world.ended(waiting["streamId"])).status == "stopped"
    assert capsys.readouterr().out == f"{waiting['streamId']} stopped\n"
    assert "queue" not in (await world.run(caller, "chat.get", chatId="c")).result["chat"]


@pytest.mark.parametrize("everybody", [False, True])
async def test_all_of_a_user_or_of_everybody_end_and_what_waits_is_held_up(
    world: World, admin: None, everybody: bool
) -> None:
    caller, other = await world.guest(), await world.guest()
    world.model.script = held = Held()
    for chat_id in ("a", "b"):
        await world.ask(caller, chat_id)
        await world.ask(caller, chat_id, ifActive="queue")
    theirs = await world.ask(other)
    async with rounds(world):
        assert await run("stop", *(["--all"] if everybody else ["--user", caller.user_id])) == 0
        await world.quiet() if everybody else None
    chats = (await world.run(caller, "dashboard.get")).result["chats"]
    assert [(chat["lastStatus"], chat["queuePaused"], len(chat["queue"])) for chat in chats] == [
        ("stopped", True, 1)
    ] * 2
    assert (await world.row(other, theirs["streamId"])).status == ("stopped" if everybody else "streaming")
    assert held.started == 3, "what waited has begun"


async def test_what_waits_for_room_does_not_begin_because_the_others_end(store: Database, admin: None) -> None:
    async with opened(World(store, limits=Limits(generations_at_once=1))) as world:
        caller = await world.guest()
        world.model.script = held = Held()
        await world.ask(caller, "a")
        await world.ask(caller, "b")  # waits for the first, of another chat
        async with rounds(world):
            assert await run("stop", "--all") == 0
            await world.quiet()
        assert held.started == 1


async def test_a_stop_that_nobody_obeys_says_so_and_stays(
    world: World, admin: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(streams, "PATIENCE", 0.1)
    caller = await world.guest()
    world.model.script = Held()
    stream_id = (await world.ask(caller))["streamId"]
    await world.store.execute("UPDATE streams SET node = 'dead'")
    assert await run("stop", stream_id) == 1
    assert capsys.readouterr().err.startswith(f"tidewire: {stream_id}: the stop is written down, but no node has")
    assert (await world.row(caller, stream_id)).status == "stopping"
    assert await run("stop", "--all") == 1, "a second one is as good"


async def test_what_is_not_running_cannot_be_stopped(
    world: World, admin: None, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = await world.answered(await world.guest())
    for unknown in (stream.stream_id, "str_nothing"):
        assert await run("stop", unknown) == 1
        assert capsys.readouterr().err == (
            f"tidewire: No stream {unknown} is running or waiting; `tidewire streams` lists those that are.\n"
        )
    assert await run("stop", "--all") == await run("stop", "--user", "usr_nothing") == 0


@pytest.mark.parametrize("words", [["stop"], ["stop", "s", "--all"], ["stop", "--user", "u", "--all"], ["start"]])
async def test_a_stop_says_what(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        await run(*words)
    assert "usage: tidewire streams" in capsys.readouterr().err


def test_a_server_that_never_ran_has_no_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "nothing"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert streams.command(argparse.Namespace()) == 1
    assert "tidewire migrate" in capsys.readouterr().err
    assert not (tmp_path / "nothing").exists(), "a look made a folder"


def test_numbers_stand_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    desk.show(("name", "count"), [("a", 1), ("long name", 12_345)])
    assert capsys.readouterr().out == "name        count\na               1\nlong name  12,345\n"
