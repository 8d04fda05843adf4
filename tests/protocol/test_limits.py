"""The defaults of the protocol's limits."""

import ast
from pathlib import Path

import pytest
from msgspec.structs import asdict

from protocol.codec import to_json
from protocol.limits import FlowLimits, Limits

TESTS = Path(__file__).parent.parent

# Where each limit is shown to hold, mostly with another number than its default.
TESTED = {
    "frame_bytes": ("system/test_limits.py", "test_limit_frame_bytes"),
    "hello_bytes": ("system/test_limits.py", "test_limit_hello_bytes"),
    "outbound_bytes": ("system/test_limits.py", "test_limit_outbound_bytes"),
    "commands_per_second": ("system/test_limits.py", "test_limit_commands_per_second_and_burst"),
    "command_burst": ("system/test_limits.py", "test_limit_commands_per_second_and_burst"),
    "commands_in_flight": ("system/test_limits.py", "test_limit_commands_in_flight"),
    "generations_per_minute": ("system/test_limits.py", "test_limit_generations_per_minute"),
    "generations_at_once": ("system/test_g_stop.py", "test_g17_more_answers_than_may_run_at_once_wait"),
    "connections_per_user": ("system/test_g_timers.py", "test_one_connection_too_many_is_refused_and_the_others_stay"),
    "streams_per_connection": ("system/test_limits.py", "test_limit_streams_per_connection"),
    "event_log_events": ("system/test_limits.py", "test_limit_event_log_events"),
    "event_log_ms": ("app/store/test_retention.py", "test_old_events_go_and_the_head_stays"),
    "stream_log_bytes": ("system/test_limits.py", "test_limit_stream_log_bytes"),
    "stream_log_ms": ("app/streams/test_registry.py", "test_g12_a_log_is_forgotten_after_its_retention"),
    "idempotency_ms": ("app/store/test_retention.py", "test_a_command_is_remembered_for_so_long"),
    "file_bytes": ("app/web/test_files.py", "test_the_largest_file_passes"),
    "message_file_bytes": ("app/commands/test_attaching.py", "test_files_that_are_too_large_together_are_refused"),
    "user_file_bytes": ("app/web/test_files.py", "test_each_user_has_so_much_room"),
    "hello_timeout_ms": ("system/test_g_timers.py", "test_g01_a_socket_that_says_nothing_is_closed"),
    "heartbeat_interval_ms": ("system/test_g_timers.py", "test_g29_a_socket_that_answers_is_pinged_again_and_again"),
    "heartbeat_timeout_ms": ("system/test_g_timers.py", "test_g29_a_socket_that_does_not_answer_pings_is_closed"),
    "tool_wait_ms": ("app/commands/test_tools.py", "test_when_nobody_answers_in_time_the_model_goes_on"),
    "silence_ms": ("protocol/client/test_connection.py", "test_g29_the_server_says_what_silence_is"),
}


@pytest.mark.parametrize("limit", Limits.__struct_fields__)
def test_every_limit_has_a_test(limit: str) -> None:
    file, name = TESTED[limit]
    functions = {getattr(node, "name", "") for node in ast.parse((TESTS / file).read_text()).body}
    assert name in functions


def test_the_defaults_are_those_of_the_protocol() -> None:
    assert asdict(Limits()) == {
        "frame_bytes": 262_144,
        "hello_bytes": 8_192,
        "outbound_bytes": 65_536,
        "commands_per_second": 20,
        "command_burst": 40,
        "commands_in_flight": 16,
        "generations_per_minute": 60,
        "generations_at_once": 16,
        "connections_per_user": 20,
        "streams_per_connection": 32,
        "event_log_events": 1_000,
        "event_log_ms": 86_400_000,
        "stream_log_bytes": 8_388_608,
        "stream_log_ms": 600_000,
        "idempotency_ms": 86_400_000,
        "tool_wait_ms": 3_600_000,
        "file_bytes": 5_242_880,
        "message_file_bytes": 10_485_760,
        "user_file_bytes": 268_435_456,
        "hello_timeout_ms": 5_000,
        "heartbeat_interval_ms": 25_000,
        "heartbeat_timeout_ms": 10_000,
        "silence_ms": 35_000,
    }


def test_the_flow_window_starts_at_16_kib_between_4_and_128() -> None:
    assert asdict(FlowLimits()) == {
        "start": 16_384,
        "least": 4_096,
        "most": 131_072,
        "fast_pong": 0.1,
        "slow_pong": 0.5,
    }


def test_g29_a_client_that_hears_nothing_gives_up_after_the_server_would_have() -> None:
    limits = Limits()
    assert limits.silence_ms >= limits.heartbeat_interval_ms + limits.heartbeat_timeout_ms


def test_limits_are_announced_in_camel_case_and_changed_ones_too() -> None:
    announced = to_json(Limits(frame_bytes=1))
    assert announced["frameBytes"] == 1
    assert len(announced) == len(Limits.__struct_fields__)
