"""JSON in and out of HTTP requests."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.web.body import read_body
from protocol.codec import read_object
from protocol.errors import Refusal

Form = TypeVar("Form", bound=msgspec.Struct)

MAX_BODY = 64 * 1024
# A few bytes of JSON; whoever takes longer holds a connection on purpose.
BODY_SECONDS = 10


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
        Refusal: it is something else, larger than 64 KiB, or slower than ten seconds.
    """
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise Refusal("invalid_argument", "Send the body as `content-type: application/json`.")
    try:
        value = orjson.loads(await read_body(request, too_large=_too_large, seconds=BODY_SECONDS))
    except orjson.JSONDecodeError:
        raise Refusal("invalid_argument", "The body is not valid JSON.") from None
    if not isinstance(value, dict):
        raise Refusal("invalid_argument", "The body must be a JSON object.")
    return value


async def json_form(request: Request, form: type[Form]) -> Form:
    """Read the body as a JSON object with these fields.

    Raises:
        Refusal: as `json_body`, or a field is missing or wrong.
    """
    return read_object(await json_body(request), form)


def _too_large(size: int) -> Refusal | None:
    return Refusal("frame_too_large", "The body is larger than 64 KiB.") if size > MAX_BODY else None
