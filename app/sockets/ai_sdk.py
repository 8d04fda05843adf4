"""Drives one connection of the AI SDK's own class: the same commands and streams as any other, in other frames."""

import asyncio
import logging
from collections.abc import Awaitable, Coroutine, Iterable
from typing import Any

from app.commands.ai_sdk import StockChats
from app.commands.identity import Proof
from app.commands.reply import Caller, Reply
from app.commands.table import lane_of
from app.logs import note
from app.sockets.cuts import Cuts
from app.sockets.lanes import Lane
from app.sockets.line import Line, Services
from app.sockets.outlet import Outlet, frame
from app.store.errors import StoreUnavailable
from app.streams.stream import Stream
from protocol.ai_sdk import Action, Asked, Resumed, StockConnection, Stop
from protocol.ai_sdk.connection import Ping
from protocol.errors import Refusal, Violation

log = logging.getLogger("tidewire.sockets")

# Seconds to wait for a database that is away; what runs here is halted at the first try.
STOP_AGAIN_AFTER = (0.5, 1.0, 2.0, 4.0, 0.0)


class StockServices:
    """What the connections of this kind share, beside what all connections do.

    Args:
        chats: carries out their requests.
        cuts: remembers which answers they were reading when they broke.
    """

    __slots__ = ("chats", "cuts")

    def __init__(self, chats: StockChats, cuts: Cuts) -> None:
        self.chats = chats
        self.cuts = cuts


class StockSocket(Line):
    """One connection of the vendor's class.

    Args:
        core: the rules of this connection.
        outlet: where frames are written.
        proof: what the handshake proved of who it is.
        site: the address it comes from; None on loopback.
        services: what it shares with all others.
        stock: what it shares with its kind.
        client_id: its name in the events that it causes.
        wants_events: whether it gets dashboard events.
    """

    __slots__ = ("_client_id", "_core", "_stock", "_wants_events")

    def __init__(
        self,
        core: StockConnection,
        outlet: Outlet,
        proof: Proof | None,
        site: str | None,
        services: Services,
        stock: StockServices,
        *,
        client_id: str,
        wants_events: bool,
    ) -> None:
        super().__init__(core, outlet, proof, site, services)
        self._core = core
        self._stock = stock
        self._client_id = client_id
        self._wants_events = wants_events

    async def _open(self) -> None:
        self._outlet.on_pong(self._ponged)
        if self._core.closing is None:
            await self._admit()
        self.flush()

    async def _admit(self) -> None:
        try:
            session, feed = await self._services.greeting.admit(self._proof, self._site, self)
        except Violation as violation:
            self.refuse(violation)
        except StoreUnavailable:
            self.refuse(Violation("unavailable"))
        except Exception:
            log.exception("a connection could not be admitted")
            self.refuse(Violation("internal"))
        else:
            note(user=session.user_id, connection=self._client_id)
            self._caller = Caller(session.user_id, self._client_id)
            self._services.signed_in.enter(session, self)
            self._core.renew(self._end_of(session)[0])
            if self._wants_events:
                self._core.follow_events(feed, feed.head)

    # What comes in

    async def _take_in(self, data: str | bytes, now: float) -> None:
        self._do(self._core.receive(data, now))

    def _expire(self, now: float) -> None:
        self._do(self._core.expire(now))

    def _ponged(self, payload: bytes) -> None:
        self._core.ponged(payload, self._services.clock.monotonic())
        self.flush()

    def _do(self, actions: Iterable[Action]) -> None:
        """Begin what was asked for, in order; nothing here waits."""
        if self._caller is None:
            return
        for action in actions:
            self._services.crew.start(self._work(self._caller, action), name=type(action).__name__)

    def _work(self, caller: Caller, action: Action) -> Coroutine[Any, Any, None]:
        if isinstance(action, Asked):
            # The place in the lane is taken here, in the order of arrival, not when the task comes to run.
            lane = self._lanes.enter(lane_of(action.command))
            return self._carry_out_request(action.request_id, self._ask(caller, action, lane))
        if isinstance(action, Resumed):
            return self._carry_out_request(action.request_id, self._resume(caller, action))
        return self._halt(caller, action)

    async def _carry_out_request(self, request_id: str, work: Awaitable[None]) -> None:
        """Answer one request; whatever goes wrong with it costs nobody else anything."""
        try:
            await work
        except Refusal as refusal:
            self._core.refuse(request_id, refusal.error)
        except StoreUnavailable as problem:
            log.warning("a request is refused: %s", problem)
            self._core.refuse(request_id, Refusal("unavailable").error)
        except Exception:
            log.exception("a request failed")
            self._core.refuse(request_id, Refusal("internal").error)
        self.flush()

    async def _ask(self, caller: Caller, asked: Asked, lane: Lane) -> None:
        async with lane:
            reply: Reply = await self._stock.chats.ask(caller, asked)
        self._stock.cuts.forget(caller.user_id, asked.command.chat_id)
        if reply.subscribe is None:
            self._core.finish(asked.request_id)
        else:
            self._begin(asked.request_id, reply.subscribe[0])

    async def _resume(self, caller: Caller, resumed: Resumed) -> None:
        cut = self._stock.cuts.find(caller.user_id, resumed.chat_id)
        stream = await self._stock.chats.resume(caller.user_id, resumed.chat_id, cut)
        self._stock.cuts.forget(caller.user_id, resumed.chat_id)
        if stream is None:
            self._core.nothing(resumed.request_id)
        else:
            self._begin(resumed.request_id, stream)

    def _begin(self, request_id: str, stream: Stream) -> None:
        if self._closed:
            return
        actions = self._core.follow(request_id, stream)
        if actions is None:
            return  # it was let go meanwhile
        stream.readers.add(self)
        self._do(actions)

    async def _halt(self, caller: Caller, stop: Stop) -> None:
        """Stop an answer. The class asks once and hears nothing of it, so that is tried again where it may help."""
        for pause in STOP_AGAIN_AFTER:
            try:
                await self._services.commands.run(caller, stop.command)
            except StoreUnavailable as problem:
                log.warning("a stop has to wait: %s", problem)
                await asyncio.sleep(pause)
                continue
            except Refusal as refusal:
                log.info("a stop is refused: %s", refusal.code)
            self.flush()
            return

    # What goes out

    def _write(self, frames: list[bytes]) -> None:
        """Write what was taken; the place of a ping among the frames is what it proves."""
        batch: list[bytes] = []
        for payload in frames:
            if isinstance(payload, Ping):
                if batch:
                    self._outlet.write(batch)
                    batch = []
                self._outlet.ping(payload)
            else:
                batch.append(frame(payload))
        if batch:
            self._outlet.write(batch)

    def _leave(self) -> None:
        if self._caller is not None:
            for chat_id, stream_id in self._core.unread():
                self._stock.cuts.note(self._caller.user_id, chat_id, stream_id)
        self._do(self._core.halt())
        super()._leave()
