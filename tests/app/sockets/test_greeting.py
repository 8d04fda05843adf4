"""Hellos over a real store."""

import asyncio
from typing import Any

import orjson
import pytest

from app.clock import Clock
from app.commands.identity import Granted, Proof
from app.commands.reply import Caller
from app.sockets.addresses import FAILED_HELLOS_AT_ONCE, Addresses
from app.sockets.greeting import Greeted, Greeting
from app.store import events
from app.store.engine import Database
from protocol.codec import decode_client, to_json
from protocol.errors import Refusal, Violation
from protocol.frames.client import Hello
from protocol.limits import Limits
from tests.app.fakes import MemoryJournal, Tab
from tests.app.world import Held, World, opened, until


class Window:
    def window_for(self, granted: int | None) -> int:
        return granted or 16_384


ADDRESSES = Addresses(1_000, Clock())


def greeting_of(world: World) -> Greeting:
    return Greeting(
        world.identity,
        ADDRESSES,
        world.hub,
        world.presences,
        world.registry,
        world.dashboard,
        world.store,
        world.mint,
        world.clock,
        world.limits,
        node="n",
    )


async def greeted(world: World, proof: Proof | None, *, site: str | None = None, **fields: Any) -> Greeted:
    hello = decode_client(orjson.dumps({"type": "hello", "id": "h", "clientId": "tab"} | fields))
    assert isinstance(hello, Hello)
    return await greeting_of(world).greet(hello, proof, site, Tab(), Window())


def bearer(granted: Granted) -> Proof:
    return Proof(granted.token, "bearer")


async def refusal(world: World, proof: Proof | None, **fields: Any) -> str:
    with pytest.raises(Violation) as refused:
        await greeted(world, proof, **fields)
    return refused.value.code


async def test_a_welcome_says_all_a_tab_needs(world: World) -> None:
    granted = await world.granted()
    answer = await greeted(
        world, bearer(granted), flow={"windowBytes": 5_000}, capabilities=["tools", "future", "status"]
    )
    welcome = to_json(answer.welcome)
    assert welcome["userId"] == granted.user_id
    assert welcome["auth"] == {"method": "bearer", "expiresAt": granted.expires_at}
    assert welcome["heartbeat"] == {"intervalMs": 25_000, "timeoutMs": 10_000}
    assert welcome["flow"] == {"windowBytes": 5_000}
    assert welcome["limits"]["frameBytes"] == 256 * 1024
    assert welcome["capabilities"] == ["status", "tools"]
    assert (welcome["activeStreams"], welcome["streams"]) == ([], [])
    assert welcome["events"] == {"epoch": welcome["snapshot"]["epoch"], "offset": 0, "recovered": False}
    assert world.hub.sockets_of(granted.user_id) == 1


@pytest.mark.parametrize(
    ("proof", "fields", "code"),
    [
        (None, {}, "unauthenticated"),
        (Proof("tws_guess", "cookie"), {}, "unauthenticated"),
        (None, {"token": "twt_guess"}, "unauthenticated"),
    ],
)
async def test_nobody_unknown_is_welcome(world: World, proof: Proof | None, fields: dict[str, Any], code: str) -> None:
    assert await refusal(world, proof, **fields) == code


async def test_the_token_of_the_hello_counts_before_the_handshake(world: World) -> None:
    cookie, token = await world.granted(), await world.granted()
    session = await world.identity.session(bearer(token))
    ticket, _ = await world.identity.ticket(session)
    for said, method in ((token.token, "bearer"), (ticket, "ticket")):
        answer = await greeted(world, Proof(cookie.token, "cookie"), token=said)
        assert (answer.welcome.user_id, answer.welcome.auth.method) == (token.user_id, method)
    answer = await greeted(world, Proof(cookie.token, "cookie"))
    assert (answer.welcome.user_id, answer.welcome.auth.method) == (cookie.user_id, "cookie")
    assert await refusal(world, Proof(cookie.token, "cookie"), token=ticket) == "unauthenticated"


async def test_g33_a_live_socket_goes_on_with_a_token_or_ticket_of_the_same_user(world: World) -> None:
    granted, stranger = await world.granted(), await world.granted()
    again = await world.identity.begin(world.store, granted.user_id, device="x")
    ticket, _ = await world.identity.ticket(await world.identity.session(bearer(granted)))
    greeting = greeting_of(world)
    for token in (again.token, ticket):
        assert (await greeting.renewed(granted.user_id, token)).user_id == granted.user_id
    for token, code in (
        (ticket, "unauthenticated"),
        ("guess", "unauthenticated"),
        (stranger.token, "permission_denied"),
    ):
        with pytest.raises(Refusal) as refused:
            await greeting.renewed(granted.user_id, token)
        assert refused.value.code == code


async def test_an_address_at_which_too_many_hellos_failed_waits(world: World) -> None:
    granted = await world.granted()
    for _ in range(FAILED_HELLOS_AT_ONCE):
        assert await refusal(world, None, site="192.0.2.1") == "unauthenticated"
    with pytest.raises(Violation) as refused:
        await greeted(world, bearer(granted), site="192.0.2.1")
    assert (refused.value.code, refused.value.close_code) == ("rate_limited", 4529)
    assert refused.value.error.retry_after_ms
    await greeted(world, bearer(granted), site="192.0.2.2")
    for _ in range(FAILED_HELLOS_AT_ONCE + 1):
        assert await refusal(world, None) == "unauthenticated", "on loopback nobody is counted"
    ADDRESSES.retire(Clock().monotonic() + 3_600)
    await greeted(world, bearer(granted), site="192.0.2.1")


async def test_a_user_has_only_so_many_sockets(store: Database) -> None:
    async with opened(World(store, limits=Limits(connections_per_user=2))) as world:
        granted, other = await world.granted(), await world.granted()
        for _ in range(2):
            await greeted(world, bearer(granted))
        assert await refusal(world, bearer(granted)) == "connection_limit"
        assert world.hub.sockets_of(granted.user_id) == 2
        await greeted(world, bearer(other))


async def test_a_hello_that_fails_leaves_the_hub(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    granted = await world.granted()

    async def fail(*_arguments: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(world.dashboard, "snapshot", fail)
    with pytest.raises(RuntimeError):
        await greeted(world, bearer(granted))
    assert world.hub.sockets_of(granted.user_id) == 0


# Positions


async def busy(world: World) -> Granted:
    """A user with one ended answer behind them."""
    granted = await world.granted()
    await world.answered(Caller(granted.user_id, "tab"))
    await world.quiet()
    return granted


async def test_g21_a_known_position_is_recovered_without_a_snapshot(world: World) -> None:
    granted = await busy(world)
    first = (await greeted(world, bearer(granted))).welcome
    assert first.snapshot is not None
    for offset in range(first.events.offset + 1):
        answer = await greeted(world, bearer(granted), events={"epoch": first.events.epoch, "offset": offset})
        assert (answer.welcome.events.recovered, answer.offset, answer.welcome.snapshot) == (True, offset, None)
        assert answer.welcome.events.offset == first.events.offset
        missed = [answer.feed.read(after) for after in range(offset, answer.feed.head)]
        assert None not in missed


@pytest.mark.parametrize("position", [{"epoch": "another", "offset": 1}, {"epoch": None, "offset": 10_000}])
async def test_g21_an_unknown_position_gives_a_snapshot_and_its_position(
    world: World, position: dict[str, Any]
) -> None:
    granted = await busy(world)
    epoch = (await greeted(world, bearer(granted))).welcome.events.epoch
    events = position | {"epoch": position["epoch"] or epoch}
    answer = await greeted(world, bearer(granted), events=events)
    assert not answer.welcome.events.recovered
    assert answer.welcome.snapshot is not None
    assert answer.offset == answer.welcome.events.offset == answer.welcome.snapshot.offset
    answer = await greeted(world, bearer(granted), events=events, snapshot="never")
    assert (answer.welcome.snapshot, answer.offset) == (None, answer.feed.head)


async def test_streams_are_resumed_and_a_bad_entry_fails_alone(world: World) -> None:
    granted = await busy(world)
    caller = Caller(granted.user_id, "tab")
    world.model.script = Held()
    result = await world.ask(caller, "d")
    stream = world.registry.get(result["streamId"])
    assert stream is not None
    await until(lambda: stream.head == 4)
    ended = next(stream_id for stream_id in world.registry._streams if stream_id != stream.stream_id)
    positions = [(stream.stream_id, 2), (stream.stream_id, 5), ("str_unknown", 0), (ended, 1)]
    answer = await greeted(
        world,
        bearer(granted),
        streams=[{"streamId": stream_id, "after": after} for stream_id, after in positions],
    )
    told = to_json(answer.welcome)
    assert [
        (entry.get("status"), entry.get("seq"), (entry.get("error") or {}).get("code")) for entry in told["streams"]
    ] == [
        ("streaming", 4, None),
        (None, None, "position_invalid"),
        (None, None, "not_found"),
        ("completed", world.registry._streams[ended].head, None),
    ]
    assert [(follow.stream_id, after) for follow, after in answer.streams] == [(stream.stream_id, 2), (ended, 1)]
    assert [(active["streamId"], active["status"], active["seq"]) for active in told["activeStreams"]] == [
        (stream.stream_id, "streaming", 4)
    ]


async def test_streams_beyond_the_limit_are_answered_and_not_followed(store: Database) -> None:
    async with opened(World(store, limits=Limits(streams_per_connection=2))) as world:
        granted = await world.granted()
        caller = Caller(granted.user_id, "tab")
        known = [(await world.answered(caller, chat_id)).stream_id for chat_id in ("a", "b", "c")]
        await world.quiet()
        asked = ["str_unknown", known[0], known[1], known[2], known[0]]
        answer = await greeted(
            world, bearer(granted), streams=[{"streamId": stream_id, "after": 0} for stream_id in asked]
        )
        errors = [entry.error and entry.error.code for entry in answer.welcome.streams]
        assert errors == ["not_found", None, None, "quota_exceeded", None]
        assert sorted(stream.stream_id for stream, _ in answer.streams) == sorted(known[:2])


async def test_a_journal_that_is_away_fails_its_entry_and_not_the_hello(world: World) -> None:
    granted = await busy(world)
    stream_id = next(iter(world.registry._streams))
    world.registry.retire(2**53)
    assert isinstance(world.journal, MemoryJournal)
    world.journal.away = True
    answer = await greeted(world, bearer(granted), streams=[{"streamId": stream_id, "after": 0}])
    error = answer.welcome.streams[0].error
    assert error is not None
    assert (error.code, error.retryable, answer.streams) == ("unavailable", True, [])
    world.journal.away = False


async def test_a_crowd_that_comes_at_once_is_greeted_with_a_few_queries(world: World) -> None:
    people = [await world.granted() for _ in range(40)]
    greeting, known = greeting_of(world), [await welcomed_before(world, person) for person in people]
    before = world.store.queries
    crowd = [
        asyncio.create_task(greeting.greet(hello, bearer(person), None, Tab(), Window()))
        for person, hello in zip(people, known, strict=True)
        for _ in range(5)
    ]
    answers = await asyncio.gather(*crowd)
    assert [answer.welcome.user_id for answer in answers] == [person.user_id for person in people for _ in range(5)]
    assert all(answer.welcome.events.recovered for answer in answers)
    assert all([each.status for each in answer.welcome.streams] == ["completed"] for answer in answers)
    assert world.store.queries - before <= len(crowd) / 4


async def welcomed_before(world: World, person: Granted) -> Hello:
    """The hello of somebody who has missed everything about an answer."""
    head = await events.head(world.store, person.user_id)
    assert head is not None
    stream = await world.answered(Caller(person.user_id, "client"))
    await world.quiet()
    hello = decode_client(
        orjson.dumps(
            {
                "type": "hello",
                "id": "h",
                "clientId": "tab",
                "events": {"epoch": head.epoch, "offset": head.offset},
                "streams": [{"streamId": stream.stream_id, "after": 0}],
            }
        )
    )
    assert isinstance(hello, Hello)
    return hello
