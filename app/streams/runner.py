"""Runs one generation: the model writes, the log takes. It is owned by no socket (guarantee 14)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Literal

from app.clock import Clock
from app.models.catalogue import Catalogue
from app.models.interface import THINKING, FinishReason, ModelFailure, Prompt
from app.store.errors import StoreUnavailable
from app.streams import steps
from app.streams.calling import Calling
from app.streams.generation import INTERRUPTED, STOPPED, TOO_LONG, Ending, Generation, failed
from app.streams.metering import Meter, Stopwatch
from app.streams.stream import Stream
from app.streams.tally import Tally
from app.streams.ticker import Ticker
from protocol.codes import ERRORS
from protocol.errors import Refusal
from protocol.parts import chunks
from protocol.parts.chunks import Chunk, ChunkError, Part
from protocol.parts.clean import clean
from protocol.parts.fold import Fold
from protocol.parts.grammar import Grammar, ending

log = logging.getLogger("tidewire.streams")

Halt = Literal["stop", "full", "drain", "lost"]

# What a halt makes of the answer. A runaway answer ends as one that reached its length.
_HALTED: dict[Halt, Ending] = {"stop": STOPPED, "full": TOO_LONG, "drain": INTERRUPTED}
# A provider's connection closes within a millisecond of the cancellation; one that does not is left behind, so that the
# end comes within the 3 s of guarantee 16, and within the 2 s that a drain leaves for sealing.
CANCEL_GRACE = 1.0


class Runner:
    """Drives one generation from its first chunk to its last, and is the `Draft` that is written to.

    Args:
        generation: what to write.
        stream: where it goes.
        catalogue: has the model that writes it. A queued question may name one that is not offered any more: its answer
            fails, and says so.
        calling: carries out the tool calls it makes.
        ticker: makes chunks durable and visible.
        clock: stamps the end.
        tally: counts how long its first words took.
        max_bytes: an answer that grows beyond this ends with `length`.
    """

    def __init__(
        self,
        generation: Generation,
        stream: Stream,
        catalogue: Catalogue,
        calling: Calling,
        ticker: Ticker,
        clock: Clock,
        tally: Tally,
        *,
        max_bytes: int,
    ) -> None:
        self.generation = generation
        self.stream = stream
        self.over = asyncio.Event()  # it is stored, and its readers have its end
        self._catalogue = catalogue
        self._calling = calling
        self._ticker = ticker
        self._clock = clock
        self._tally = tally
        self._began = clock.monotonic()
        self._max_bytes = max_bytes
        self._grammar = Grammar()
        self._halt: Halt | None = None
        self._halted = asyncio.Event()
        self._stop_asked_at: float | None = None
        self._meter = Meter()
        self._stopwatch = Stopwatch()
        self._has_content = False
        self._is_cut = False  # the model wrote on after the halt, and what it wrote was dropped

    def halt(self, why: Halt) -> None:
        """End the answer; what was appended so far stays. Later reasons change nothing."""
        if self._halt is not None:
            return
        self._halt = why
        self._halted.set()
        if why == "stop":
            self._stop_asked_at = self._clock.monotonic()
            if self.stream.status == "streaming":
                self.stream.advance("stop")
                self.stream.say("Stopping")

    async def run(self, prompt: Callable[[], Awaitable[Prompt]]) -> Ending:
        """Write the whole answer; when this returns, readers may see all of its chunks but not its end.

        Args:
            prompt: reads what the model is asked; a failure of it is a failure of the answer.
        """
        if self._halt is not None:
            return self._conclude(_HALTED[self._halt])
        if self.generation.refused is not None:
            return Ending("failed", error=self.generation.refused)
        self._append(chunks.start(self.generation.message_id, self.generation.metadata))
        self._append(chunks.start_step())
        self.status(THINKING)
        self._ticker.touch(self.stream)
        concluded = self._conclude(await self._generate(prompt))
        metadata = concluded.metadata(self._clock.now_ms()) | self._thoughts()
        # Calls are answered within the answer: one that is open now, however it ended, stays so for ever.
        for chunk in ending(self._grammar, metadata, concluded.last_chunk(), cut=True):
            self._append(chunk)
        await self._ticker.settle(self.stream)
        return concluded

    async def _write(self, prompt: Callable[[], Awaitable[Prompt]]) -> FinishReason:
        model = self._catalogue.find(self.generation.model)
        return await steps.write(model, await prompt(), self, self._calling, self.generation)

    async def _generate(self, prompt: Callable[[], Awaitable[Prompt]]) -> Ending:
        work = asyncio.create_task(self._write(prompt), name=f"model of {self.stream.stream_id}")
        halted = asyncio.create_task(self._halted.wait())
        try:
            await asyncio.wait((work, halted), return_when=asyncio.FIRST_COMPLETED)
            if self._halt is not None and not work.done():
                work.cancel()
                await asyncio.wait((work,), timeout=CANCEL_GRACE)
        finally:
            halted.cancel()
            work.cancel()
        return self._ending_of(work)

    def _ending_of(self, work: asyncio.Task[FinishReason]) -> Ending:
        """Judge what became of the model's work. A finish that beat the stop wins, if the answer is whole."""
        if not work.done() or work.cancelled():
            return _HALTED[self._halt or "drain"]
        error = _first(work.exception())
        if self._halt is not None and (self._is_cut or error is not None):
            return _HALTED[self._halt]  # what goes wrong while it is stopped is nobody's failure
        if error is None:
            return Ending("completed", finish_reason=work.result())
        if isinstance(error, ModelFailure):
            log.warning("%s: the model failed: %s", self.stream.stream_id, error, extra={"code": error.code})
            code = error.code if error.code in ERRORS else "model_error"
            return failed(code, error.message, error.retry_after_ms)
        if isinstance(error, StoreUnavailable):
            return failed("unavailable")
        if isinstance(error, Refusal):
            return failed(error.code, str(error))
        if isinstance(error, ChunkError):
            log.error("%s: the model wrote a chunk that cannot come there: %s", self.stream.stream_id, error)
            return failed("model_error")
        log.error("%s: generating failed", self.stream.stream_id, exc_info=error)
        return failed("internal")

    def _conclude(self, ended: Ending) -> Ending:
        latency = None
        if self._stop_asked_at is not None:
            latency = int((self._clock.monotonic() - self._stop_asked_at) * 1000)
        usage = self._meter.total(self.stream.log.merged())
        return Ending(ended.status, ended.finish_reason, usage, ended.error, latency)

    def _thoughts(self) -> dict[str, list[int]]:
        """For how long the model thought, in ms by reasoning part; said in the metadata, for a chunk has no room."""
        self._stopwatch.stop_all(self._clock.monotonic())
        return {"thinkingMs": self._stopwatch.laps} if self._stopwatch.laps else {}

    def _append(self, chunk: Chunk) -> None:
        try:
            chunk = clean(chunk)
            self._grammar.check(chunk)
            self.stream.log.append(chunk)
        except (TypeError, AttributeError) as wrong:
            # The grammar may have taken what the log refused; what the log has is what must be ended.
            self._grammar = Grammar().extend(self.stream.log.merged())
            raise ChunkError(f"A {chunk.get('type')} chunk is not JSON: {wrong}.", chunk) from None

    # The draft that is written to

    def chunk(self, chunk: Chunk) -> None:
        """Take one chunk of content; after a halt it is dropped, since nobody was shown it."""
        if self._halt is not None:
            self._is_cut = True
            return
        self._append(chunk)
        if chunk["type"] in _TIMED:
            self._time(chunk)
        self.stream.label = None  # it writes: whoever joins now need not hear that it thinks
        self._ticker.touch(self.stream, urgent=not self._has_content)
        if not self._has_content:
            self._has_content = True
            self._tally.first_words.observe(self._clock.monotonic() - self._began)
        if self.stream.log.size > self._max_bytes:
            self.halt("full")

    def status(self, label: str) -> None:
        """Tell the readers what the model is doing."""
        if self._halt is None:
            self.stream.say(label)

    def usage(self, input_tokens: int | None, output_tokens: int | None, *, estimated: bool = False) -> None:
        """Note what the current step has cost so far."""
        self._meter.note(input_tokens, output_tokens, estimated=estimated)

    def parts(self) -> list[Part]:
        """The parts of the message so far."""
        return Fold().extend(self.stream.log.merged()).parts

    def next_step(self) -> None:
        """Close the step, with whatever the model left open in it, and open the next one."""
        if self._halt is not None:
            return
        self._meter.next_step(self.stream.log.merged())
        for chunk in (*self._grammar.closing(cut=True), chunks.start_step()):
            self._append(chunk)
        self._ticker.touch(self.stream)

    def _time(self, chunk: Chunk) -> None:
        now = self._clock.monotonic()
        if chunk["type"] == "reasoning-start":
            self._stopwatch.start(chunk["id"], now)
        else:
            self._stopwatch.stop(chunk["id"], now)


_TIMED = frozenset({"reasoning-start", "reasoning-end"})


def _first(error: BaseException | None) -> BaseException | None:
    """What went wrong first: calls that run side by side fail as a group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
