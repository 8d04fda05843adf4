"""The web application of one node, called as ASGI calls it."""

import asyncio
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any, Literal

import orjson

from app.auth.admission import Admission
from app.auth.origin import Origin
from app.auth.peer import networks
from app.commands.accounts import Accounts, Registration
from app.web.account import Account
from app.web.app import web
from app.web.auth import Auth, Rates
from app.web.export import Export
from app.web.files import Files
from app.web.gate import Gate
from app.web.health import Health
from app.web.metrics import Metrics
from app.web.usage import Usage
from tests.app.world import World

HOST = "localhost:8000"
JSON = {"content-type": "application/json"}
SAME = {"origin": f"http://{HOST}"}


Ending = Literal["whole", "stalled", "gone"]


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    sizes: Sequence[int] = ()  # of the pieces the body came in

    def __getitem__(self, name: str) -> str:
        found = [value for key, value in self.headers if key == name]
        assert len(found) <= 1
        return found[0] if found else ""

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def refused(self) -> tuple[int, str]:
        """Its status and the code of its ErrorObject."""
        assert self.json.keys() == {"error"}
        assert self.json["error"].keys() >= {"code", "message", "retryable"}
        return self.status, self.json["error"]["code"]


class Site:
    """The web application of one node."""

    def __init__(
        self,
        world: World,
        *,
        guests: bool = True,
        origins: tuple[Origin, ...] = (),
        registration: Registration = "open",
        metrics_token: str = "",
    ) -> None:
        self.world = world
        self.problem: str | None = None
        self.waiting = 0  # requests of which no more comes
        admission = Admission(origins, loopback_only=not origins, proxies=networks(["10.0.0.0/8"]))
        self.gate = Gate(world.identity, admission, world.clock)
        self.accounts = Accounts(
            world.store, world.identity, world.passwords, world.signed_in, world.clock, registration=registration
        )
        self.auth = Auth(
            self.gate, world.identity, self.accounts, world.signing_out, guests=guests, rates=Rates(2, 3, 4)
        )
        account = Account(self.gate, self.accounts, world.signing_out, world.tokens, world.leaving)
        networks_of_ours = networks(["127.0.0.0/8", "192.0.2.0/24"])
        metrics = Metrics(lambda: b"up 1\n", admission, networks=networks_of_ours, token=metrics_token)
        health, usage = Health(self.readiness), Usage(self.gate, world.store, world.clock, world.quota)
        files = Files(self.gate, world.uploads, world.store, world.clock)
        self.export = Export(self.gate, world.store, world.clock)
        parts = (self.auth, account, health, metrics, usage, files, self.export)
        self.app = web(*(part.routes() for part in parts))

    async def readiness(self) -> str | None:
        return self.problem

    async def call(
        self, method: str, path: str, body: bytes = b"", ending: Ending = "whole", /, **headers: str
    ) -> Answer:
        """Make a request with these headers; `client` is the address it comes from.

        Args:
            ending: how its body ends: whole, or the sender stands still, or is gone.
        """
        client = headers.pop("client", "127.0.0.1")
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"host", HOST.encode())]
            + [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
            "client": (client, 4711),
            "server": ("localhost", 8000),
        }
        sent: list[MutableMapping[str, Any]] = []
        pieces = [body[at : at + 50_000] for at in range(0, len(body), 50_000)] or [b""]

        async def receive() -> MutableMapping[str, Any]:
            if pieces:
                piece = pieces.pop(0)
                return {"type": "http.request", "body": piece, "more_body": bool(pieces) or ending != "whole"}
            if ending != "gone":
                self.waiting += 1
                await asyncio.Event().wait()  # the client stays
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        got = [message.get("body", b"") for message in sent[1:]]
        headers_got = [(key.decode(), value.decode()) for key, value in sent[0]["headers"]]
        return Answer(sent[0]["status"], headers_got, b"".join(got), [len(piece) for piece in got])

    async def guest(self, **headers: str) -> Answer:
        return await self.call("POST", "/v1/auth/guest", b"{}", **(JSON | SAME | headers))


def cookie_of(answer: Answer) -> Any:
    return SimpleCookie(answer["set-cookie"])["tidewire_session"]
