"""The ASGI application: a plain callable that sends each kind of connection where it belongs."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from app.logs import note

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Node(Protocol):
    """What lives as long as the server does."""

    async def open(self) -> None:
        """Begin to work."""

    async def close(self) -> None:
        """Stop working, in good order."""


class Application:
    """Routes lifespan to the node, HTTP to the web, and websockets to their endpoint by path.

    Args:
        node: opened and closed with the server.
        web: answers HTTP.
        sockets: the websocket endpoints by path; any other path is refused before the upgrade.
    """

    def __init__(self, node: Node, web: App, sockets: dict[str, App]) -> None:
        self._node = node
        self._web = web
        self._sockets = sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http":
            note(path=scope["path"])
            await self._web(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._sockets.get(scope["path"], _refuse)(scope, receive, send)
        else:
            await self._live(receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()  # lifespan.startup
        await self._node.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()  # lifespan.shutdown
        await self._node.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _refuse(_scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1008})
