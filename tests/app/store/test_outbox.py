import asyncio

import pytest

from app.clock import Clock
from app.store import chats, events
from app.store.engine import Database
from app.store.outbox import Committed, Outbox
from protocol.errors import Refusal
from tests.app.world import World

CLOCK = Clock(unix=lambda: 1_000.0)


async def told(world: World) -> tuple[str, Outbox, list[Committed]]:
    """A user, and an outbox whose announcements are noted."""
    announced: list[Committed] = []
    return (await world.guest()).user_id, Outbox(world.store, CLOCK, announced.append, keep=3), announced


async def rows(store: Database) -> int:
    return len(await store.fetch_all("SELECT chat_id FROM chats")) + len(
        await store.fetch_all("SELECT name FROM events")
    )


async def test_g20_a_change_takes_the_next_offsets_and_is_announced_behind_its_commit(world: World) -> None:
    user_id, outbox, announced = await told(world)
    async with outbox.change(user_id) as change:
        await chats.create(change.tx, user_id, "c", title="T", project_id=None, now=change.now)
        change.tell("chat.created", source="tab", chat_id="c")
        change.tell("chat.updated", source=None, chat_id="c", extra=None, more=1)
        assert not announced
    async with outbox.change(user_id) as change:
        change.tell("chat.updated", source=None, chat_id="c")
    head = await events.head(world.store, user_id)
    stored = await events.after(world.store, user_id, 0, limit=10)
    assert head is not None
    assert (head.offset, [event.offset for event in stored]) == (3, [1, 2, 3])
    assert announced == [Committed(user_id, stored[:2]), Committed(user_id, stored[2:])]
    assert [event.source_client_id for event in stored] == ["tab", None, None]
    assert all(event.time == 1_000_000 for event in stored)
    assert stored[0].data.startswith('{"chatId":"c","chat":{"chatId":"c","title":"T",')
    assert stored[1].data.endswith(',"more":1}')
    assert '"version":1' in stored[0].data, "all of one change has one version"
    assert '"version":1' in stored[1].data
    assert '"version":2' in stored[2].data


async def test_g24_what_is_undone_is_not_told(world: World) -> None:
    user_id, outbox, announced = await told(world)

    async def fail() -> None:
        async with outbox.change(user_id) as change:
            await chats.create(change.tx, user_id, "c", title="T", project_id=None, now=change.now)
            change.tell("chat.created", source=None, chat_id="c")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert (announced, await rows(world.store)) == ([], 0)


async def test_a_change_without_events_is_not_announced(world: World) -> None:
    user_id, outbox, announced = await told(world)
    async with outbox.change(user_id) as change:
        await chats.create(change.tx, user_id, "c", title="T", project_id=None, now=change.now)
    assert (announced, await rows(world.store)) == ([], 1)


async def test_an_event_about_no_chat_carries_only_its_data(world: World) -> None:
    user_id, outbox, _ = await told(world)
    async with outbox.change(user_id) as change:
        change.tell("project.deleted", source=None, projectId="p", version=3)
        change.tell("chat.deleted", source=None, chat_id="gone", version=4)
    stored = await events.after(world.store, user_id, 0, limit=10)
    assert [event.data for event in stored] == ['{"projectId":"p","version":3}', '{"chatId":"gone","version":4}']


async def test_a_user_who_is_gone_changes_nothing(world: World) -> None:
    _, outbox, _ = await told(world)
    with pytest.raises(Refusal) as refusal:
        async with outbox.change("usr_gone"):
            raise AssertionError("the change began")
    assert refusal.value.code == "session_revoked"


async def test_g20_changes_of_one_user_follow_each_other(world: World) -> None:
    user_id, outbox, announced = await told(world)

    async def change(n: int) -> None:
        async with outbox.change(user_id) as change:
            await asyncio.sleep(0.001 * (n % 3))
            for _ in range(n % 4):
                change.tell("chat.updated", source=f"tab{n}", chat_id="c")

    await asyncio.gather(*(change(n) for n in range(20)))
    offsets = [event.offset for commit in announced for event in commit.events]
    assert offsets == list(range(1, len(offsets) + 1)), "announced in another order than committed"
