from collections.abc import MutableMapping
from typing import Any

import pytest

from app.asgi import Application

Message = MutableMapping[str, Any]


class Recording:
    """Every collaborator of the application: a node, HTTP, and a websocket endpoint."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.sent: list[Message] = []
        self.application = Application(self, self.app("web"), {"/v1/socket": self.app("socket")})

    async def open(self) -> None:
        self.calls.append("open")

    async def close(self) -> None:
        self.calls.append("close")

    def app(self, name: str) -> Any:
        async def app(_scope: Message, _receive: Any, _send: Any) -> None:
            self.calls.append(name)

        return app

    async def receive(self) -> Message:
        self.calls.append("receive")
        return {}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def connect(self, kind: str, path: str = "/") -> None:
        await self.application({"type": kind, "path": path}, self.receive, self.send)


@pytest.mark.parametrize(
    ("kind", "path", "calls"),
    [("http", "/v1/socket", ["web"]), ("http", "/", ["web"]), ("websocket", "/v1/socket", ["socket"])],
)
async def test_each_kind_of_connection_goes_where_it_belongs(kind: str, path: str, calls: list[str]) -> None:
    recording = Recording()
    await recording.connect(kind, path)
    assert recording.calls == calls


@pytest.mark.parametrize("path", ["/", "/v1/socket/", "/v1/other"])
async def test_a_websocket_elsewhere_is_refused_before_the_upgrade(path: str) -> None:
    recording = Recording()
    await recording.connect("websocket", path)
    assert recording.calls == ["receive"]
    assert recording.sent == [{"type": "websocket.close", "code": 1008}]


async def test_the_node_lives_as_long_as_the_server() -> None:
    recording = Recording()
    await recording.connect("lifespan")
    assert recording.calls == ["receive", "open", "receive", "close"]
    assert [message["type"] for message in recording.sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
