import pytest

from app.commands.reply import Caller
from app.realtime.feed import Feed
from protocol.errors import Refusal
from tests.app.fakes import Tab
from tests.app.world import World


async def joined(world: World, caller: Caller) -> Feed:
    return await world.hub.join(caller.user_id, Tab())


async def test_a_snapshot_has_a_position_and_the_models(world: World) -> None:
    caller = await world.guest()
    await world.answered(caller)
    await world.quiet()
    result = (await world.run(caller, "dashboard.get")).result
    assert result["offset"] == len(await world.events(caller))
    assert result["epoch"].startswith("ep_")
    assert result["models"] == [{"id": "scripted", "label": "Scripted", "default": True}]
    assert [chat["chatId"] for chat in result["chats"]] == ["c"]


async def test_g21_a_resume_follows_from_the_position_and_its_ack_names_the_head(world: World) -> None:
    caller = await world.guest()
    feed = await joined(world, caller)
    await world.answered(caller)
    await world.quiet()
    reply = await world.run(caller, "events.resume", epoch=feed.epoch, offset=1)
    assert reply.result == {"epoch": feed.epoch, "offset": feed.head, "recovered": True}
    assert reply.events == (feed, 1)


@pytest.mark.parametrize(("epoch", "offset"), [("another", 0), (None, 99)])
async def test_g21_what_cannot_be_resumed_goes_on_from_the_head(world: World, epoch: str | None, offset: int) -> None:
    caller = await world.guest()
    feed = await joined(world, caller)
    await world.answered(caller)
    await world.quiet()
    reply = await world.run(caller, "events.resume", epoch=epoch or feed.epoch, offset=offset)
    assert reply.result == {"epoch": feed.epoch, "offset": feed.head, "recovered": False}
    assert reply.events == (feed, feed.head)


async def test_who_has_no_socket_here_follows_nothing(world: World) -> None:
    with pytest.raises(Refusal) as refusal:
        await world.run(await world.guest(), "events.resume", epoch="e", offset=0)
    assert refusal.value.code == "unavailable"


async def test_a_user_who_is_gone_sees_nothing(world: World) -> None:
    with pytest.raises(Refusal) as refusal:
        await world.run(Caller("usr_gone", "client"), "dashboard.get")
    assert refusal.value.code == "session_revoked"
