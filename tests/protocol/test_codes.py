"""The tables of errors and close codes, against the protocol's own lists."""

import pytest

from protocol.codes import CLOSE_MEANINGS, ERRORS, ErrorCode, verdict

NOT_RETRYABLE = {
    "invalid_frame", "unknown_type", "invalid_argument", "hello_required", "duplicate_hello",
    "unsupported_protocol", "unauthenticated", "token_expired", "permission_denied", "session_revoked",
    "not_found", "stream_expired", "position_invalid", "stream_active", "idempotency_conflict",
    "message_conflict", "quota_exceeded", "frame_too_large", "content_refused", "model_not_available",
    "model_refused", "context_too_long", "connection_limit", "account_disabled",
}  # fmt: skip
RETRYABLE = {
    "rate_limited", "too_many_in_flight", "model_overloaded", "model_timeout", "model_error", "interrupted",
    "unavailable", "internal", "timeout", "hello_timeout", "heartbeat_timeout", "slow_consumer", "draining",
    "overloaded",
}  # fmt: skip
CLOSES = {
    4400: ["invalid_frame", "hello_required", "duplicate_hello"],
    4401: ["unauthenticated", "token_expired"],
    4403: ["session_revoked", "account_disabled"],
    4406: ["unsupported_protocol"],
    4409: ["connection_limit"],
    4500: ["internal"],
    4503: ["unavailable"],
    4504: ["hello_timeout"],
    4508: ["heartbeat_timeout", "slow_consumer"],
    4529: ["rate_limited"],
    1012: ["draining"],
    1013: ["overloaded"],
}


def test_the_error_codes_are_those_of_the_protocol() -> None:
    assert {name for name, row in ERRORS.items() if not row.retryable} == NOT_RETRYABLE
    assert {name for name, row in ERRORS.items() if row.retryable} == RETRYABLE
    assert len(ERRORS) == len(NOT_RETRYABLE) + len(RETRYABLE)
    assert all(name == row.name for name, row in ERRORS.items())


def test_every_fatal_error_has_its_close_code() -> None:
    expected = {name: close for close, names in CLOSES.items() for name in names}
    assert {name: row.close for name, row in ERRORS.items() if row.close} == expected


def test_every_close_code_says_what_it_means() -> None:
    assert set(CLOSES) | {1003, 1007, 1009} == set(CLOSE_MEANINGS)
    for close, names in CLOSES.items():
        if close >= 4000:
            assert all(name in CLOSE_MEANINGS[close] for name in names)


@pytest.mark.parametrize("row", ERRORS.values(), ids=list(ERRORS))
def test_every_error_has_a_sentence_for_people(row: ErrorCode) -> None:
    assert row.message[0].isupper() or row.message[0] == "`"
    assert row.message.endswith(".")
    assert len(row.message) < 100


def test_a_fatal_error_that_may_be_retried_closes_with_a_code_that_reconnects() -> None:
    for row in ERRORS.values():
        if row.close is not None:
            assert (verdict(row.close) == "reconnect") == row.retryable


@pytest.mark.parametrize("code", [1001, 1006, 1011, 1012, 1013, 4500, 4503, 4504, 4508, 4529, 4599])
def test_these_closes_lead_to_a_new_socket(code: int) -> None:
    assert verdict(code) == "reconnect"


@pytest.mark.parametrize("code", [1003, 1007, 1009, 4400, 4401, 4403, 4406, 4409, 4499])
def test_after_these_something_must_change_first(code: int) -> None:
    assert verdict(code) == "stop"


def test_who_is_to_blame_is_said() -> None:
    assert {row.blame for row in ERRORS.values()} == {"theirs", "ours", "upstream"}
    assert all(row.blame == "upstream" for name, row in ERRORS.items() if name.startswith("model_"))
