"""Refusals and violations."""

import pytest

from protocol.codec import to_json
from protocol.codes import ERRORS
from protocol.errors import Refusal, Violation


@pytest.mark.parametrize("code", ERRORS)
def test_a_refusal_says_what_the_table_says(code: str) -> None:
    refusal = Refusal(code)
    assert to_json(refusal.error) == {
        "code": code,
        "message": ERRORS[code].message,
        "retryable": ERRORS[code].retryable,
    }
    assert str(refusal) == ERRORS[code].message


def test_a_refusal_takes_more_exact_words_and_facts() -> None:
    refusal = Refusal("stream_active", "Wait.", param="$.chatId", retry_after_ms=5, details={"streamId": "s"})
    assert to_json(refusal.error) == {
        "code": "stream_active",
        "message": "Wait.",
        "retryable": False,
        "param": "$.chatId",
        "retryAfterMs": 5,
        "details": {"streamId": "s"},
    }
    assert str(refusal) == "Wait."


def test_a_violation_knows_its_close_code() -> None:
    assert Violation("duplicate_hello").close_code == 4400


def test_what_is_not_fatal_cannot_be_a_violation() -> None:
    with pytest.raises(ValueError, match="not_found is not fatal"):
        _ = Violation("not_found").close_code


def test_an_unknown_code_cannot_be_raised() -> None:
    with pytest.raises(KeyError, match="no_such_code"):
        Refusal("no_such_code")
