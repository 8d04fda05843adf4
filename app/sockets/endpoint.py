"""`GET /v1/socket`: the handshake, and the sockets of this node, whichever frames they speak."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from app.auth.admission import Admission
from app.auth.tokens import bearer_of, cookie_of
from app.commands.identity import Proof
from app.sockets.addresses import Addresses
from app.sockets.greeting import PROTOCOL
from app.sockets.line import Line, Services
from app.sockets.outlet import outlet_of
from app.sockets.socket import Socket
from app.sockets.traffic import SocketStatistics
from protocol.errors import Violation
from protocol.frames.server import Goodbye
from protocol.limits import Limits
from protocol.server import ServerConnection

log = logging.getLogger("tidewire.sockets")

LOOK_FOR_MOVES_EVERY = 0.05

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Sockets:
    """The websocket endpoint, and every open connection of this node.

    Args:
        services: what the sockets share.
        limits: every limit and timer.
        admission: which origins may connect.
        addresses: how many sockets each may have.
        randomness: spreads pings and reconnects.
    """

    def __init__(
        self,
        services: Services,
        limits: Limits,
        admission: Admission,
        addresses: Addresses,
        randomness: Callable[[], float] = random.random,
    ) -> None:
        self._services = services
        self._limits = limits
        self._admission = admission
        self._addresses = addresses
        self._randomness = randomness
        self._open: set[Line] = set()
        self._draining = False

    def __len__(self) -> int:
        return len(self._open)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one websocket that speaks `tidewire.v1`, as an ASGI application."""
        offered = scope.get("subprotocols") or []
        chosen = PROTOCOL if PROTOCOL in offered else offered[0] if offered else None
        if not await self.accept(scope, receive, send, chosen):
            return
        refusal = None if chosen in (None, PROTOCOL) else Violation("unsupported_protocol")
        core = ServerConnection(self._limits, self._now(), self._randomness(), watch=self._services.traffic)
        async with outlet_of(scope, send) as outlet:
            outlet.limit(self._limits.frame_bytes)
            site = self.site_of(scope)
            await self.serve(Socket(core, outlet, proof_of(scope), site, self._services), site, receive, refusal)

    async def accept(self, scope: Scope, receive: Receive, send: Send, subprotocol: str | None) -> bool:
        """Take the upgrade, unless it comes from a page that may not ask; say whether it was taken."""
        await receive()  # websocket.connect
        if not self._admission.admits(scope):
            self._services.traffic.refused += 1
            await send({"type": "websocket.close", "code": 1008})  # before accept: a plain 403 (guarantee 31)
            return False
        await send({"type": "websocket.accept", "subprotocol": subprotocol})
        return True

    async def serve(self, line: Line, site: str | None, receive: Receive, refusal: Violation | None = None) -> None:
        """Serve one connection until it is gone; one that may not stay is told why."""
        traffic = self._services.traffic
        has_room = self._addresses.enter(site)
        self._open.add(line)
        traffic.accepted += 1
        try:
            if refusal is not None:
                line.refuse(refusal)
            elif self._draining:
                line.refuse(Violation("draining"))
            elif not has_room:
                line.refuse(Violation("connection_limit", "Too many connections from your address."))
            await line.run(receive)
        finally:
            self._open.discard(line)
            self._addresses.leave(site)
            traffic.gone(line.close_code, line.bytes_sent)

    def _now(self) -> float:
        return self._services.clock.monotonic()

    def site_of(self, scope: Scope) -> str | None:
        """The address a connection is counted by; None on loopback."""
        return self._addresses.site_of(self._admission.peer(scope))

    def statistics(self) -> SocketStatistics:
        """Say how the sockets are, and what passed over them since the start."""
        traffic = self._services.traffic
        return SocketStatistics(
            open=len(self._open),
            stalled=sum(socket.is_stalled for socket in self._open),
            full=sum(socket.is_full for socket in self._open),
            accepted=traffic.accepted,
            refused=traffic.refused,
            bytes_sent=traffic.bytes_sent + sum(socket.bytes_sent for socket in self._open),
            closed=traffic.closed,
            commands=self._services.commands.outcomes,
            errors=traffic.errors,
            resumes=traffic.resumes,
        )

    def stop_admitting(self) -> None:
        """Refuse new sockets from now on, because this node is about to go."""
        self._draining = True

    async def say_goodbye(self, spread_ms: int, close_after_ms: int, *, wait_for_moves: bool = False) -> None:
        """Tell every client to move, wait for commands under way, then close 1012 (guarantee 30).

        Args:
            spread_ms: clients come back at a random moment within this time, so that they do not all come at once.
            close_after_ms: how long commands under way may still take.
            wait_for_moves: whether clients get that long to leave by themselves, too, because they have where to go.
        """
        farewell = Goodbye(reason="draining", reconnect_after_ms=(0, spread_ms), close_after_ms=close_after_ms)
        for socket in list(self._open):
            socket.goodbye(farewell)
        deadline = self._services.clock.monotonic() + close_after_ms / 1000
        await self._services.crew.idle(close_after_ms / 1000)
        while wait_for_moves and self._open and self._services.clock.monotonic() < deadline:  # noqa: ASYNC110 - once
            await asyncio.sleep(LOOK_FOR_MOVES_EVERY)
        for socket in list(self._open):
            socket.close(1012, "draining")


def proof_of(scope: Scope) -> Proof | None:
    """What the handshake proves: the bearer token before the cookie."""
    if (token := bearer_of(scope["headers"])) is not None:
        return Proof(token, "bearer")
    if (token := cookie_of(scope["headers"])) is not None:
        return Proof(token, "cookie")
    return None
