"""Guarantee 33: whoever is signed out loses their sockets, wherever that was done."""

import pytest

from app.commands.identity import Granted, Proof
from app.realtime.signed_in import LOOK_BACK_MS, SignedIn
from app.store import sessions
from app.store.sessions import Session
from protocol.errors import Violation
from tests.app.world import World


class Tab:
    def __init__(self) -> None:
        self.refused: list[str] = []

    def refuse(self, violation: Violation) -> None:
        assert violation.close_code == 4403
        self.refused.append(violation.code)


async def tab_of(world: World, granted: Granted) -> Tab:
    tab = Tab()
    world.signed_in.enter(await world.identity.session(Proof(granted.token, "bearer")), tab)
    return tab


async def test_g33_a_session_that_ends_takes_its_sockets_along_and_no_others(world: World) -> None:
    one, other = await world.granted(), await world.granted()
    again = await world.identity.begin(world.store, one.user_id, device="x")
    tabs = [await tab_of(world, granted) for granted in (one, one, again, other)]
    await world.signing_out.logout(await world.identity.session(Proof(one.token, "bearer")))
    assert [tab.refused for tab in tabs] == [["session_revoked"], ["session_revoked"], [], []]


@pytest.mark.parametrize(
    ("statement", "codes"),
    [
        ("UPDATE sessions SET revoked_at = {now} WHERE session_id = '{session}'", ["session_revoked", None, None]),
        ("UPDATE users SET disabled_at = {now} WHERE user_id = '{user}'", ["account_disabled"] * 2 + [None]),
        ("INSERT INTO deleted_users VALUES ('{user}', {now})", ["session_revoked"] * 2 + [None]),
    ],
)
async def test_g33_what_another_process_writes_is_found(world: World, statement: str, codes: list[str | None]) -> None:
    one, other = await world.granted(), await world.granted()
    session = await world.identity.session(Proof(one.token, "bearer"))
    tabs = [await tab_of(world, one), Tab(), await tab_of(world, other)]
    # An identity provider vouches for this one, so it has no session of ours.
    world.signed_in.enter(Session(None, one.user_id, "account", None), tabs[1])
    await world.signed_in.check()
    assert [tab.refused for tab in tabs] == [[], [], []]
    now = "(SELECT now_ms FROM database_clock)"
    await world.store.execute(statement.format(now=now, user=one.user_id, session=session.session_id))
    await world.signed_in.check()
    assert [tab.refused for tab in tabs] == [[code] if code else [] for code in codes]


async def test_g33_a_socket_that_was_greeted_while_its_session_ended_is_found(world: World) -> None:
    granted = await world.granted()
    session = await world.identity.session(Proof(granted.token, "bearer"))
    await world.signing_out.logout(session)
    tab = Tab()
    world.signed_in.enter(session, tab)
    await world.signed_in.check()
    assert tab.refused == ["session_revoked"]


async def test_what_ended_long_ago_is_not_read_again(world: World) -> None:
    granted = await world.granted()
    tab = await tab_of(world, granted)
    await world.store.execute(f"UPDATE users SET disabled_at = (SELECT now_ms FROM database_clock) - {LOOK_BACK_MS}")
    await world.signed_in.check()
    assert tab.refused == []


async def test_a_look_reads_by_indexes(world: World) -> None:
    query = "SELECT 1 AS one FROM {} WHERE {} > (SELECT now_ms FROM database_clock) - 5"
    tables = (("sessions", "revoked_at"), ("users", "disabled_at"), ("deleted_users", "deleted_at"))
    for table, column in tables:
        plan = await world.store.fetch_all("EXPLAIN QUERY PLAN " + query.format(table, column))
        assert plan[0]["detail"].startswith(f"SEARCH {table} USING"), plan
    assert await sessions.ended_lately(world.store, within_ms=5) == []


async def test_a_node_without_sockets_reads_nothing() -> None:
    await SignedIn(None).check()  # type: ignore[arg-type]  # there is no store to read


async def test_a_socket_that_left_is_forgotten(world: World) -> None:
    granted = await world.granted()
    tabs = [await tab_of(world, granted) for _ in range(2)]
    world.signed_in.leave(granted.user_id, tabs[0])
    world.signed_in.end(granted.user_id)
    assert [tab.refused for tab in tabs] == [[], ["session_revoked"]]
    world.signed_in.leave(granted.user_id, tabs[1])
    world.signed_in.leave("nobody", tabs[1])
    assert world.signed_in._sockets == {}
