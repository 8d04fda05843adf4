"""The dashboard's laws, for every history."""

import random

from hypothesis import given
from hypothesis import strategies as st

from protocol.client import Dashboard
from tests.protocol.client.peer import World

Changes = list[tuple[str, int, str]]
HISTORY = st.lists(
    st.tuples(
        st.sampled_from(["chat", "delete", "project", "unseen", "seen"]), st.integers(1, 6), st.text("ab", max_size=2)
    ),
    max_size=30,
)


def live(world: World, history: Changes) -> None:
    for verb, number, title in history:
        if verb == "chat":
            world.chat(f"c{number}", title=title)
        elif verb == "project":
            world.project(f"p{number}", title)
        elif f"c{number}" in world.chats:
            if verb == "delete":
                world.delete_chat(f"c{number}")
            else:
                world.mark(f"c{number}", unseen=verb == "unseen")


def state(dashboard: Dashboard) -> object:
    return dashboard.chats, dashboard.projects


@given(HISTORY, HISTORY, st.integers(0, 30))
def test_g22_snapshot_and_later_events_equal_a_fresh_snapshot(before: Changes, after: Changes, overlap: int) -> None:
    world = World()
    live(world, before)
    kept, fresh = Dashboard(), Dashboard()
    # The position of a snapshot is read before its data: some of its later events may be in it already.
    position = len(world.events)
    live(world, after[:overlap])
    kept.replace(world.snapshot())
    live(world, after[overlap:])
    for event in world.events[position:]:
        kept.apply(event)
    fresh.replace(world.snapshot())
    assert state(kept) == state(fresh)


@given(HISTORY, st.randoms(use_true_random=False))
def test_g22_events_applied_twice_or_late_change_nothing(history: Changes, rng: random.Random) -> None:
    world = World()
    once, again = Dashboard(), Dashboard()
    live(world, history)
    for event in world.events:
        once.apply(event)
        again.apply(event)
        again.apply(rng.choice(world.events[: event.offset]))
    assert state(once) == state(again)


@given(HISTORY, HISTORY, st.integers(1, 3))
def test_g22_a_page_with_events_is_the_top_of_the_fresh_list(before: Changes, after: Changes, size: int) -> None:
    world = World(page=size)
    live(world, before)
    kept, fresh = Dashboard(), Dashboard()
    kept.replace(world.snapshot())
    seen = len(world.events)
    live(world, after)
    for event in world.events[seen:]:
        kept.apply(event)
    fresh.replace(World.snapshot(world, limit=100))
    assert kept.chats == fresh.chats[: len(kept.chats)]
    assert kept.more or kept.chats == fresh.chats


@given(HISTORY, HISTORY, st.integers(1, 3))
def test_g22_pages_read_one_by_one_make_the_whole(before: Changes, between: Changes, size: int) -> None:
    world = World(page=size)
    live(world, before)
    kept, fresh = Dashboard(), Dashboard()
    kept.replace(world.snapshot())
    seen = len(world.events)
    first = True
    while kept.cursor is not None:
        kept.extend(world.snapshot(kept.cursor))
        if first:
            live(world, [change for change in between if change[0] != "delete"])
            first = False
        for event in world.events[seen:]:
            kept.apply(event)
    fresh.replace(World.snapshot(world, limit=100))
    if first:
        assert kept.chats == fresh.chats
    else:
        assert {chat.chat_id for chat in kept.chats} == {chat.chat_id for chat in fresh.chats}
        assert state(kept) == state(fresh)


def test_late_page_does_not_bring_back_what_was_deleted() -> None:
    world = World()
    world.chat("c1")
    old = world.snapshot()
    world.delete_chat("c1")
    dashboard = Dashboard()
    for event in world.events:
        dashboard.apply(event)
    dashboard.extend(old)
    assert dashboard.chats == []


def test_old_deletion_does_not_touch_a_newer_version() -> None:
    world = World()
    world.chat("c1")
    world.delete_chat("c1")
    world.chat("c1")
    dashboard = Dashboard()
    for event in [*world.events, world.events[1]]:
        dashboard.apply(event)
    assert [chat.version for chat in dashboard.chats] == [3]
