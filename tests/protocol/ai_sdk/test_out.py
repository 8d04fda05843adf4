"""Chunks and events in, the vendor's frames out."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import Refusal
from protocol.limits import Limits
from protocol.parts.chunks import text_delta
from protocol.parts.fold import Fold
from tests.protocol.ai_sdk.world import Log, World, finish, log, types
from tests.protocol.server.world import FakeEvents


def test_an_answer_is_numbered_from_0_and_ends() -> None:
    world, made = World(), log(words=2)
    world.send()
    assert world.core.follow("r", made) == []
    frames = world.take()
    assert types(frames) == ["start", "chunk", "chunk"], "two deltas come as one"
    assert frames[2]["chunk"] == {"type": "text-delta", "id": "t", "delta": "0 1 "}
    finish(made)
    world.core.touch("s")
    frames += world.take()
    assert types(frames)[3:] == ["chunk", "chunk", "end"]
    assert [frame["sequence"] for frame in frames if frame["type"] == "chunk"] == [0, 1, 2, 3]
    assert {frame["requestId"] for frame in frames} == {"r"}
    assert world.core.take_ended() == [made]
    assert world.close_code is None


@given(st.lists(st.integers(1, 6), max_size=12), st.integers(60, 400))
def test_every_way_to_cut_an_answer_folds_to_the_same(steps: list[int], limit: int) -> None:
    world, made = World(limits=Limits(outbound_bytes=limit)), log(words=0)
    world.send()
    world.core.follow("r", made)
    frames = world.take()
    for step in steps:
        made.extend([text_delta("t", f"{n}, ") for n in range(step)])
        made.publish(made.tail)
        world.core.touch("s")
        frames += world.take()
    finish(made)
    world.core.touch("s")
    frames += world.take()
    chunks = [frame for frame in frames if frame["type"] == "chunk"]
    assert [frame["sequence"] for frame in chunks] == list(range(len(chunks)))
    assert types(frames)[-1] == "end"
    whole = Fold().extend(made.merged())
    assert Fold().extend([frame["chunk"] for frame in chunks]).parts == whole.parts


def test_two_requests_read_one_answer_each_with_its_own_numbers() -> None:
    world, made = World(), log()
    for request_id in ("a", "b"):
        world.resume(request_id)
        world.core.follow(request_id, made)
    finish(made)
    world.core.touch("s")
    frames = world.take()
    for request_id in ("a", "b"):
        mine = [frame for frame in frames if frame["requestId"] == request_id]
        assert types(mine) == ["start", "chunk", "chunk", "chunk", "chunk", "end"]
    assert world.core.take_ended() == [made, made]


def test_an_answer_that_failed_before_its_first_chunk_fails_its_request() -> None:
    world, made = World(), Log("s")
    world.send()
    world.core.follow("r", made)
    finish(made, "failed", error=Refusal("quota_exceeded").error)
    world.core.touch("s")
    assert types(world.take()) == ["start", "error"]


def test_nothing_to_resume_and_a_refusal_end_their_request() -> None:
    world = World()
    world.resume("a")
    world.send("b")
    world.core.nothing("a")
    world.core.refuse("b", Refusal("stream_active").error)
    assert types(world.take()) == ["no-active", "error"]
    assert world.core.follow("a", log()) is None
    world.core.nothing("a")
    assert world.take() == []


def test_a_page_that_has_the_answer_is_sent_nothing() -> None:
    world = World()
    world.send()
    world.core.finish("r")
    assert types(world.take()) == ["start", "end"]


def test_events_ride_on_a_request_of_their_own() -> None:
    world, events = World(), FakeEvents(head=4)
    world.core.follow_events(events, 4)
    assert not world.take()
    events.add()
    [event] = world.take()
    assert (event["type"], event["requestId"], event["offset"]) == ("event", "~events", 5)
    assert world.core.has_events(5)
