"""The defaults of the protocol's limits."""

from msgspec.structs import asdict

from protocol.codec import to_json
from protocol.limits import FlowLimits, Limits


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
