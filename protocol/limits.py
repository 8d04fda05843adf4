"""The limits and timers of the protocol, with the reason for each default."""

from msgspec import Struct

KIB = 1024


class Limits(Struct, frozen=True, kw_only=True, rename="camel"):
    """Every limit a client can meet; `welcome.limits` announces them. Sizes in bytes, times in milliseconds."""

    # A long pasted document fits; parsing one such frame keeps the event loop for about 2 ms.
    frame_bytes: int = 256 * KIB
    # A hello is a token and 32 positions; nobody unknown makes us buffer more.
    hello_bytes: int = 8 * KIB
    # What one outbound frame aims at: large enough for a whole answer, small enough to let a control frame pass soon.
    outbound_bytes: int = 64 * KIB
    # A person clicks a few times a second; a script that resumes 32 streams needs the burst.
    commands_per_second: int = 20
    command_burst: int = 40
    commands_in_flight: int = 16
    generations_per_minute: int = 60
    generations_at_once: int = 16
    connections_per_user: int = 20
    streams_per_connection: int = 32
    # A laptop closed overnight finds its events; one closed for a week takes a snapshot.
    event_log_events: int = 1_000
    event_log_ms: int = 24 * 3_600_000
    # Far beyond any model's answer: a runaway one ends with `length` instead of eating the node.
    stream_log_bytes: int = 8 * KIB * KIB
    stream_log_ms: int = 10 * 60_000
    idempotency_ms: int = 24 * 3_600_000
    # Somebody is asked in the middle of an answer and is away for lunch; meanwhile their chat is occupied.
    tool_wait_ms: int = 3_600_000
    # A photo of a phone, a report with pictures; providers take as much.
    file_bytes: int = 5 * KIB * KIB
    # Encoded as a request holds it that is 14 MB, which is sent again with every question that follows.
    message_file_bytes: int = 10 * KIB * KIB
    user_file_bytes: int = 256 * KIB * KIB
    hello_timeout_ms: int = 5_000
    # Under the 30 s after which common proxies drop a silent connection.
    heartbeat_interval_ms: int = 25_000
    heartbeat_timeout_ms: int = 10_000
    silence_ms: int = 35_000


class FlowLimits(Struct, frozen=True, kw_only=True):
    """How much may be under way to one client unconfirmed; in bytes and seconds."""

    # 16 KiB is 0.8 s of a 20 KB/s link: slow enough to matter, still fresh.
    start: int = 16 * KIB
    least: int = 4 * KIB
    most: int = 128 * KIB
    fast_pong: float = 0.1
    slow_pong: float = 0.5
