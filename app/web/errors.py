"""Failed HTTP calls answer `{"error": ErrorObject}`, with the status that fits the code."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.store.errors import StoreUnavailable
from app.web.body import Unread
from app.web.json import json_response
from protocol.codec import to_json
from protocol.errors import Refusal

log = logging.getLogger("tidewire.web")

# Codes that are not a plain 400.
_STATUS = {
    "unauthenticated": 401,
    "token_expired": 401,
    "session_revoked": 401,
    "account_disabled": 403,
    "permission_denied": 403,
    "not_found": 404,
    "frame_too_large": 413,
    "content_refused": 415,
    "rate_limited": 429,
    "too_many_in_flight": 429,
    "quota_exceeded": 429,
    "internal": 500,
    "unavailable": 503,
    "draining": 503,
    "overloaded": 503,
}
_CODES = {401: "unauthenticated", 403: "permission_denied", 404: "not_found", 413: "frame_too_large"}


def refused(refusal: Refusal) -> Response:
    """Answer a refusal."""
    headers = {}
    if refusal.error.retry_after_ms is not None:
        headers["retry-after"] = str(-(-refusal.error.retry_after_ms // 1000))
    if isinstance(refusal, Unread):
        headers["connection"] = "close"
    return json_response({"error": to_json(refusal.error)}, _STATUS.get(refusal.code, 400), headers)


async def on_refusal(_request: Request, error: Refusal) -> Response:
    """Answer what a route refused."""
    return refused(error)


async def on_http_error(_request: Request, error: HTTPException) -> Response:
    """Answer what Starlette refused, such as an unknown path or method."""
    refusal = Refusal(_CODES.get(error.status_code, "invalid_argument"))
    return json_response({"error": to_json(refusal.error)}, error.status_code, error.headers)


async def on_store_error(_request: Request, error: Exception) -> Response:
    """Answer while the database is away."""
    log.warning("a request is refused: %s", error)
    return refused(Refusal("unavailable"))


async def on_bug(_request: Request, _error: Exception) -> Response:
    """Answer our own mistake; Starlette raises it again behind the answer, so the server logs it."""
    return refused(Refusal("internal"))


HANDLERS: Mapping[type[Exception], Callable[[Request, Any], Awaitable[Response]]] = {
    Refusal: on_refusal,
    HTTPException: on_http_error,
    StoreUnavailable: on_store_error,
    Exception: on_bug,
}
