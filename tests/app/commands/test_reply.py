"""Room: a connection follows a limited number of streams, and what it may not follow has no effect."""

from dataclasses import replace

import pytest

from protocol.errors import Refusal
from tests.app.world import World, sending


async def test_a_send_that_could_not_be_followed_has_no_effect(world: World) -> None:
    caller = replace(await world.guest(), may_follow=lambda _stream_id: False)
    with pytest.raises(Refusal, match="follows as many streams as it can"):
        await world.run(caller, "message.send", **sending())
    assert await world.events(caller) == []


async def test_a_send_that_wants_no_subscription_needs_no_room(world: World) -> None:
    caller = replace(await world.guest(), may_follow=lambda _stream_id: False)
    reply = await world.run(caller, "message.send", **sending(), subscribe=False)
    assert reply.result["status"] == "streaming"


async def test_g03_a_repeat_answers_the_same_where_there_is_no_room_left(world: World) -> None:
    caller, fields = await world.guest(), sending()
    first = await world.run(caller, "message.send", id="once", **fields)
    full = replace(caller, may_follow=lambda stream_id: stream_id == "another")
    again = await world.run(full, "message.send", id="once", **fields)
    assert (again.result, again.duplicate) == (first.result, True)
    assert again.subscribe is None
