"""What went wrong with Anthropic's API, as error codes and sentences for people.

The SDK raises its own errors before a stream and for error events; in the middle of one also those of its HTTP client
`httpx2`, and ValueErrors for bytes that are no JSON or no UTF-8. Nothing here puts a provider's own words into a
message or a log: they may quote the conversation.
"""

from collections.abc import Mapping
from typing import Any

from app.models.interface import ModelFailure
from app.models.retries import LastingFailure

TOO_LONG = "This chat has become too long for the model. Start a new one."
BUSY = "The model is busy right now. Try again in a moment."
SLOW = "The model took too long to answer. Try again."
REFUSED = "The model refused this request."
BROKE_OFF = "The model broke off in the middle of its answer. Try again."
BAD_KEY = "The provider did not accept this server's key. Whoever runs the server must check it."
UPSTREAM_ERROR = "The model's provider had an error. Try again."
UNREACHABLE = "The model's provider cannot be reached. Try again."
NOT_A_STREAM = (
    "What answered for the model does not speak the Messages API. "
    "Whoever runs the server must check its address and the network."
)

BY_STATUS: Mapping[int, tuple[str, str]] = {
    401: ("model_not_available", BAD_KEY),
    402: ("model_not_available", "The provider's account behind this server cannot pay for more answers."),
    403: ("model_not_available", "This server's key may not use this model. Choose another one."),
    404: ("model_not_available", "The provider does not know this model. Choose another one."),
    408: ("model_timeout", SLOW),
    413: ("context_too_long", TOO_LONG),
    429: ("model_overloaded", "This server asks the provider too often right now. Try again in a moment."),
    504: ("model_timeout", SLOW),
    529: ("model_overloaded", BUSY),
}
"""Codes by status, as PROTOCOL section 8 says; other 4xx are refusals, the rest errors."""

STATUS_OF_KIND: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The status an error event would have had before the stream."""


def failure_of(error: Exception) -> ModelFailure:
    """Say what an exception of the SDK or its HTTP client means."""
    import anthropic  # loaded long ago: it raised the error
    import httpx2

    cause = type(error).__name__
    if isinstance(error, anthropic.APIStatusError):
        return _of_response(error.status_code, error.body, error.response.headers)
    if isinstance(error, anthropic.APITimeoutError | httpx2.TimeoutException):
        return ModelFailure("model_timeout", SLOW, cause=cause)
    if isinstance(error, anthropic.APIConnectionError | httpx2.ConnectError):
        return ModelFailure("model_error", UNREACHABLE, cause=cause)
    if isinstance(error, anthropic.AnthropicError):
        return ModelFailure("model_not_available", BAD_KEY, cause=cause)
    return ModelFailure("model_error", BROKE_OFF, cause=cause)


def failure_of_event(event: Mapping[str, Any]) -> ModelFailure:
    """Say what an error event in a stream means."""
    kind = _error_in(event).get("type")
    return _of_response(STATUS_OF_KIND.get(str(kind), 500), event, {})


def no_stream(content_type: str) -> ModelFailure:
    """The answer has status 200, and is a page or a document instead of a stream."""
    return LastingFailure("model_error", NOT_A_STREAM, cause=f"content-type {content_type[:60]}")


def no_progress(seconds: float) -> ModelFailure:
    """The provider has sent nothing, or nothing but pings, for too long."""
    return LastingFailure("model_timeout", SLOW, cause=f"no content for {seconds:g} s")


def broke_off(cause: str) -> ModelFailure:
    """The stream ended without `message_stop`, or holds what no Messages API sends."""
    return ModelFailure("model_error", BROKE_OFF, cause=cause)


def _of_response(status: int, body: Any, headers: Mapping[str, str]) -> ModelFailure:
    error = _error_in(body)
    cause = f"status {status} {str(error.get('type'))[:40]} {headers.get('request-id', '')[:60]}".rstrip()
    if status == 400 and _is_about_length(str(error.get("message", ""))):
        return ModelFailure("context_too_long", TOO_LONG, cause=cause)
    fallback = ("model_refused", REFUSED) if 400 <= status < 500 else ("model_error", UPSTREAM_ERROR)
    code, message = BY_STATUS.get(status, fallback)
    return ModelFailure(code, message, _retry_after_ms(headers), cause=cause)


def _is_about_length(message: str) -> bool:
    # The API has no code for it; the other words are those of servers for local models.
    lowered = message.lower()
    return any(words in lowered for words in ("too long", "context length", "context size", "context window"))


def _error_in(body: Any) -> Mapping[str, Any]:
    error = body.get("error") if isinstance(body, Mapping) else None
    return error if isinstance(error, Mapping) else {}


def _retry_after_ms(headers: Mapping[str, str]) -> int | None:
    # Only numbers: the API sends seconds, and a date would need the provider's clock to be ours.
    for name, unit in (("retry-after-ms", 1), ("retry-after", 1000)):
        try:
            value = float(headers.get(name, ""))
        except ValueError:
            continue
        if 0 <= value * unit <= 3_600_000:
            return round(value * unit)
    return None
