"""Talk to a Tidewire server from Python.

    async with tidewire.connect("http://127.0.0.1:8000") as client:
        answer = await client.send(client.new_id(), "What is a tide wire?")
        async for text in answer.text():
            print(text, end="", flush=True)
        print((await answer.finished()).status)

The client reconnects by itself and continues every answer exactly where it stood.
"""

import random as randomness
from collections.abc import Callable

from protocol.client import Dashboard, Notice, Refreshed, Reset
from protocol.frames.client import ClientInfo
from protocol.frames.objects import (
    ActiveStream,
    DashboardChat,
    DashboardProject,
    DashboardSnapshot,
    ErrorObject,
    ModelChoice,
    Usage,
)
from protocol.frames.server import Event
from tidewire.answer import Answer, Finished, text_of
from tidewire.client import Client
from tidewire.clock import Clock, Timer
from tidewire.driver import TokenSource
from tidewire.errors import (
    ClientClosed,
    CommandRefused,
    ConnectionStopped,
    OutboxFull,
    StreamLost,
    TidewireError,
    Unreachable,
)
from tidewire.guest import GuestSession, guest_session
from tidewire.transport import ConnectFailed, Connector, Socket, connector
from tidewire.upload import UploadedFile
from tidewire.verbs import ChatPage

__all__ = [
    "ActiveStream",
    "Answer",
    "ChatPage",
    "Client",
    "ClientClosed",
    "ClientInfo",
    "Clock",
    "CommandRefused",
    "ConnectFailed",
    "ConnectionStopped",
    "Connector",
    "Dashboard",
    "DashboardChat",
    "DashboardProject",
    "DashboardSnapshot",
    "ErrorObject",
    "Event",
    "Finished",
    "GuestSession",
    "ModelChoice",
    "OutboxFull",
    "Refreshed",
    "Reset",
    "Socket",
    "StreamLost",
    "TidewireError",
    "Timer",
    "TokenSource",
    "Unreachable",
    "UploadedFile",
    "Usage",
    "connect",
    "connector",
    "guest_session",
    "text_of",
]


def connect(
    url: str,
    *,
    token: str | TokenSource | None = None,
    dashboard: bool = True,
    timeout: float | None = 30.0,
    info: ClientInfo | None = None,
    capabilities: tuple[str, ...] = (),
    observer: Callable[[Notice], None] | None = None,
    connector: Connector | None = None,
    clock: Clock | None = None,
    random: randomness.Random | None = None,
) -> Client:
    """Connect to a server: `async with tidewire.connect(url) as client`.

    Args:
        url: the server's address, as `http://127.0.0.1:8000`.
        token: a session or API token; or a coroutine function that returns a fresh token or ticket, asked for every
            socket, when the server says that the old one expires, and once more when it was refused. While it raises
            OSError or `Unreachable` it is asked again; anything else it raises ends the client. None makes a guest
            session.
        dashboard: keep `client.dashboard` true; False saves the work and only passes events on.
        timeout: seconds to wait for the first welcome; None waits for ever.
        info: what this client calls itself towards the operator.
        capabilities: what it asks for by name, as `status` or `tools`; `client.welcome` says what is served.
        observer: sees every notice of the rules, in order and before anything else happens; for tools and tests. Must
            not block.
        connector, clock, random: stand-ins for sockets, time and chance, for tests in virtual time.
    """
    return Client(
        url, token=token, dashboard=dashboard, timeout=timeout, info=info, capabilities=capabilities,
        observer=observer, open_socket=connector, clock=clock, random=random,
    )  # fmt: skip
