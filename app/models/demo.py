"""The demo model: offline, deterministic, and honest about both."""

import asyncio
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from zlib import crc32

import orjson

from app.models.demo_answer import Answer, title_of, tokenize
from app.models.demo_options import FAILURES, DemoOptions
from app.models.demo_tools import CALCULATOR, HONEST, arguments_of, calculation, calls_of, report
from app.models.interface import RECONNECTING, THINKING, FinishReason, ModelFailure, ModelInfo, Prompt, Sink
from app.models.messages import attached, questions, text_of
from app.models.pacing import Pacemaker
from app.models.retrieval import Library, shipped_library
from protocol.parts import chunks

TOOL = "search_documentation"
THOUGHT = "The person asks about {}. I have no thoughts of my own, so I look for these words in the documentation. "


def _wall_us() -> int:
    return time.time_ns() // 1_000


class DemoModel:
    """Answers from the documentation that ships with the project.

    The text depends on the questions of the chat, with their files, and the option `seed` alone (`stamp` excepted), so
    two runs can be compared. Options, for trying every path without a key, are described in app/docs/demo.md.

    `patience` is how long the fault `hang` stays silent before it times out, `pause` how long `reconnect` takes,
    both in seconds; `wall_us` is the clock of `stamp`, in microseconds since 1970.
    """

    def __init__(
        self,
        library: Library | None = None,
        *,
        default: bool = False,
        patience: float = 60.0,
        pause: float = 1.0,
        wall_us: Callable[[], int] = _wall_us,
    ) -> None:
        self.info = ModelInfo("demo", "Demo (offline)", default)
        self._library = shipped_library() if library is None else library
        self._pacemaker = Pacemaker()
        self._patience = patience
        self._pause = pause
        self._wall_us = wall_us

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Refuse what app/docs/demo.md does not allow."""
        DemoOptions.read(options)

    async def generate(self, prompt: Prompt, sink: Sink) -> FinishReason:
        """Stream the answer at its pace; what goes wrong on request goes wrong as it would with a real model."""
        options = DemoOptions.read(prompt.options)
        answer = self._answer(prompt, options)
        performance = _Performance(prompt, options, answer, sink, self._wall_us)
        if options.fault == "reconnect":
            sink.status(RECONNECTING)
            await asyncio.sleep(self._pause)
            sink.status(THINKING)
        try:
            await self._pacemaker.run(performance.step, options.pace)
            if performance.hangs:
                await asyncio.sleep(self._patience)
                raise _failure("timeout")
        finally:
            performance.report_usage()
        return performance.finish

    def _answer(self, prompt: Prompt, options: DemoOptions) -> Answer:
        """Look up what to say; an answer that goes on after its tools tells of them first."""
        made = _calls_so_far(prompt)
        is_brief = bool(made) and options.tool is None
        preface = "\n\n".join((report(made), *([HONEST] if is_brief else [])))
        asked, files = questions(prompt.messages), attached(prompt.messages)
        return Answer(self._library, asked, options.seed, files, preface=preface, is_brief=is_brief)

    async def title(self, question: str, answer: str) -> str:  # noqa: ARG002 - a real model reads both
        """Name a chat after its question."""
        return title_of(question)

    async def warm(self) -> None:
        """There is nothing slow to do: the documentation is read when the model is made."""

    async def close(self) -> None:
        """There is nothing to release."""


class _Performance:
    """One answer being played: a generator that writes, and rests at each token."""

    def __init__(
        self, prompt: Prompt, options: DemoOptions, answer: Answer, sink: Sink, wall_us: Callable[[], int]
    ) -> None:
        self.finish: FinishReason = "stop"
        self.hangs = False
        self._prompt = prompt
        self._options = options
        self._answer = answer
        self._sink = sink
        self._wall_us = wall_us
        self._emitted = 0
        self._play = self._script()

    def step(self) -> bool:
        """Write up to the next rest; False when the answer is over."""
        return next(self._play, False)

    def report_usage(self) -> None:
        asked = sum(len(tokenize(text_of(message))) for message in self._prompt.messages)
        self._sink.usage(asked, self._emitted)

    def _script(self) -> Iterator[bool]:
        goes_on = bool(_calls_so_far(self._prompt))
        if self._options.thinking and not goes_on:
            yield from self._think(self._options.thinking)
        if self._options.tool is True:
            yield from self._search_itself()
        if not goes_on and (calls := self._calls()):
            self.finish = "tool-calls"
            for number, (tool, arguments) in enumerate(calls):
                yield from self._call(tool, arguments, number)
            return
        if self._options.sources:
            self._name_sources()
        yield from self._write()

    def _rest(self) -> Iterator[bool]:
        # Before every token but the first: so the first comes at once, and the end with the last.
        if self._emitted:
            yield True
        self._emitted += 1

    def _think(self, count: int) -> Iterator[bool]:
        self._sink.status(THINKING)
        thought = tokenize(THOUGHT.format(title_of(self._question()).lower() or "nothing"))
        self._sink.chunk(chunks.reasoning_start("rsn_0"))
        for i in range(count):
            yield from self._rest()
            self._sink.chunk(chunks.reasoning_delta("rsn_0", thought[i % len(thought)]))
        self._sink.chunk(chunks.reasoning_end("rsn_0"))

    def _calls(self) -> list[tuple[str, dict[str, Any]]]:
        """The tools this answer begins with, with their arguments: those it was told to call, or the calculator."""
        told, question = self._options.tool, self._question()
        if isinstance(told, tuple):
            return [(name, arguments_of(name, question)) for name in told]
        offered = any(offer.name == CALCULATOR for offer in self._prompt.tools)
        expression = calculation(question) if told is None and offered else None
        return [] if expression is None else [(CALCULATOR, {"expression": expression})]

    def _call(self, tool: str, arguments: dict[str, Any], number: int, **fields: Any) -> Generator[bool, None, str]:
        text = orjson.dumps(arguments).decode()
        call_id = f"call_{crc32(f'{number}{tool}{text}'.encode()):08x}"
        self._sink.chunk(chunks.tool_input_start(call_id, tool) | fields)
        for piece in tokenize(text):
            yield from self._rest()
            self._sink.chunk(chunks.tool_input_delta(call_id, piece))
        self._sink.chunk(chunks.tool_input_available(call_id, tool, arguments) | fields)
        return call_id

    def _search_itself(self) -> Iterator[bool]:
        # As a provider does that runs a tool of its own: nobody is to approve it or to answer it.
        query = {"query": self._question()[:200]}
        call_id = yield from self._call(TOOL, query, 0, providerExecuted=True)
        found = [{"page": section.title, "section": section.heading} for section in self._answer.sections]
        self._sink.chunk(chunks.tool_output_available(call_id, {"found": found}) | {"providerExecuted": True})

    def _name_sources(self) -> None:
        for page, title in dict.fromkeys((section.page, section.title) for section in self._answer.sections):
            source = {"sourceId": f"src_{page}", "mediaType": "text/markdown", "title": title, "filename": f"{page}.md"}
            self._sink.chunk(chunks.some("source-document", **source))

    def _write(self) -> Iterator[bool]:
        tokens, count = self._text()
        fault_at = self._fault_at(count)
        written = 0
        for token in tokens:
            if written == fault_at:
                break
            yield from self._rest()
            if not written:
                self._sink.chunk(chunks.text_start("txt_0"))
            text = f"{self._wall_us()} " if self._options.stamp else token
            self._sink.chunk(chunks.text_delta("txt_0", text))
            written += 1
        if written == fault_at and self._goes_wrong():
            return
        if written:
            self._sink.chunk(chunks.text_end("txt_0"))

    def _text(self) -> tuple[Iterator[str], int]:
        whole, wanted = self._answer.tokens, self._options.tokens
        if wanted is None:
            return iter(whole), len(whole)
        if wanted < len(whole):
            self.finish = "length"
        return islice(self._answer.endless(), wanted), wanted

    def _fault_at(self, count: int) -> int | None:
        options = self._options
        if options.fault is None or options.fault == "reconnect":
            return None
        if options.faultAfter is not None:
            return min(options.faultAfter, count)
        return count // 2 if options.fault == "midway" else 0

    def _goes_wrong(self) -> bool:
        # True when nothing more may be written, not even the end of the text.
        fault = self._options.fault
        if fault == "hang":
            self.hangs = True
            return True
        if fault == "filtered":
            self.finish = "content-filter"
            return False
        raise _failure(str(fault))

    def _question(self) -> str:
        return (questions(self._prompt.messages) or [""])[-1]


def _calls_so_far(prompt: Prompt) -> Sequence[Mapping[str, Any]]:
    """The calls of the answer that goes on; none when the question is new."""
    last = prompt.messages[-1] if prompt.messages else None
    return calls_of(last) if last is not None and last["role"] == "assistant" else ()


def _failure(fault: str) -> ModelFailure:
    code, message, retry_after_ms = FAILURES[fault]
    return ModelFailure(code, message, retry_after_ms, cause=f"the demo's fault {fault}")
