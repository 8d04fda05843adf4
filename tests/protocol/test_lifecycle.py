"""The tables of states."""

from typing import get_args

import pytest

from protocol.frames.objects import StreamStatus
from protocol.lifecycle import (
    ACTIVE,
    CLIENT_CONNECTION,
    RETRYABLE,
    SERVER_CONNECTION,
    STREAM,
    SUBSCRIPTION,
    TERMINAL,
    IllegalTransition,
    Table,
    advance,
)

TABLES = {
    "stream": STREAM,
    "server": SERVER_CONNECTION,
    "client": CLIENT_CONNECTION,
    "subscription": SUBSCRIPTION,
}


def reachable(table: Table, start: str) -> set[str]:
    found, fresh = {start}, [start]
    while fresh:
        for state in table[fresh.pop()].values():
            if state not in found:
                found.add(state)
                fresh.append(state)
    return found


@pytest.mark.parametrize(("table", "start"), [(table, next(iter(table))) for table in TABLES.values()], ids=TABLES)
def test_every_state_has_its_row_and_can_be_reached(table: Table, start: str) -> None:
    assert reachable(table, start) == set(table)


def test_the_states_of_a_stream_are_the_statuses_of_the_wire() -> None:
    assert set(STREAM) == set(get_args(StreamStatus))


def test_terminal_states_are_final_and_every_other_state_leads_to_one() -> None:
    assert {state for state, row in STREAM.items() if not row} == TERMINAL
    for state in STREAM:
        assert reachable(STREAM, state) & TERMINAL


def test_g18_only_a_stream_with_an_owner_can_be_interrupted() -> None:
    assert {state for state, row in STREAM.items() if "seal" in row} == ACTIVE
    assert advance(STREAM, "streaming", "seal") == "interrupted"


def test_g15_stopping_twice_is_stopping_and_a_finish_under_way_wins() -> None:
    assert advance(STREAM, "stopping", "stop") == "stopping"
    assert advance(STREAM, "stopping", "complete") == "completed"


def test_what_may_be_tried_again_has_ended_without_being_complete() -> None:
    assert TERMINAL - {"completed"} == RETRYABLE


def test_closing_a_server_connection_is_possible_in_every_state() -> None:
    assert all(row["close"] == "closed" for row in SERVER_CONNECTION.values())


def test_a_client_that_was_refused_does_nothing_by_itself() -> None:
    assert set(CLIENT_CONNECTION["stopped"]) == {"open", "close"}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_what_is_not_in_the_table_raises_and_says_what_could_be(table: Table) -> None:
    events = {event for row in table.values() for event in row}
    for state, row in table.items():
        for event in events:
            if event in row:
                assert advance(table, state, event) == row[event]
            else:
                with pytest.raises(IllegalTransition, match=f"{event!r} cannot happen in state {state!r}") as caught:
                    advance(table, state, event)
                assert all(legal in str(caught.value) for legal in row)


def test_a_final_state_says_that_it_is_final() -> None:
    with pytest.raises(IllegalTransition, match="nothing; it is final"):
        advance(STREAM, "completed", "stop")
