"""`/docs`: the documentation that ships with the project, as the text it is written in; and the wire for machines."""

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from protocol.errors import Refusal

_SHELF = files("app") / "docs"
_ASYNCAPI = files("protocol") / "schema" / "tidewire.v1.asyncapi.json"


async def document(request: Request) -> Response:
    """Answer one page; without a name, the first one."""
    name = request.path_params.get("name", "index").removesuffix(".md")
    # Only names that are there are served, so no path can leave the folder.
    page = next((page for page in _SHELF.iterdir() if page.name == f"{name}.md"), None)
    if page is None:
        raise Refusal("not_found", "There is no such page in the documentation.")
    return PlainTextResponse(page.read_text(encoding="utf-8"), headers={"x-content-type-options": "nosniff"})


async def asyncapi(_request: Request) -> Response:
    """Answer the AsyncAPI document of the socket, as `python -m protocol.schema` has written it."""
    return Response(_ASYNCAPI.read_bytes(), media_type="application/json")


def routes() -> tuple[Route, ...]:
    """The routes served here."""
    return (Route("/docs", document), Route("/docs/{name}", document), Route("/v1/asyncapi.json", asyncapi))
