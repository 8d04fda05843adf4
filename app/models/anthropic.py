"""Claude, through Anthropic's Messages API or any server that speaks it."""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from app.models.anthropic_client import AnthropicClient
from app.models.anthropic_events import Translation
from app.models.anthropic_failures import broke_off, no_progress
from app.models.anthropic_request import AnthropicOptions, answer_request, title_request
from app.models.interface import RECONNECTING, THINKING, FinishReason, ModelFailure, ModelInfo, Prompt, Sink
from app.models.progress import ProgressClock
from app.models.retries import RetryPolicy

MODELS = "claude-sonnet-5-5,claude-opus-5-5,claude-haiku-5-5"
"""What is offered unless `ANTHROPIC_MODELS` says otherwise; the first is the default."""

PATIENCE = 60.0
"""Seconds without content, pings not counted, after which the provider is given up."""

TITLE_WORDS = 6


class AnthropicModel:
    """One model of Anthropic's API.

    A failed attempt is made again by `retries` as long as nothing of it was written: never after the first token.
    `patience` is in seconds.
    """

    def __init__(
        self,
        info: ModelInfo,
        client: AnthropicClient,
        *,
        patience: float = PATIENCE,
        retries: RetryPolicy | None = None,
    ) -> None:
        self.info = info
        self._client = client
        self._patience = patience
        self._retries = retries or RetryPolicy()

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Refuse what app/docs/models.md does not allow."""
        AnthropicOptions.read(options)

    async def generate(self, prompt: Prompt, sink: Sink) -> FinishReason:
        """Stream one step of the answer; stopping closes the provider's connection at once."""
        request = answer_request(prompt, self.info.id)
        loop = asyncio.get_running_loop()
        began = loop.time()
        repeated = 0
        while True:
            step = Translation()
            try:
                return await self._attempt(request, sink, step)
            except ModelFailure as failure:
                wait = None if step.wrote else self._retries.delay(failure, repeated, loop.time() - began)
                if wait is None:
                    raise
            sink.status(RECONNECTING)
            await asyncio.sleep(wait)
            sink.status(THINKING)
            repeated += 1

    async def title(self, question: str, answer: str) -> str:
        """Ask the model to name a chat."""
        collected = _TextSink()
        await self._attempt(title_request(question, answer, self.info.id), collected, Translation())
        title = clean_title("".join(collected.pieces))
        if not title:
            raise ModelFailure("model_error", "The model found no title.", cause="empty title")
        return title

    async def warm(self) -> None:
        """Import the SDK without holding up the loop."""
        await self._client.warm()

    async def close(self) -> None:
        """Close idle connections; models of one client may all do so."""
        await self._client.close()

    async def _attempt(self, request: Mapping[str, Any], sink: Sink, step: Translation) -> FinishReason:
        await self._client.warm()  # before the clock: the time to import the SDK is not the provider's
        try:
            await self._play(request, sink, step)
        except TimeoutError:
            raise no_progress(self._patience) from None
        finally:
            output = step.estimate() if step.is_estimated else step.output_tokens
            if step.input_tokens is not None or output is not None:
                sink.usage(step.input_tokens, output, estimated=step.is_estimated)
        if not step.complete:
            raise broke_off("the stream ended without message_stop")
        return step.finish

    async def _play(self, request: Mapping[str, Any], sink: Sink, step: Translation) -> None:
        async with ProgressClock(self._patience) as progress, aclosing(self._client.events(request)) as events:
            async for event in events:
                made = step.take(event)
                if made is None:
                    continue
                progress.made()
                for chunk in made:
                    sink.chunk(chunk)


class _TextSink:
    """Keeps the text of a title, and nothing else."""

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def chunk(self, chunk: Mapping[str, Any]) -> None:
        if chunk["type"] == "text-delta":
            self.pieces.append(chunk["delta"])

    def status(self, label: str) -> None:
        pass

    def usage(self, input_tokens: int | None, output_tokens: int | None, *, estimated: bool = False) -> None:
        pass


def anthropic_models(
    api_key: str, base_url: str | None, models: Sequence[ModelInfo], *, patience: float = PATIENCE
) -> list[AnthropicModel]:
    """Make one model for each id, all of them on one client; `base_url` None is Anthropic's own."""
    client = AnthropicClient(api_key, base_url)
    return [AnthropicModel(info, client, patience=patience) for info in models]


def read_models(setting: str) -> list[ModelInfo]:
    """Read the setting `ANTHROPIC_MODELS`: ids separated by commas, each with `=label` if wanted.

    The first is the default; an empty setting, which is how an unset one arrives, means `MODELS`. Raises ValueError
    when an entry has no id or one is named twice.
    """
    infos: list[ModelInfo] = []
    for entry in filter(None, (entry.strip() for entry in (setting.strip() or MODELS).split(","))):
        model_id, _, label = (piece.strip() for piece in entry.partition("="))
        if not model_id:
            raise ValueError(f"ANTHROPIC_MODELS has an entry without an id: {entry!r}. Write id=label, or just the id.")
        infos.append(ModelInfo(model_id, label or label_of(model_id), default=not infos))
    _refuse_doubles(info.id for info in infos)
    if not infos:
        raise ValueError("ANTHROPIC_MODELS is empty. Name at least one model, or leave the setting out.")
    return infos


def _refuse_doubles(ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for model_id in ids:
        if model_id in seen:
            raise ValueError(f"ANTHROPIC_MODELS names {model_id} twice. Name each model once.")
        seen.add(model_id)


def label_of(model_id: str) -> str:
    """Write an id as people say it: `claude-haiku-4-5-20251001` is Claude Haiku 4.5."""
    match = re.fullmatch(r"claude-([a-z]+)-(\d{1,2}(?:-\d{1,2})*)(?:-\d{8})?", model_id)
    return f"Claude {match[1].title()} {match[2].replace('-', '.')}" if match else model_id


def clean_title(text: str) -> str:
    """Take the title out of what a model said: one line of at most six words, without decoration."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    words = re.sub(r"^(title:)?[\s\"'“”„*#`]+|[\s\"'“”„*#`.]+$", "", line, flags=re.IGNORECASE).split()
    return " ".join("".join(filter(str.isprintable, word))[:40] for word in words[:TITLE_WORDS])
