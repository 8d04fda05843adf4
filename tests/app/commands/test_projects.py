"""Projects: made, changed and deleted, and what they mean to their chats."""

import asyncio
from typing import Any

import pytest

from app.commands import projects as commands
from app.commands.reply import Caller
from app.store import chats
from app.store.engine import Database
from protocol.errors import Refusal
from protocol.limits import Limits
from tests.app.fakes import ScriptedModel
from tests.app.world import World, opened


async def refused(world: World, caller: Caller, kind: str, **fields: Any) -> tuple[str, str | None]:
    with pytest.raises(Refusal) as refusal:
        await world.run(caller, kind, **fields)
    return refusal.value.code, refusal.value.error.param


async def listed(world: World, caller: Caller) -> list[dict[str, Any]]:
    projects: list[dict[str, Any]] = (await world.run(caller, "dashboard.get")).result["projects"]
    return projects


async def test_a_project_is_created_changed_and_deleted_and_every_step_is_told(world: World) -> None:
    caller = await world.guest()
    first = await world.run(caller, "project.create", projectId="p", title=" My  project ", instructions=" Be brief. ")
    project = {"projectId": "p", "title": "My project", "instructions": "Be brief.", "version": 1}
    assert first.result == {"version": 1}
    assert await listed(world, caller) == [project]
    second = await world.run(caller, "project.update", projectId="p", title="Ours")
    changed = project | {"title": "Ours", "version": 2}
    assert second.result == {"version": 2}
    assert await listed(world, caller) == [changed]
    third = await world.run(caller, "project.delete", projectId="p")
    assert await listed(world, caller) == []
    assert await world.events(caller) == [
        ("project.created", {"projectId": "p", "project": project}),
        ("project.updated", {"projectId": "p", "project": changed}),
        ("project.deleted", {"projectId": "p"} | third.result),
    ]


async def test_a_project_needs_neither_title_nor_instructions(world: World) -> None:
    caller = await world.guest()
    await world.run(caller, "project.create", projectId="p", instructions=" \n")
    assert await listed(world, caller) == [{"projectId": "p", "title": commands.UNTITLED, "version": 1}]
    await world.run(caller, "project.update", projectId="p", instructions="Be brief.")
    await world.run(caller, "project.update", projectId="p", instructions="")
    assert "instructions" not in (await listed(world, caller))[0]


async def test_an_id_used_again_is_newer_than_its_deletion(world: World) -> None:
    caller = await world.guest()
    await world.run(caller, "project.create", projectId="p")
    for n in range(3):
        await world.run(caller, "project.update", projectId="p", title=str(n))
    deleted = (await world.run(caller, "project.delete", projectId="p")).result["version"]
    assert (await world.run(caller, "project.create", projectId="p")).result["version"] > deleted


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("project.create", {"projectId": "p"}, ("message_conflict", "$.projectId")),
        ("project.create", {"projectId": "new", "title": " "}, ("invalid_argument", "$.title")),
        ("project.update", {"projectId": "p"}, ("invalid_argument", "$")),
        ("project.update", {"projectId": "p", "title": ""}, ("invalid_argument", "$.title")),
        ("project.update", {"projectId": "none", "title": "x"}, ("not_found", "$.projectId")),
        ("project.delete", {"projectId": "none"}, ("not_found", "$.projectId")),
    ],
)
async def test_what_cannot_be_done_says_why(
    world: World, kind: str, fields: dict[str, Any], expected: tuple[str, str]
) -> None:
    caller = await world.guest()
    await world.run(caller, "project.create", projectId="p", title="Kept")
    assert await refused(world, caller, kind, **fields) == expected
    assert [project["title"] for project in await listed(world, caller)] == ["Kept"]


async def test_g32_another_users_project_is_unknown(world: World) -> None:
    caller, other = await world.guest(), await world.guest()
    await world.run(caller, "project.create", projectId="p", title="Mine")
    await world.run(other, "chat.create", chatId="c")
    for kind, fields in [
        ("project.update", {"projectId": "p", "title": "x"}),
        ("project.delete", {"projectId": "p"}),
        ("chat.update", {"chatId": "c", "projectId": "p"}),
        ("chat.create", {"chatId": "d", "projectId": "p"}),
    ]:
        assert await refused(world, other, kind, **fields) == ("not_found", "$.projectId")
    await world.run(other, "project.create", projectId="p", title="Theirs")
    assert [project["title"] for project in await listed(world, caller)] == ["Mine"]


@pytest.mark.parametrize("kind", ["project.create", "project.update", "project.delete"])
async def test_g03_a_repeat_answers_the_same_and_does_nothing(world: World, kind: str) -> None:
    caller = await world.guest()
    if kind != "project.create":
        await world.run(caller, "project.create", projectId="p")
    first = await world.run(caller, kind, id="once", projectId="p", title="T")
    told = await world.events(caller)
    again = await world.run(caller, kind, id="once", projectId="p", title="T")
    assert (again.result, again.duplicate) == (first.result, True)
    assert await world.events(caller) == told
    assert (await refused(world, caller, kind, id="once", projectId="p", title="U"))[0] == "idempotency_conflict"


async def test_there_are_not_more_than_a_snapshot_can_hold(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "MOST_PROJECTS", 2)
    caller = await world.guest()
    for n in range(2):
        await world.run(caller, "project.create", projectId=f"p{n}")
    assert (await refused(world, caller, "project.create", projectId="p2"))[0] == "quota_exceeded"


async def test_chats_move_between_projects_and_out_of_them(world: World) -> None:
    caller = await world.guest()
    for project_id in ("p", "q"):
        await world.run(caller, "project.create", projectId=project_id)
    await world.run(caller, "chat.create", chatId="c", projectId="p")
    moves: list[tuple[str | None, str | None]] = [(None, "p"), ("q", "q"), ("", None)]
    for target, expected in moves:
        await world.run(caller, "chat.update", chatId="c", pinned=True, projectId=target)
        chat = (await world.run(caller, "chat.get", chatId="c")).result["chat"]
        assert chat.get("projectId") == expected


async def test_a_deleted_project_leaves_its_chats_without_one_in_one_change(store: Database) -> None:
    async with opened(World(store, limits=Limits(event_log_events=10_000))) as world:
        await _delete_a_project_of_many_chats(world)


async def _delete_a_project_of_many_chats(world: World) -> None:
    caller = await world.guest()
    await world.run(caller, "project.create", projectId="p")
    await world.run(caller, "project.create", projectId="q")
    many = 1_100  # more than one statement reads
    async with world.change(caller) as change:
        for n in range(many):
            await chats.create(change.tx, change.user_id, f"c{n}", title="x", project_id="p", now=n)
        await chats.create(change.tx, change.user_id, "other", title="x", project_id="q", now=0)
    before = len(await world.events(caller))
    await world.run(caller, "project.delete", projectId="p")
    told = (await world.events(caller))[before:]
    assert [name for name, _ in told] == ["chat.updated"] * many + ["project.deleted"]
    assert len({data["chatId"] for _, data in told[:-1]}) == many
    assert not any("projectId" in data["chat"] for _, data in told[:-1])
    kept = (await world.run(caller, "chat.get", chatId="other")).result["chat"]
    assert kept["projectId"] == "q"


async def test_a_projects_instructions_are_the_system_prompt_of_its_chats(world: World) -> None:
    caller = await world.guest()
    model = world.model
    assert isinstance(model, ScriptedModel)
    await world.run(caller, "project.create", projectId="p", instructions="Be brief.")
    await world.answered(caller, "in", projectId="p")
    await world.answered(caller, "out")
    await world.run(caller, "chat.update", chatId="out", projectId="p")
    await world.answered(caller, "out")
    await world.run(caller, "project.update", projectId="p", instructions="Be long.")
    await world.answered(caller, "in")
    await world.run(caller, "project.delete", projectId="p")
    await world.answered(caller, "in")
    assert [prompt.system for prompt in model.prompts] == ["Be brief.", None, "Be brief.", "Be long.", None]


async def test_a_chat_that_enters_a_project_as_it_is_deleted_is_in_none(world: World) -> None:
    caller = await world.guest()
    for n in range(10):
        await world.run(caller, "project.create", projectId="p")
        await asyncio.gather(
            world.run(caller, "project.delete", projectId="p"),
            world.run(caller, "chat.create", chatId=f"c{n}", projectId="p"),
            world.ask(caller, f"s{n}", projectId="p"),
            return_exceptions=True,
        )
    snapshot = (await world.run(caller, "dashboard.get")).result
    assert not any("projectId" in chat for chat in snapshot["chats"])
    await world.quiet()
