"""Serves the page: its files, and index.html for every path that is a place in it."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

# What app/web/ui/build_hook.py makes of the sources beside it.
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
# The name of an asset has a hash of what is in it: under this name it never changes.
FOR_GOOD = "public, max-age=31536000, immutable"

NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Tidewire</title>
<h1>The server runs, but its page was not built.</h1>
<p>In the folder <code>app/web/ui</code> run <code>npm ci && npm run build</code> (Node 20.19 or later), or install
once more with <code>pip install .</code>, which says why it could not. Then reload. Programs can connect already.</p>
"""


class _Page(StaticFiles):
    """The page's files; any other path is a place in the page, which its own code shows."""

    async def check_config(self) -> None:
        """A page that was not built is said in its place, not raised."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer a file, or index.html."""
        try:
            response = await super().get_response(path, scope)
        except HTTPException as missing:
            # What looks like a call of the API, or like a file, is no place in the page.
            if missing.status_code != 404 or path.startswith("v1/") or "." in path.rpartition("/")[2]:
                raise
            response = await self._index(scope)
        response.headers.update(HEADERS)
        if path.startswith("assets/") and response.status_code in (200, 206, 304):
            response.headers["cache-control"] = FOR_GOOD
        return response

    async def _index(self, scope: Scope) -> Response:
        try:
            return await super().get_response("index.html", scope)
        except HTTPException:
            return Response(NOT_BUILT, 503, media_type="text/html")


def route(directory: Path = UI) -> Mount:
    """The page's route; the last one, because it takes every path that is left."""
    page = _Page(directory=directory, html=True, check_dir=False)
    return Mount("/", page, middleware=[Middleware(GZipMiddleware, minimum_size=1_000)])
