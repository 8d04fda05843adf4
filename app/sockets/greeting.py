"""Answers a `hello`: who this is, what they missed, and what goes on right now."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import msgspec

from app.clock import Clock
from app.commands.dashboard import Dashboard
from app.commands.identity import Identity, Proof
from app.ids import Mint
from app.realtime.feed import Feed
from app.realtime.hub import Hub, Socket
from app.realtime.presence import Presences
from app.sockets.addresses import Addresses
from app.store import streams
from app.store.batching import Batch
from app.store.queries import Queries
from app.store.sessions import Session
from app.streams.registry import Registry
from app.streams.stream import Stream
from protocol.errors import Refusal, Violation
from protocol.frames.client import DashboardGet, Flow, Hello
from protocol.frames.objects import DashboardSnapshot, ResumedStream, StreamPosition
from protocol.frames.server import AuthInfo, EventsInfo, Heartbeat, Welcome
from protocol.ids import is_ticket
from protocol.limits import Limits
from protocol.server.presence import STATUS

PROTOCOL = "tidewire.v1"
# What a client may ask for by name; the server answers those it has, too.
CAPABILITIES = frozenset({STATUS, "tools"})


class Window(Protocol):
    """Says which flow window a client gets."""

    def window_for(self, granted: int | None) -> int:
        """How many bytes of data may be under way at first."""


@dataclass(frozen=True, slots=True)
class Greeted:
    """The welcome, and what the connection follows right behind it.

    Args:
        streams: each with the position it is followed from.
        offset: where the events begin.
    """

    welcome: Welcome
    session: Session
    feed: Feed
    offset: int
    streams: list[tuple[Stream, int]]


class Greeting:
    """Makes welcomes.

    Args:
        identity: checks who it is.
        addresses: refuses those from where too many hellos have failed.
        hub: where the socket joins its user.
        presences: counts the user's sockets on all nodes.
        registry: finds the streams it resumes.
        dashboard: reads the snapshot.
        database: knows what is active.
        mint: names the connection.
        clock: stamps.
        limits: announced to the client.
        node: this node's name.
    """

    def __init__(
        self,
        identity: Identity,
        addresses: Addresses,
        hub: Hub,
        presences: Presences,
        registry: Registry,
        dashboard: Dashboard,
        database: Queries,
        mint: Mint,
        clock: Clock,
        limits: Limits,
        *,
        node: str,
    ) -> None:
        self._identity = identity
        self._addresses = addresses
        self._hub = hub
        self._presences = presences
        self._registry = registry
        self._dashboard = dashboard
        self._active = Batch("running streams", partial(streams.active_of_users, database))
        self._mint = mint
        self._clock = clock
        self._limits = limits
        self._node = node

    async def greet(
        self, hello: Hello, proof: Proof | None, site: str | None, socket: Socket, window: Window
    ) -> Greeted:
        """Answer a hello; the socket has joined its user's hub when this returns.

        Args:
            hello: what the client says.
            proof: what the handshake proves, unless the hello brings a token of its own.
            site: the address it comes from; None on loopback.
            socket: joins the hub. Before anything is read: an event that is committed meanwhile is in the feed.
            window: says which flow window it gets.

        Raises:
            Violation: the connection is refused.
        """
        proof = proof if hello.token is None else _proof(hello.token)
        session, feed = await self.admit(proof, site, socket)
        try:
            return await self._welcome(hello, proof, session, feed, window)
        except BaseException:
            self._hub.leave(session.user_id, socket)
            raise

    async def admit(self, proof: Proof | None, site: str | None, socket: Socket) -> tuple[Session, Feed]:
        """Let a socket in; it has joined its user's hub when this returns.

        Args:
            proof: what it proves.
            site: the address it comes from; None on loopback.
            socket: joins the hub.

        Raises:
            Violation: the connection is refused.
        """
        session = await self._session(proof, site)
        feed = await self._hub.join(session.user_id, socket)
        try:
            await self._check_room(session.user_id)
        except BaseException:
            self._hub.leave(session.user_id, socket)
            raise
        return session, feed

    async def renewed(self, user_id: str, token: str) -> Session:
        """Find the session that a fresh token or ticket on a live socket proves.

        Raises:
            Refusal: it proves none, or one of somebody else (`permission_denied`).
        """
        session = await self._identity.session(_proof(token))
        if session.user_id != user_id:
            raise Refusal("permission_denied", "This token is of another user; they need a connection of their own.")
        return session

    async def _check_room(self, user_id: str) -> None:
        """Refuse a socket that is one too many, on all nodes together.

        It has joined before: hellos that come at once, here or elsewhere, must not all find room for one.
        """
        if not await self._presences.has_room(user_id, self._limits.connections_per_user):
            raise Violation("connection_limit")

    async def _session(self, proof: Proof | None, site: str | None) -> Session:
        self._addresses.check(site)
        try:
            return await self._identity.session(proof)
        except Refusal as refusal:
            self._addresses.failed(site)
            raise Violation(refusal.code, str(refusal)) from None

    async def _welcome(
        self, hello: Hello, proof: Proof | None, session: Session, feed: Feed, window: Window
    ) -> Greeted:
        user_id = session.user_id
        recovered = hello.events is not None and await self._hub.recover(user_id, feed, hello.events)
        snapshot = await self._snapshot(hello, user_id, recovered)
        found = await asyncio.gather(*(self._find(user_id, position) for position in hello.streams))
        followed: dict[str, tuple[Stream, int]] = {}
        resumed = [self._resume(*each, followed) for each in zip(hello.streams, found, strict=True)]
        active = await self._active.get(user_id) or []
        # With a snapshot the events go on from its position, which the feed may not have reached, or have passed.
        head = feed.head if snapshot is None else snapshot.offset
        offset = hello.events.offset if hello.events is not None and recovered else head
        welcome = Welcome(
            id=hello.id,
            protocol=PROTOCOL,
            connection_id=self._mint("con"),
            user_id=user_id,
            node=self._node,
            server_time=self._clock.now_ms(),
            capabilities=sorted(CAPABILITIES.intersection(hello.capabilities)),
            heartbeat=Heartbeat(
                interval_ms=self._limits.heartbeat_interval_ms, timeout_ms=self._limits.heartbeat_timeout_ms
            ),
            flow=Flow(window_bytes=window.window_for(hello.flow.window_bytes if hello.flow else None)),
            limits=msgspec.to_builtins(self._limits),
            auth=AuthInfo(method=proof.method if proof else "bearer", expires_at=session.expires_at),
            events=EventsInfo(epoch=feed.epoch, offset=head, recovered=recovered),
            active_streams=await self._registry.summaries(active),
            streams=resumed,
            snapshot=snapshot,
        )
        return Greeted(welcome, session, feed, offset, list(followed.values()))

    async def _snapshot(self, hello: Hello, user_id: str, recovered: bool) -> DashboardSnapshot | None:
        if recovered or hello.snapshot == "never":
            return None
        return await self._dashboard.snapshot(user_id, DashboardGet(id=hello.id))

    async def _find(self, user_id: str, position: StreamPosition) -> Stream | Refusal:
        """Find a stream the client knew, at least as far as the client has it, or say why it cannot be had."""
        try:
            return await self._registry.find_at(user_id, position.stream_id, position.after)
        except Refusal as refusal:
            return refusal

    def _resume(
        self, position: StreamPosition, found: Stream | Refusal, followed: dict[str, tuple[Stream, int]]
    ) -> ResumedStream:
        """Add a stream the client knew to those that are followed; a bad entry fails alone."""
        stream_id = position.stream_id
        if stream_id not in followed and len(followed) >= self._limits.streams_per_connection:
            found = Refusal("quota_exceeded", "This connection follows as many streams as it can.")
        if isinstance(found, Refusal):
            return ResumedStream(stream_id=stream_id, error=found.error)
        followed[stream_id] = found, position.after
        return ResumedStream(stream_id=stream_id, status=found.status, seq=found.head)


def _proof(token: str) -> Proof:
    return Proof(token, "ticket" if is_ticket(token) else "bearer")
