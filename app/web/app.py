"""The web application: every HTTP route in one list."""

from starlette.applications import Starlette

from app.web import docs, page
from app.web.auth import Auth
from app.web.errors import HANDLERS
from app.web.health import Health


def web(auth: Auth, health: Health) -> Starlette:
    """Assemble the routes; the page comes last, because it takes every path that is left."""
    return Starlette(
        routes=[*auth.routes(), *health.routes(), *docs.routes(), page.route()],
        exception_handlers=HANDLERS,
    )
