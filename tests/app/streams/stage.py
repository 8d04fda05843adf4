"""One generation that a script runs, in virtual time: what tests of the runner and of its steps look at."""

import asyncio
from collections.abc import Iterable
from typing import Any

from app.ids import Mint
from app.models.catalogue import Catalogue
from app.models.interface import Prompt
from app.streams.calling import Calling
from app.streams.generation import Ending, Generation
from app.streams.runner import Halt, Runner
from app.streams.stream import Stream
from app.streams.tally import Tally
from app.streams.ticker import Ticker
from app.tools.interface import Tool
from app.tools.toolbox import Toolbox
from protocol.parts.fold import Fold
from protocol.parts.grammar import Grammar
from tests.app.fakes import MemoryJournal, Nobody, Script, ScriptedModel, raw
from tests.virtual import loop_clock

GENERATION = Generation(
    stream_id="s",
    user_id="u",
    chat_id="c",
    message_id="m",
    question_id="q",
    model="scripted",
    options={},
    started_at=0,
    metadata={"status": "streaming", "model": "scripted"},
    interactive=True,
)


class Stage:
    """One generation that is run by a script, with tools and with people who can be asked."""

    def __init__(self, tools: Iterable[Tool[Any]] = (), *, max_bytes: int = 100_000) -> None:
        self.stream = Stream("s", user_id="u", chat_id="c", message_id="m", status="streaming", started_at=0)
        self.journal = MemoryJournal()
        clock = loop_clock()
        self.ticker = Ticker(self.journal, clock, 0.016)
        self.model = ScriptedModel()
        self.tally = Tally()
        self.people = Nobody()
        self.calling = Calling(Toolbox(tools), self.people, Mint())
        self.runner = Runner(
            GENERATION,
            self.stream,
            Catalogue([self.model]),
            self.calling,
            self.ticker,
            clock,
            self.tally,
            max_bytes=max_bytes,
        )
        self.ticking = asyncio.create_task(self.ticker.run())

    async def run(self, script: Script | None = None) -> Ending:
        if script is not None:
            self.model.script = script
        return await asyncio.wait_for(self.runner.run(prompt), 60)

    def halt_in(self, seconds: float, why: Halt = "stop") -> None:
        asyncio.get_running_loop().call_later(seconds, self.runner.halt, why)

    @property
    def kinds(self) -> list[str]:
        return [chunk["type"] for chunk in raw(self.stream.log)]

    @property
    def fold(self) -> Fold:
        """What the log says; also checks that it is legal and whole, and that readers and the journal have it all."""
        written = raw(self.stream.log)
        assert Grammar().extend(written).ended
        assert self.stream.head == self.stream.log.tail
        assert self.journal.logs["s"] == written
        folded = Fold()
        for chunk in written:
            folded.apply(chunk)
        return folded


async def prompt() -> Prompt:
    return Prompt("scripted", None, [], {})
