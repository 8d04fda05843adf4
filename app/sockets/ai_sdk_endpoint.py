"""`GET /v1/ai-sdk`: the handshake of the AI SDK's own class, which cannot say hello."""

import random
from collections.abc import Callable
from urllib.parse import parse_qs

from app.commands.identity import Proof
from app.ids import Mint
from app.sockets.ai_sdk import StockServices, StockSocket
from app.sockets.endpoint import Receive, Scope, Send, Sockets, proof_of
from app.sockets.line import Services
from app.sockets.outlet import outlet_of
from protocol.ai_sdk import FRAME_BYTES, StockConnection
from protocol.limits import Limits

LONGEST_QUERY = 8_192


class Wishes:
    """What the address of a connection asks for.

    Args:
        query: the query string, as it came.

    Attributes:
        ticket: proves who it is, once.
        events: dashboard events are wanted.
        detaches: an abort never stops an answer.
    """

    __slots__ = ("detaches", "events", "ticket")

    def __init__(self, query: bytes) -> None:
        fields = parse_qs(query[:LONGEST_QUERY].decode("latin-1"))
        self.ticket = fields["ticket"][-1] if "ticket" in fields else None
        self.events = fields.get("events", [""])[-1] == "1"
        self.detaches = fields.get("abort", [""])[-1] == "detach"


class StockEndpoint:
    """The websocket endpoint of the vendor's class; its sockets are counted and drained with all others.

    Args:
        sockets: every open connection of this node.
        services: what all connections share.
        stock: what those of this kind share beside that.
        limits: every limit and timer.
        mint: names connections and commands.
        randomness: spreads pings.
    """

    def __init__(
        self,
        sockets: Sockets,
        services: Services,
        stock: StockServices,
        limits: Limits,
        mint: Mint,
        randomness: Callable[[], float] = random.random,
    ) -> None:
        self._sockets = sockets
        self._services = services
        self._stock = stock
        self._limits = limits
        self._mint = mint
        self._randomness = randomness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one websocket, as an ASGI application."""
        offered = scope.get("subprotocols") or []  # a page may name any; the frames are the same
        if not await self._sockets.accept(scope, receive, send, offered[0] if offered else None):
            return
        wishes = Wishes(scope.get("query_string", b""))
        proof = proof_of(scope) if wishes.ticket is None else Proof(wishes.ticket, "ticket")
        site = self._sockets.site_of(scope)
        async with outlet_of(scope, send) as outlet:
            outlet.limit(FRAME_BYTES)
            core = StockConnection(
                self._limits,
                self._services.clock.monotonic(),
                self._randomness(),
                lambda: self._mint("cmd"),
                detaches=wishes.detaches,
                can_ping=outlet.can_ping,
                watch=self._services.traffic,
            )
            line = StockSocket(
                core,
                outlet,
                proof,
                site,
                self._services,
                self._stock,
                client_id=self._mint("con"),
                wants_events=wishes.events,
            )
            await self._sockets.serve(line, site, receive)
