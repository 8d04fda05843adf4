"""JSON in and out of HTTP requests."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from protocol.errors import Refusal

MAX_BODY = 64 * 1024


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer a JSON value that nobody may store."""
    return Response(
        orjson.dumps(value),
        status_code=status,
        media_type="application/json",
        headers={"cache-control": "no-store"} | dict(headers or {}),
    )


async def json_body(request: Request) -> dict[str, Any]:
    """Read the body as a JSON object.

    Only `application/json` is taken: a page of another origin can send a form or plain text unasked, but not this.

    Raises:
        Refusal: it is something else, or larger than 64 KiB.
    """
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise Refusal("invalid_argument", "Send the body as `content-type: application/json`.")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY:
            raise Refusal("frame_too_large", "The body is larger than 64 KiB.")
    try:
        value = orjson.loads(bytes(body))
    except orjson.JSONDecodeError:
        raise Refusal("invalid_argument", "The body is not valid JSON.") from None
    if not isinstance(value, dict):
        raise Refusal("invalid_argument", "The body must be a JSON object.")
    return value
