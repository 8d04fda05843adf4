"""Guarantee 32 for every command: what is another's does not exist, and is not touched.

A stranger names everything that an owner has, in every place of every frame where an id may stand. Each answer must be
that to an id which nobody ever had, and the owner must not notice. A command that is added without a frame fails here.
"""

import json
from typing import Any

import pytest

from tests.system.owner import Owner
from tests.system.server import ServerProcess
from tests.system.stranger import COMMANDS, FRAMES, Place, Stranger, places, placing, shape, stranger_to
from tests.wire import Frame, Tab, opened


def test_every_command_has_a_frame() -> None:
    assert FRAMES.keys() == COMMANDS.keys()
    named = {kind: set(places(frame)) for kind, frame in COMMANDS.items()}
    assert all(("id",) in named[kind] for kind in COMMANDS.keys() - {"presence.update"})
    assert {("message", "id"), ("chatId",)} < named["message.send"]
    assert {("remove", 0), ("order", 0)} < named["queue.update"]
    assert {("streams", 0, "streamId"), ("events", "epoch")} < named["hello"]


@pytest.mark.parametrize("kind", [kind for kind in COMMANDS if kind != "hello"])
async def test_g32_what_is_anothers_answers_as_what_does_not_exist(owner: Owner, kind: str) -> None:
    async with opened(owner.url) as tab:
        stranger = Stranger(tab)
        await stranger.live()
        answer = await stranger.answer(await stranger.frame(kind))
        assert answer.get("type") != "error", answer
        for place in places(COMMANDS[kind]):
            for name in owner.ids.values():
                got, other = await asked(stranger, kind, place, name), stranger_to(name)
                assert got == await asked(stranger, kind, place, other), (place, name)
        told = json.dumps(tab.frames)
        assert not [secret for secret in owner.secrets() if secret in told]


async def asked(stranger: Stranger, kind: str, place: Place, name: str) -> Any:
    """What a command that names this is answered."""
    return shape(await stranger.answer(placing(await stranger.frame(kind), place, name)), name)


async def test_g32_a_hello_learns_nothing_of_another(owner: Owner) -> None:
    async with opened(owner.url) as tab:
        stranger = Stranger(tab)
        await stranger.live()
        for place in places(COMMANDS["hello"]):
            for name in owner.ids.values():
                got, other = await greeted(stranger, place, name), stranger_to(name)
                assert got["type"] == "welcome"
                assert shape(got, name) == shape(await greeted(stranger, place, other), other), (place, name)
                assert not [secret for secret in owner.secrets() if secret in json.dumps(got)]


async def greeted(stranger: Stranger, place: Place, name: str) -> Frame:
    """What a hello that names this is answered."""
    async with Tab(stranger.tab.url) as tab:
        frame = placing(await stranger.frame("hello"), place, name)
        await tab.send(frame)
        return await tab.until(lambda got: got.get("id") == frame["id"])


async def test_g32_whoever_looks_at_anothers_chat_has_seen_nothing_of_it(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as mine, opened(roomy_server.url) as theirs:
        await theirs.send({"type": "presence.update", "visibility": "visible", "chatId": "chat"})
        await theirs.settled()
        await mine.ended((await mine.ask("chat", options={"tokens": 1}))["streamId"])
        assert (await mine.event("stream.ended"))["data"]["chat"]["unseen"] is True


async def test_g32_anothers_token_refreshes_nothing(owner: Owner) -> None:
    async with opened(owner.url) as tab:
        answer = await tab.refused("auth.refresh", token=owner.token)
        assert answer["code"] == "permission_denied"
        assert (await tab.command("dashboard.get"))["result"]["chats"] == []
