"""Starts, stops and drains this node's generations. Nothing here belongs to a socket."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from app.clock import Clock
from app.logs import note
from app.models.catalogue import Catalogue
from app.models.interface import Prompt
from app.store.engine import Database
from app.store.errors import StoreUnavailable
from app.streams import history
from app.streams.calling import Calling
from app.streams.closing import Closing, StreamLost
from app.streams.entitling import Entitling
from app.streams.generation import Generation
from app.streams.registry import Registry
from app.streams.runner import Halt, Runner
from app.streams.stream import Stream
from app.streams.tally import Tally
from app.streams.ticker import Ticker, TickStatistics
from app.tasks import Crew

log = logging.getLogger("tidewire.streams")

# Whatever a drain's deadline, this much of its end belongs to sealing what still runs.
SEALING = 2.0
# How long an answer that was accepted waits for a database that is away, and before each new try, in seconds.
PROMPT_PATIENCE, PROMPT_PAUSE = 10.0, 0.25


class Supervisor:
    """Owns the runners of this node.

    Args:
        database: where prompts are read.
        registry: where readers find the streams.
        ticker: makes chunks durable and visible.
        closing: ends what ran.
        entitling: names a chat after its first answer.
        catalogue: the models.
        calling: carries out the tool calls they make.
        clock: stamps.
        max_bytes: the longest answer, in bytes of its log.
        file_bytes: how much the files may have together that go to the model with a question.
        on_label: called when a stream of this node says what it is doing; a plain function.
    """

    def __init__(
        self,
        database: Database,
        registry: Registry,
        ticker: Ticker,
        closing: Closing,
        entitling: Entitling,
        catalogue: Catalogue,
        calling: Calling,
        clock: Clock,
        *,
        max_bytes: int,
        file_bytes: int,
        on_label: Callable[[Stream], None] = lambda _stream: None,
    ) -> None:
        self._database = database
        self._registry = registry
        self._ticker = ticker
        self._closing = closing
        self._entitling = entitling
        self._catalogue = catalogue
        self._calling = calling
        self._clock = clock
        self._max_bytes = max_bytes
        self._file_bytes = file_bytes
        self._on_label = on_label
        self._runners: dict[str, Runner] = {}
        self.draining = False
        self._crew = Crew("streams")
        self._titles = Crew("titles")  # of their own: a drain waits for answers, not for names
        self._rounds = Crew("rounds")

    @property
    def running(self) -> int:
        """How many generations run here."""
        return len(self._runners)

    @property
    def tally(self) -> Tally:
        """What became of the answers that ended here."""
        return self._closing.tally

    @property
    def tool_calls(self) -> Mapping[tuple[str, str], int]:
        """How tool calls ended here, by tool and outcome."""
        return self._calling.outcomes

    def ticks(self) -> TickStatistics:
        """What the tick did."""
        return self._ticker.statistics()

    def runs(self, stream_id: str) -> bool:
        """Whether a generation runs here."""
        return stream_id in self._runners

    def open(self) -> None:
        """Begin to tick."""
        self._ticker.report_losses(self._lose)
        self._rounds.start(self._ticker.run(), name="ticker")

    def launch(self, generation: Generation) -> Stream:
        """Run a generation that was committed as started by this node."""
        stream = self._registry.get(generation.stream_id)
        if stream is None:
            stream = self._registry.add(generation)
        stream.started_at = generation.started_at
        stream.is_ours = True
        stream.on_label = self._on_label
        stream.advance("start")
        runner = Runner(
            generation,
            stream,
            self._catalogue,
            self._calling,
            self._ticker,
            self._clock,
            self._closing.tally,
            max_bytes=self._max_bytes,
        )
        self._runners[generation.stream_id] = runner
        if generation.stop_early:
            runner.halt("stop")
        self._crew.start(self._run(runner), name=generation.stream_id)
        return stream

    def halt(self, stream_id: str, why: Halt) -> bool:
        """End a generation that runs here; say whether one does."""
        runner = self._runners.get(stream_id)
        if runner is not None:
            runner.halt(why)
        return runner is not None

    def halt_chat(self, user_id: str, chat_id: str) -> None:
        """End whatever runs here in a chat, without asking the database."""
        for runner in list(self._runners.values()):
            if (runner.generation.user_id, runner.generation.chat_id) == (user_id, chat_id):
                runner.halt("stop")

    async def stop(self, stream_id: str) -> bool:
        """Stop a generation and wait until it is stored and its end is sent; say whether it ran here."""
        runner = self._runners.get(stream_id)
        if runner is not None:
            runner.halt("stop")
            await runner.over.wait()
        return runner is not None

    async def drain(self, within: float) -> None:
        """Wait until every generation has ended; seal what still runs shortly before the deadline.

        Args:
            within: how long people's answers may still take, in seconds.
        """
        self.draining = True
        if not await self._crew.idle(max(0.0, within - SEALING)):
            log.warning("%d answers are cut off by the end of the drain", len(self._runners))
            for runner in list(self._runners.values()):
                runner.halt("drain")
            await self._crew.idle(SEALING)

    async def close(self) -> None:
        """Stop ticking; what still runs is left to the journal, and sealed at the next start."""
        await self._titles.close()
        await self._crew.close()
        await self._rounds.close()

    def _lose(self, stream_id: str) -> None:
        """Give up a stream that another node has taken over; whoever asks for it next follows that node."""
        self.halt(stream_id, "lost")
        self._registry.forget([stream_id])

    async def _run(self, runner: Runner) -> None:
        generation, stream = runner.generation, runner.stream
        # Not of the connection that asked for it: it is owned by no socket.
        note(connection=None, user=generation.user_id, chat=generation.chat_id, stream=generation.stream_id)
        try:
            ending = await runner.run(lambda: self._prompt(generation))
            started = await self._closing.end(generation, stream, ending, start_next=not self.draining)
        except StreamLost:
            if not stream.is_lost:
                stream.lose()
                self._registry.forget([stream.stream_id])
            return
        finally:
            del self._runners[generation.stream_id]
            runner.over.set()
        for waiting in started:
            self.launch(waiting)
        if ending.status == "completed":
            self._titles.start(self._entitling.entitle(generation), name=generation.chat_id)

    async def _prompt(self, generation: Generation) -> Prompt:
        """Read what the model is asked; a database that is restarted costs this answer a moment and no more.

        Raises:
            StoreUnavailable: the database stays away.
        """
        tools, now = self._calling.offers(generation), self._clock.now_ms()
        give_up_at = self._clock.monotonic() + PROMPT_PATIENCE
        while True:
            try:
                return await history.prompt(self._database, generation, tools, file_bytes=self._file_bytes, now=now)
            except StoreUnavailable as problem:
                if self._clock.monotonic() >= give_up_at:
                    raise
                log.warning("%s: its prompt cannot be read yet: %s", generation.stream_id, problem)
                await asyncio.sleep(PROMPT_PAUSE)
