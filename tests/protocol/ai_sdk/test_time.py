"""Flow control, heartbeat, expiry and drain of a connection that cannot speak of them."""

import json
import math

from protocol.ai_sdk.connection import UNCONFIRMED, Ping
from protocol.frames.server import Goodbye
from protocol.server.connection import EXPIRY_GRACE
from tests.protocol.ai_sdk.world import World, finish, log, types


def test_g27_a_page_that_confirms_nothing_holds_back_what_it_is_sent() -> None:
    world, made = World(), log(words=100_000)
    world.ponged = False
    world.send()
    world.core.follow("r", made)
    sent = sum(len(json.dumps(frame)) for frame in world.take())
    assert sent < 128 * 1024
    assert world.core.is_full
    assert world.take() == []


def test_a_page_that_answers_no_ping_is_closed_4508() -> None:
    world = World()
    world.ponged = False
    ping_at = world.core.deadline()
    assert ping_at == world.now + 12.5
    world.later(12.5)
    assert [type(frame) for frame in world.core.take(world.now)] == [Ping]
    world.later(10)
    assert world.close_code == 4508
    assert world.core.deadline() == math.inf


def test_where_pings_cannot_be_sent_a_write_is_bounded() -> None:
    world, made = World(can_ping=False), log(words=100_000)
    world.send()
    world.core.follow("r", made)
    finish(made)
    sent = [len(frame) for frame in world.core.take(world.now)]
    assert UNCONFIRMED <= sum(sent) < 2 * UNCONFIRMED
    assert types(world.take())[-1] == "end"
    assert world.core.deadline() == math.inf


def test_g33_a_socket_ends_with_what_it_was_signed_in_with() -> None:
    world = World(can_ping=False)
    world.core.renew(world.now + 5)
    assert world.core.deadline() == world.now + 5 + EXPIRY_GRACE
    world.later(5 + EXPIRY_GRACE)
    assert world.close_code == 4401
    assert world.core.closing is not None
    assert world.core.closing.reason.startswith("token_expired: ")
    assert len(world.core.closing.reason.encode()) <= 123


def test_g30_a_leaving_server_closes_when_the_last_request_has_its_end() -> None:
    world, made = World(), log()
    world.send()
    world.core.follow("r", made)
    world.core.goodbye(Goodbye(reason="draining", reconnect_after_ms=(0, 1), close_after_ms=1))
    world.take()
    assert world.close_code is None
    finish(made)
    world.core.touch("s")
    assert types(world.take())[-1] == "end"
    assert world.close_code == 1012
