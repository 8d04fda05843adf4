"""The server's side of one connection, in virtual time: what it answers, and when it gives up."""

import math
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codes import ERRORS
from protocol.errors import Refusal
from protocol.frames.client import ChatGet, Hello
from protocol.frames.server import Goodbye
from protocol.lifecycle import IllegalTransition
from protocol.server import Booking
from protocol.server.command_rate import DEAF_AFTER_REFUSALS
from tests.protocol.server.world import FakeEvents, FakeLog, code, fatal, ready, types, wire
from tests.protocol.wire import welcome

GET = {"type": "chat.get", "chatId": "c"}


def get(n: int | str = 1) -> dict[str, Any]:
    return {**GET, "id": f"g{n}"}


# The first frame


def test_g01_the_hello_is_handed_over_and_the_welcome_is_the_first_frame() -> None:
    connection = wire()
    hello = connection.receive({"type": "hello", "id": "h", "clientId": "tab"})
    assert isinstance(hello, Hello)
    assert connection.take() == []
    connection.core.welcome(welcome("h"), None, None)
    assert types(connection.take()) == ["welcome"]


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ('{"type":"ping","id":"a"}', "hello_required"),
        ('{"type":"later","id":"a"}', "hello_required"),
        ('{"type":"later"}', "hello_required"),
        ('{"type":"pong","id":"p1"}', "hello_required"),
        ('{"type":"hello","id":"h"}', "invalid_frame"),
        ('{"type":"hello","id":"h","clientId":"a b"}', "invalid_frame"),
        ("[]", "invalid_frame"),
        ("not JSON", "invalid_frame"),
        ("", "invalid_frame"),
    ],
)
def test_g01_any_other_first_frame_is_fatal(first: str, expected: str) -> None:
    connection = wire()
    frames = connection.ask(first)
    assert types(frames) == ["error"]
    assert fatal(connection, 4400) == expected


def test_g01_a_hello_with_a_bad_field_names_it() -> None:
    (error,) = wire().ask('{"type":"hello","id":"h"}')
    assert error["error"]["param"] == "$.clientId"


def test_g01_a_second_hello_is_fatal() -> None:
    connection = ready()
    connection.ask({"type": "hello", "id": "h2", "clientId": "tab"})
    assert fatal(connection, 4400) == "duplicate_hello"


def test_g01_nothing_overtakes_the_welcome() -> None:
    connection = wire()
    connection.receive({"type": "hello", "id": "h", "clientId": "tab"})
    assert connection.ask({"type": "ping", "id": "a"}) == []
    assert connection.ask({"type": "chat.get", "id": "b"}) == []
    connection.core.welcome(welcome("h"), None, None)
    assert types(connection.take()) == ["welcome", "pong", "error"]


def test_g01_a_fatal_error_instead_of_the_welcome_stands_alone() -> None:
    connection = wire()
    connection.receive({"type": "hello", "id": "h", "clientId": "tab"})
    connection.receive({"type": "ping", "id": "a"})
    connection.core.fail(Refusal("unauthenticated").error, 4401)
    assert types(connection.take()) == ["error"]
    assert fatal(connection, 4401) == "unauthenticated"


def test_nothing_follows_a_fatal_error() -> None:
    connection = ready()
    connection.receive(get())
    connection.core.fail(Refusal("internal").error, 4500)
    connection.core.fail(Refusal("unavailable").error, 4503)
    connection.core.ack("g1", {})
    assert connection.receive(get(2)) is None
    assert types(connection.take()) == ["error"]
    assert fatal(connection, 4500) == "internal"
    assert connection.core.deadline() == math.inf


def test_a_welcome_that_comes_after_the_end_is_not_sent() -> None:
    connection = wire()
    connection.receive({"type": "hello", "id": "h", "clientId": "tab"})
    connection.receive({"type": "hello", "id": "h", "clientId": "tab"})
    connection.core.welcome(welcome("h"), None, None)
    assert types(connection.take()) == ["error"]
    assert fatal(connection, 4400) == "duplicate_hello"


def test_the_hello_must_come_in_time() -> None:
    connection = wire()
    assert connection.core.deadline() == 105.0
    connection.now = 104.9
    connection.core.expire(connection.now)
    assert connection.core.closing is None
    connection.wait(1)
    assert fatal(connection, 4504) == "hello_timeout"


def test_while_the_application_greets_no_timer_runs() -> None:
    connection = wire()
    connection.receive({"type": "hello", "id": "h", "clientId": "tab"})
    assert connection.core.deadline() == math.inf
    connection.core.expire(connection.now + 1_000)
    assert connection.core.closing is None


@pytest.mark.parametrize("filling", ["x", "ü", "😀"])
def test_before_hello_a_frame_may_have_8_kib_of_utf8(filling: str) -> None:
    def hello(size: int) -> str:
        text = '{"type":"hello","id":"h","clientId":"tab","later":"' + filling * 100
        return text + "x" * (size - len(text.encode()) - 2) + '"}'

    assert len(hello(8192).encode()) == 8192
    assert wire().receive(hello(8192)) is not None
    connection = wire()
    assert connection.ask(hello(8193)) == []
    assert connection.core.closing is not None
    assert connection.core.closing.code == 1009


def test_binary_frames_close_1003_without_an_error() -> None:
    for connection in (wire(), ready()):
        connection.sent.clear()
        assert connection.ask(b"{}") == []
        assert connection.core.closing is not None
        assert connection.core.closing.code == 1003


# Commands


@given(st.lists(st.sampled_from(["ack", "refuse", "duplicate", "bad", "unknown", "ping"]), max_size=15))
def test_g02_every_command_gets_exactly_one_answer(steps: list[str]) -> None:
    connection = ready()
    expected = []
    for n, step in enumerate(steps):
        if step == "bad":
            assert connection.receive({"type": "chat.get", "id": f"g{n}"}) is None
        elif step == "unknown":
            assert connection.receive({"type": "chat.later", "id": f"g{n}"}) is None
        elif step == "ping":
            assert connection.receive({"type": "ping", "id": f"g{n}"}) is None
        else:
            command = connection.receive(get(n))
            assert isinstance(command, ChatGet)
            if step == "refuse":
                connection.core.refuse(command.id, Refusal("not_found").error)
            else:
                connection.core.ack(command.id, {"n": n}, duplicate=step == "duplicate")
        kind = {"bad": "error", "unknown": "error", "refuse": "error", "ping": "pong"}.get(step, "ack")
        expected.append((kind, f"g{n}"))
    assert [(frame["type"], frame["id"]) for frame in connection.take()] == expected
    assert connection.core.in_flight == 0


def test_g02_a_broken_frame_is_fatal_and_a_bad_field_is_not() -> None:
    connection = ready()
    (error,) = connection.ask({"type": "chat.get", "id": "a", "chatId": 7})
    assert (error["id"], code(error), error["error"]["param"]) == ("a", "invalid_argument", "$.chatId")
    assert connection.core.closing is None
    connection.ask("{")
    assert fatal(connection, 4400) == "invalid_frame"


def test_g02_a_command_without_a_legal_id_is_refused_without_one() -> None:
    (error,) = ready().ask({"type": "chat.get", "id": "a\n", "chatId": "c"})
    assert "id" not in error
    assert error["error"]["param"] == "$.id"


def test_g06_an_unknown_type_is_refused_with_an_id_and_ignored_without() -> None:
    connection = ready()
    (error,) = connection.ask({"type": "chat.later", "id": "a", "x": 1})
    assert (error["id"], code(error)) == ("a", "unknown_type")
    assert connection.ask({"type": "chat.later"}) == []
    assert connection.ask({"type": "chat.later", "id": "not legal"}) == []
    assert connection.core.ignored == 2


def test_a_burst_is_served_then_the_rate_holds_and_says_when() -> None:
    connection = ready(commands_per_second=20, command_burst=40, commands_in_flight=1_000)
    assert all(connection.receive(get(n)) for n in range(40))
    (error,) = connection.ask(get(40))
    assert code(error) == "rate_limited"
    connection.now += error["error"]["retryAfterMs"] / 1000
    assert connection.receive(get(41)) is not None


@pytest.mark.parametrize(
    "frame",
    [GET | {"id": "g"}, {"type": "chat.get", "id": "g"}, {"type": "later", "id": "g"}, {"type": "ping", "id": 7}],
    ids=["command", "bad field", "unknown type", "bad ping"],
)
def test_whoever_is_deaf_to_refusals_is_closed_4529(frame: dict[str, Any]) -> None:
    connection = ready(command_burst=1, commands_in_flight=1_000)
    connection.receive(get())
    for _ in range(DEAF_AFTER_REFUSALS):
        assert [code(error) for error in connection.ask(frame)] == ["rate_limited"]
    connection.ask(frame)
    assert fatal(connection, 4529) == "rate_limited"


def test_whoever_listens_to_refusals_is_never_deaf() -> None:
    connection = ready(command_burst=1, commands_in_flight=1_000)
    for n in range(3 * DEAF_AFTER_REFUSALS):
        for error in connection.ask(get(n)):
            connection.now += error["error"]["retryAfterMs"] / 1000
    assert connection.core.closing is None


def test_the_17th_command_in_flight_is_refused_and_answers_make_room() -> None:
    connection = ready()
    assert all(connection.receive(get(n)) for n in range(16))
    (error,) = connection.ask(get(16))
    assert (code(error), error["id"]) == ("too_many_in_flight", "g16")
    assert error["error"]["retryAfterMs"] > 0
    connection.core.ack("g3", {})
    connection.take()
    assert connection.receive(get(17)) is not None


def test_an_answer_that_waits_to_be_sent_is_still_in_flight() -> None:
    """So at most 16 acks, however large, can ever wait for one client that does not read."""
    connection = ready()
    for n in range(16):
        connection.receive(get(n))
        connection.core.ack(f"g{n}", {"messages": ["x" * 100_000]})
    connection.receive(get(16))
    assert connection.core.closing is None
    frames = connection.take()
    assert types(frames) == ["ack"] * 16 + ["error"]
    assert code(frames[-1]) == "too_many_in_flight"


def test_one_answer_larger_than_all_waiting_control_frames_may_be_is_sent() -> None:
    connection = ready()
    connection.receive(get())
    connection.core.ack("g1", {"messages": ["x" * 500_000]})
    assert types(connection.take()) == ["ack"]
    assert connection.core.closing is None


def test_g27_whoever_floods_and_reads_nothing_is_closed_4508() -> None:
    connection = ready()
    sent = 0
    while connection.core.closing is None:
        connection.receive({"type": "ping", "id": "x" * 64})
        sent += 1
    assert connection.core.closing == (4508, "slow_consumer")
    assert sent < 5_000
    assert sum(len(orjson.dumps(frame)) for frame in connection.take()) < 160 * 1024


# The end


def test_g30_commands_under_way_are_answered_after_goodbye() -> None:
    connection = ready()
    connection.receive(get())
    connection.core.goodbye(Goodbye(reason="draining", reconnect_after_ms=(0, 500), close_after_ms=5_000))
    connection.receive(get(2))
    connection.core.ack("g1", {})
    connection.core.ack("g2", {})
    assert types(connection.take()) == ["goodbye", "ack", "ack"]


def test_g30_data_still_flows_after_goodbye() -> None:
    connection = ready()
    connection.core.goodbye(Goodbye(reason="rebalance", reconnect_after_ms=(0, 500), close_after_ms=5_000))
    connection.core.subscribe(FakeLog(words=3), 0)
    assert types(connection.take()) == ["goodbye", "ping", "stream.chunk"]


def test_goodbye_before_the_welcome_says_nothing() -> None:
    connection = wire()
    connection.core.goodbye(Goodbye(reason="draining", reconnect_after_ms=(0, 1), close_after_ms=1))
    assert connection.take() == []
    assert connection.core.state == "accepted"


def test_closing_returns_what_was_followed() -> None:
    connection = ready()
    logs = [FakeLog("a"), FakeLog("b")]
    for log in logs:
        connection.core.subscribe(log, 0)
    assert connection.core.unsubscribe("a") is logs[0]
    assert connection.core.unsubscribe("a") is None
    assert connection.core.close() == [logs[1]]
    assert connection.core.deadline() == math.inf
    connection.core.expire(1e9)
    assert connection.core.closing is None


def test_a_welcome_without_a_hello_is_a_bug_that_is_named() -> None:
    with pytest.raises(IllegalTransition, match="'welcome' cannot happen in state 'accepted'"):
        wire().core.welcome(welcome("h"), None, None)


def test_the_33rd_stream_finds_no_room() -> None:
    core = ready().core
    for n in range(32):
        booking = Booking(core)
        assert booking.take(f"s{n}")
        core.subscribe(FakeLog(f"s{n}"), 0)
        booking.release()
    assert not Booking(core).take("s32")
    assert Booking(core).take("s7"), "it has a place"
    core.unsubscribe("s7")
    assert Booking(core).take("s32")


def test_a_place_is_kept_until_its_command_is_answered() -> None:
    core = ready(streams_per_connection=2).core
    first, second, third = (Booking(core) for _ in range(3))
    assert [booking.take("") for booking in (first, second, third)] == [True, True, False]
    assert first.take("twice")
    second.release()  # it was refused
    assert third.take("")
    core.subscribe(FakeLog("s"), 0)
    first.release()
    first.release()
    assert not second.take(""), "one place is taken by the stream, one by the third"
    third.release()
    assert second.take("")


# Garbage

FRAMES = st.sampled_from(
    [
        '{"type":"hello","id":"h","clientId":"tab"}', '{"type":"ping","id":"a"}', '{"type":"pong","id":"p1"}',
        '{"type":"chat.get","id":"a","chatId":"c"}', '{"type":"chat.get","id":"a"}', '{"type":"nope","id":"a"}',
        '{"type":"presence.update","visibility":"hidden"}', "[]", "{}",
    ]
)  # fmt: skip


@given(st.lists(FRAMES | st.text(max_size=30) | st.binary(max_size=10) | st.floats(0, 40), max_size=30))
def test_whatever_comes_the_core_never_raises_and_stays_lawful(steps: list[Any]) -> None:
    connection = wire()
    connection.core.follow_events(FakeEvents(3), 0)
    for step in steps:
        if isinstance(step, float):
            connection.wait(step)
        elif isinstance(connection.receive(step), Hello):
            connection.core.welcome(welcome("h"), None, None)
        connection.take()
    assert types(connection.sent[:1]) in ([], ["welcome"], ["error"])
    fatal_errors = [n for n, frame in enumerate(connection.sent) if frame.get("fatal")]
    if connection.core.closing is None:
        assert fatal_errors == []
    else:
        assert fatal_errors in ([], [len(connection.sent) - 1])
        row = ERRORS.get(connection.core.closing.reason)
        assert row is None or row.close == connection.core.closing.code


def test_every_limit_is_announced_as_a_plain_number() -> None:
    limits: dict[str, Any] = msgspec.to_builtins(ready().core._limits)
    assert limits["frameBytes"] == 256 * 1024
    assert all(isinstance(value, int) for value in limits.values())
