"""The timers of one connection: pings, pongs and the end of a token."""

import pytest

from tests.protocol.server.world import FakeLog, fatal, ready, types


@pytest.mark.parametrize("phase", [0.0, 0.3, 0.999])
def test_the_first_ping_is_at_a_random_phase_and_the_next_every_25_seconds(phase: float) -> None:
    connection = ready(phase=phase)
    assert connection.core.deadline() == pytest.approx(100 + 25 * phase)
    times: list[float] = []
    while len(times) < 4:
        connection.now = connection.core.deadline()
        connection.core.expire(connection.now)
        (ping,) = connection.take()
        times.append(connection.now)
        connection.receive({"type": "pong", "id": ping["id"]})
    assert times == pytest.approx([100 + 25 * (phase + n) for n in range(4)])


def test_ten_hours_of_pongs_keep_a_connection_and_one_missing_ends_it() -> None:
    connection = ready()
    while connection.now < 36_000:
        connection.wait(9)
        connection.pong()
    assert connection.core.closing is None
    connection.wait(35.1)
    assert fatal(connection, 4508) == "heartbeat_timeout"


def test_g29_a_pong_may_take_ten_seconds_and_not_more() -> None:
    connection = ready(phase=0)
    connection.wait(0)
    assert connection.core.deadline() == 110.0
    connection.now = 109.9
    connection.pong()
    connection.wait(24)
    assert connection.core.closing is None

    other = ready(phase=0)
    other.wait(0)
    other.receive({"type": "pong", "id": "p77"})
    other.wait(10)
    assert fatal(other, 4508) == "heartbeat_timeout"


def test_g29_the_server_is_never_silent_for_35_seconds() -> None:
    connection = ready(phase=0.999)
    heard = connection.now
    log = FakeLog()
    connection.core.subscribe(log, 0)
    for step in range(400):
        if step % 97 == 0:
            log.say("word")
            connection.core.touch("str_1")
        if connection.take() + connection.wait(1):
            assert connection.now - heard < 35
            heard = connection.now
            connection.pong()


def test_g33_a_token_that_ends_is_announced_and_then_closes_4401() -> None:
    connection = ready(heartbeat_interval_ms=10_000_000, phase=0.9)
    connection.core.renew(connection.now + 100, 1_790_000_100_000)
    assert connection.wait(39.9) == []
    assert connection.wait(0.2) == [{"type": "auth.expiring", "expiresAt": 1_790_000_100_000}]
    assert connection.wait(89.8) == []
    connection.wait(0.2)
    assert fatal(connection, 4401) == "token_expired"


def test_g33_a_refresh_keeps_the_connection_and_is_warned_again() -> None:
    connection = ready(heartbeat_interval_ms=10_000_000, phase=0.9)
    connection.core.renew(connection.now + 100, 1)
    assert types(connection.wait(95)) == ["auth.expiring"]
    connection.core.renew(connection.now + 100, 2)
    assert types(connection.wait(95)) == ["auth.expiring"]
    assert connection.core.closing is None
