"""A sink that keeps what a model wrote, and prompts in one line."""

import asyncio
from typing import Any

from app.models.interface import Prompt
from protocol.parts.chunks import Chunk


class RecordingSink:
    """Keeps chunks, status labels and the last usage; `wrote` waits for them."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self.labels: list[str] = []
        self.used: tuple[int | None, int | None, bool] | None = None
        self._changed = asyncio.Event()

    def chunk(self, chunk: Chunk) -> None:
        self.chunks.append(chunk)
        self._changed.set()

    def status(self, label: str) -> None:
        self.labels.append(label)
        self._changed.set()

    def usage(self, input_tokens: int | None, output_tokens: int | None, *, estimated: bool = False) -> None:
        self.used = (input_tokens, output_tokens, estimated)

    async def wrote(self, deltas: int = 0, labels: int = 0) -> None:
        while len(self.of("text-delta")) < deltas or len(self.labels) < labels:
            self._changed.clear()
            await self._changed.wait()

    def of(self, kind: str) -> list[Chunk]:
        return [chunk for chunk in self.chunks if chunk["type"] == kind]

    def kinds(self) -> list[str]:
        """The types of the chunks, neighbours of one type once."""
        return [c["type"] for i, c in enumerate(self.chunks) if not i or self.chunks[i - 1]["type"] != c["type"]]

    @property
    def text(self) -> str:
        return "".join(chunk["delta"] for chunk in self.of("text-delta"))

    @property
    def reasoning(self) -> str:
        return "".join(chunk["delta"] for chunk in self.of("reasoning-delta"))


def message(role: str, *texts: str) -> dict[str, Any]:
    return {"id": "msg_1", "role": role, "parts": [{"type": "text", "text": text} for text in texts]}


def asking(*turns: str, model: str = "demo", system: str | None = None, **options: Any) -> Prompt:
    """A prompt whose turns alternate between the person and the assistant, the person first."""
    roles = ("user", "assistant")
    return Prompt(model, system, [message(roles[i % 2], turn) for i, turn in enumerate(turns)], options)
