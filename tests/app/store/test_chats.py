import pytest

from app.store import chats
from app.store.dashboard import snapshot
from app.store.engine import Database
from protocol.errors import Refusal
from protocol.frames.client import DashboardGet
from tests.app.world import World


async def sidebar(world: World, titles: list[str]) -> str:
    """A user with a chat of each title; the later one stands higher, pairs share a moment."""
    user_id = (await world.guest()).user_id
    for n, title in enumerate(titles):
        project_id = "p" if n % 2 else None
        await chats.create(world.store, user_id, f"c{n}", title=title, project_id=project_id, now=100 + n // 2)
    return user_id


async def found(store: Database, user_id: str, **fields: object) -> list[str]:
    request = DashboardGet(id="get", **fields)  # type: ignore[arg-type]  # any field of the request
    return [chat.chat_id for chat in (await snapshot(store, user_id, request, [])).chats]


@pytest.mark.parametrize("limit", range(1, 9))
async def test_pages_hold_every_chat_once_in_one_order(world: World, limit: int) -> None:
    user_id = await sidebar(world, ["x"] * 7)
    pages: list[str] = []
    cursor = None
    while True:
        page = await snapshot(world.store, user_id, DashboardGet(id="get", limit=limit, cursor=cursor), [])
        assert len(page.chats) <= limit
        pages += [chat.chat_id for chat in page.chats]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert pages == ["c6", "c4", "c5", "c2", "c3", "c0", "c1"]


@pytest.mark.parametrize("cursor", ["", "x", "1", "-1.c", "1" * 17 + ".c", "٣x.c"])
async def test_a_cursor_that_is_not_ours_is_refused(world: World, cursor: str) -> None:
    with pytest.raises(Refusal) as refusal:
        await found(world.store, await sidebar(world, []), cursor=cursor)
    assert refusal.value.error.param == "$.cursor"


async def test_deleted_chats_are_not_shown(world: World) -> None:
    user_id = await sidebar(world, ["x", "y"])
    await world.store.execute("UPDATE chats SET deleted_at = 1 WHERE chat_id = 'c0'")
    assert await found(world.store, user_id) == ["c1"]
    assert (await chats.dashboard(world.store, user_id, ["c0", "c1"])).keys() == {"c1"}
    chat = await chats.get(world.store, user_id, "c0")
    assert chat is not None
    assert chat.deleted


@pytest.mark.parametrize(("source", "takes_it"), [("provisional", True), ("model", False), ("person", False)])
async def test_the_models_title_never_replaces_a_better_one(world: World, source: str, takes_it: bool) -> None:
    user_id = await sidebar(world, ["x"])
    await world.store.execute("UPDATE chats SET title_source = :source", {"source": source})
    assert await chats.entitle(world.store, user_id, "c0", "By the model") is takes_it
    shown = (await chats.dashboard(world.store, user_id, ["c0"]))["c0"]
    assert shown.title == ("By the model" if takes_it else "x")
