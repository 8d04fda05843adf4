"""The client's conversation, exchange by exchange."""

import pytest

from protocol.client import Disconnected, Send, Stopped
from protocol.client.link import SILENCE
from protocol.frames.client import (
    ClientPing,
    ClientPong,
)
from protocol.frames.server import Error, ServerPing, StreamChunk
from tests.protocol.client.pair import Pair, following
from tests.protocol.client.peer import refused


def test_g27_pong_leaves_after_everything_before_the_ping_was_handled() -> None:
    pair = following()
    pair.core.received(1, b'{"type":"ping","id":"p1"}', pair.now)
    assert pair.core.actions() == [Send(1, b'{"type":"pong","id":"p1"}')]
    pair.send(1, ServerPing(id="p2"))
    pair.settle()
    assert pair.heard()[-1] == ClientPong(id="p2")


def test_g29_the_server_says_what_silence_is() -> None:
    pair = Pair()
    pair.world.limits["silenceMs"] = 90_000
    pair.connected()
    pair.wait(89)
    assert pair.core.state == "ready"
    assert isinstance(pair.wait(1)[0], Disconnected)


def test_g29_silence_leads_to_a_new_socket() -> None:
    pair = following()
    pair.wait(SILENCE - 1)
    pair.send(1, ServerPing(id="p"))
    pair.wait(SILENCE - 1)
    assert pair.core.state == "ready"
    notices = pair.wait(1)
    assert isinstance(notices[0], Disconnected)
    assert pair.closed == [(1, 4000)]
    pair.wait_until_due()
    pair.settle()
    assert pair.core.state == "ready"


def test_foreground_probe_without_pong_opens_a_socket_at_once() -> None:
    pair = following()
    pair.do(pair.core.foreground(pair.now))
    assert pair.links[1].up[-1].startswith(b'{"type":"ping"')
    pair.links[1].up.clear()
    pair.wait(4.9)
    assert pair.core.state == "ready"
    pair.wait(0.1)
    assert pair.core.state == "connecting"
    assert pair.connecting == [2]


def test_foreground_probe_that_is_answered_changes_nothing() -> None:
    pair = following()
    pair.do(pair.core.foreground(pair.now))
    pair.settle()
    assert isinstance(pair.heard()[-1], ClientPing)
    pair.wait(10)
    assert list(pair.links) == [1]


def test_foreground_ends_the_wait_for_a_retry() -> None:
    pair = following()
    pair.break_link(1)
    assert pair.core.state == "backoff"
    pair.do(pair.core.foreground(pair.now))
    assert pair.core.state == "connecting"


def test_retries_are_spread_and_capped() -> None:
    pair = Pair(random=lambda: 0.999)
    pair.take(pair.core.open(pair.now))
    waits = []
    for number in range(1, 9):
        (notice,) = pair.break_link(number)
        assert isinstance(notice, Disconnected)
        waits.append(round(notice.retry_in, 1))
        pair.wait_until_due()
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]


def test_connect_and_hello_that_are_never_answered_are_given_up() -> None:
    pair = Pair()
    pair.take(pair.core.open(pair.now))
    pair.wait_until_due()
    assert pair.core.state == "backoff"
    pair.wait_until_due()
    pair.accept()
    assert pair.core.state == "authenticating"
    pair.wait_until_due()
    assert pair.core.state == "backoff"


@pytest.mark.parametrize("code", [4400, 4401, 4403, 4406, 4409, 1009])
def test_close_codes_that_need_a_change_stop_the_client(code: int) -> None:
    pair = following()
    assert pair.break_link(1, code) == [Stopped(code, None)]
    assert pair.core.state == "stopped"
    assert pair.core.deadline(pair.now) is None


@pytest.mark.parametrize("code", [1001, 1006, 1011, 1012, 1013, 4500, 4503, 4504, 4508, 4529])
def test_close_codes_that_time_heals_lead_to_a_retry(code: int) -> None:
    pair = following()
    pair.break_link(1, code)
    assert pair.core.state == "backoff"


def test_fatal_error_speaks_for_a_close_code_that_was_swallowed() -> None:
    pair = following()
    pair.send(1, Error(error=refused("session_revoked"), fatal=True))
    assert pair.break_link(1, 1006) == [Stopped(4403, refused("session_revoked"))]


def test_retry_after_is_kept() -> None:
    pair = following()
    pair.send(1, Error(error=refused("overloaded", retry_after_ms=9_000), fatal=True))
    (notice,) = pair.break_link(1, 1013)
    assert isinstance(notice, Disconnected)
    assert notice.retry_in == 9.0


def test_g06_unknown_frames_and_streams_are_ignored() -> None:
    pair = following()
    assert pair.do(pair.core.received(1, '{"type":"confetti","id":"x"}', pair.now)) == []
    assert pair.send(1, StreamChunk(stream_id="other", prev=0, seq=1, chunks=[])) == []
    assert pair.core.state == "ready"


@pytest.mark.parametrize("text", ["[]", "{", '{"type":"ack"}', '{"type":"stream.chunk","streamId":1}'])
def test_server_that_breaks_the_wire_is_left(text: str) -> None:
    pair = following()
    pair.take(pair.core.received(1, text, pair.now))
    assert pair.closed == [(1, 4400)]
    assert pair.core.state == "backoff"


def test_close_is_final_and_idempotent() -> None:
    pair = following()
    pair.take(pair.core.close())
    pair.take(pair.core.close())
    assert pair.closed == [(1, 1000)]
    assert pair.core.deadline(pair.now) is None
    assert pair.take(pair.core.closed(1, 1000, pair.now)) == []
