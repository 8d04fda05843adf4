"""Error codes and close codes as tables: blame, may one retry, and a sentence for people.

A client needs only two rules. An error's `retryable` says whether the same request may succeed later. A close
code's range says whether to reconnect: 44xx means that something must change first, 45xx that a new socket may work.
"""

from dataclasses import dataclass
from typing import Literal

Blame = Literal["theirs", "ours", "upstream"]
Verdict = Literal["reconnect", "stop"]


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One row of the error table.

    Args:
        name: the code on the wire.
        retryable: whether the same request may succeed later, unchanged.
        blame: who has to act: the client (`theirs`), this server (`ours`), or what it depends on (`upstream`).
        message: the sentence a person reads when nothing more exact is known.
        close: the close code that follows when the error is fatal to the connection.
    """

    name: str
    retryable: bool
    blame: Blame
    message: str
    close: int | None = None


_ROWS = (
    ErrorCode("invalid_frame", False, "theirs", "This frame is not a JSON object with a string `type`.", 4400),
    ErrorCode("unknown_type", False, "theirs", "This server does not know that command."),
    ErrorCode("invalid_argument", False, "theirs", "A field of the command is missing or wrong."),
    ErrorCode("hello_required", False, "theirs", "The first frame must be `hello`.", 4400),
    ErrorCode("duplicate_hello", False, "theirs", "`hello` may be sent only once per connection.", 4400),
    ErrorCode("unsupported_protocol", False, "theirs", "Offer the subprotocol `tidewire.v1`.", 4406),
    ErrorCode("unauthenticated", False, "theirs", "Sign in first.", 4401),
    ErrorCode("token_expired", False, "theirs", "Your sign-in has expired. Sign in again.", 4401),
    ErrorCode("permission_denied", False, "theirs", "You may not do that."),
    ErrorCode("session_revoked", False, "theirs", "You were signed out.", 4403),
    ErrorCode("account_disabled", False, "theirs", "This account is disabled.", 4403),
    ErrorCode("not_found", False, "theirs", "There is no such thing, or it is not yours."),
    ErrorCode("stream_expired", False, "theirs", "The log of this answer is gone; its message is in the history."),
    ErrorCode("position_invalid", False, "theirs", "That position lies beyond the end of the log."),
    ErrorCode("stream_active", False, "theirs", "An answer is already being written in this chat."),
    ErrorCode("idempotency_conflict", False, "theirs", "This command id was used before with another content."),
    ErrorCode("message_conflict", False, "theirs", "A message with this id exists already in this chat."),
    ErrorCode("quota_exceeded", False, "theirs", "A limit of your account is reached."),
    ErrorCode("frame_too_large", False, "theirs", "This content is larger than the limit."),
    ErrorCode("content_refused", False, "theirs", "This content cannot be accepted."),
    ErrorCode("connection_limit", False, "theirs", "Too many open connections. Close another tab first.", 4409),
    ErrorCode("model_not_available", False, "upstream", "This model is not available."),
    ErrorCode("model_refused", False, "upstream", "The model refused this request."),
    ErrorCode("context_too_long", False, "upstream", "This conversation is too long for the model."),
    ErrorCode("rate_limited", True, "theirs", "Too many requests. Wait a moment.", 4529),
    ErrorCode("too_many_in_flight", True, "theirs", "Too many commands wait for an answer on this connection."),
    ErrorCode("model_overloaded", True, "upstream", "The model is busy. Try again in a moment."),
    ErrorCode("model_timeout", True, "upstream", "The model stopped answering. Try again."),
    ErrorCode("model_error", True, "upstream", "The model failed. Try again."),
    ErrorCode("interrupted", True, "ours", "The server was interrupted while writing this answer. Try again."),
    ErrorCode("unavailable", True, "ours", "Something this server needs is not available. Try again.", 4503),
    ErrorCode("internal", True, "ours", "Something went wrong on our side. Try again.", 4500),
    ErrorCode("timeout", True, "ours", "This took too long. Try again."),
    ErrorCode("hello_timeout", True, "theirs", "No `hello` arrived in time.", 4504),
    ErrorCode("heartbeat_timeout", True, "theirs", "The connection went silent.", 4508),
    ErrorCode("slow_consumer", True, "theirs", "The connection does not read what it is sent.", 4508),
    ErrorCode("draining", True, "ours", "This server is restarting. Reconnect.", 1012),
    ErrorCode("overloaded", True, "ours", "This server is full at the moment. Try again.", 1013),
)

ERRORS: dict[str, ErrorCode] = {row.name: row for row in _ROWS}

CLOSE_MEANINGS: dict[int, str] = {
    1003: "binary frames are not part of the protocol",
    1007: "a text frame was not valid UTF-8",
    1009: "a frame was larger than the limit",
    1012: "the server restarts",
    1013: "the server is overloaded",
    4400: "invalid_frame, hello_required or duplicate_hello",
    4401: "unauthenticated or token_expired",
    4403: "session_revoked or account_disabled",
    4406: "unsupported_protocol",
    4409: "connection_limit",
    4500: "internal",
    4503: "unavailable",
    4504: "hello_timeout",
    4508: "heartbeat_timeout or slow_consumer",
    4529: "rate_limited",
}

# The same bytes would be refused again, so a reconnect alone cannot help.
_STOPPING_STANDARD_CODES = frozenset({1003, 1007, 1009})


def verdict(close_code: int) -> Verdict:
    """Say whether a client should reconnect after this close code, by range alone."""
    if 4400 <= close_code <= 4499 or close_code in _STOPPING_STANDARD_CODES:
        return "stop"
    return "reconnect"
