"""The web application: every HTTP route in one list."""

from collections.abc import Sequence
from itertools import chain

from starlette.applications import Starlette
from starlette.routing import Route

from app.web import docs, page
from app.web.errors import HANDLERS


def web(*parts: Sequence[Route]) -> Starlette:
    """Assemble the routes of these parts; the page comes last, because it takes every path that is left."""
    return Starlette(
        routes=[*chain(*parts), *docs.routes(), page.route()],
        exception_handlers=HANDLERS,
    )
