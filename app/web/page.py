"""Serves the page: its files, and index.html for every path that is a place in it."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

UI = Path(__file__).parent / "ui" / "dist"

# Model text is never trusted: nothing inline runs, nothing is loaded from elsewhere, nobody frames the page.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; connect-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


class _Page(StaticFiles):
    """The page's files; any other path is a place in the page, which its own code shows."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer a file, or index.html."""
        try:
            response = await super().get_response(path, scope)
        except HTTPException as missing:
            # What looks like a call of the API, or like a file, is no place in the page.
            if missing.status_code != 404 or path.startswith("v1/") or "." in path.rpartition("/")[2]:
                raise
            response = await super().get_response("index.html", scope)
        response.headers.update(HEADERS)
        return response


def route() -> Mount:
    """The page's route; the last one, because it takes every path that is left."""
    return Mount("/", _Page(directory=UI, html=True))
