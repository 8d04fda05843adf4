"""Random logs for the laws: every one is legal, and may stop anywhere."""

import json
from random import Random
from typing import Any

from hypothesis import strategies as st

from protocol.parts.chunks import Chunk
from protocol.parts.grammar import Grammar, GrammarError

TEXTS = ("", "a", "Hello ", "wörld\n", "𝔘𝔫𝔦🙂", '"quoted\\', "  ", "\u2028", "{", "long " * 20)
JSONS: tuple[Any, ...] = (
    None, True, False, 0, -1.5, 12e3, "", "text", 'a"b\\c\n\u00e9🙂', [], {}, [1, [2, {"a": None}]],
    {"city": "Köln", "days": 3, "deep": {"list": [True, False, None, "x"], "n": -0.25}},
)  # fmt: skip
IDS = ("a", "b", "c")
CALLS = ("call_1", "call_2", "call_3", "call_4", "call_5", "call_6")
META = {"provider": {"signature": "s"}}


class Writer:
    """Draws one chunk after another; the grammar decides which of them may come."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.inputs: dict[str, str] = {}
        self.serial = 0

    def optional(self, **fields: Any) -> dict[str, Any]:
        return {name: value for name, value in fields.items() if self.random.random() < 0.25}

    def text(self) -> Chunk:
        kind, part_id = self.random.choice(("text", "reasoning")), self.random.choice(IDS)
        event = self.random.choice(("start", "delta", "delta", "delta", "end"))
        chunk = {"type": f"{kind}-{event}", "id": part_id}
        if event == "delta":
            chunk["delta"] = self.random.choice(TEXTS)
            return chunk | (self.optional(providerMetadata=META) if self.random.random() < 0.2 else {})
        if event == "end" and kind == "text":
            chunk |= self.optional(
                citations=[{"source": {"type": "source", "sourceType": "url", "id": "s1", "url": "https://x.test"}}]
            )
        return chunk | self.optional(providerMetadata={"p": {"n": self.random.randrange(3)}})

    def call(self) -> Chunk:
        event = self.random.choice(("start", "delta", "delta", "delta", "delta", "available", "error"))
        call_id = self.random.choice(CALLS)
        chunk: Chunk = {"type": f"tool-input-{event}", "toolCallId": call_id}
        if event == "delta":
            left = self.inputs.get(call_id, "")
            cut = self.random.randint(0, min(len(left), 12))
            self.inputs[call_id] = left[cut:]
            return {**chunk, "inputTextDelta": left[:cut]}
        chunk |= {"toolName": self.random.choice(("get-weather", "search")), **self.fields()}
        if event == "start":
            value = json.dumps(self.random.choice(JSONS), ensure_ascii=False, indent=self.random.choice((None, 1)))
            self.inputs[call_id] = self.random.choice((value, value, value[:-1] + "?", f"[{value},"))
            return chunk | self.optional(inputEncoding=self.random.choice(("json", "text")))
        chunk["input"] = self.random.choice(JSONS)
        return chunk if event == "available" else {**chunk, "errorText": "Not a city."}

    def fields(self) -> dict[str, Any]:
        return self.optional(
            dynamic=self.random.random() < 0.7,
            title="Weather",
            providerExecuted=self.random.random() < 0.5,
            toolMetadata={"icon": self.random.randrange(3)},
            providerMetadata={"p": {"call": self.random.randrange(3)}},
        )

    def answer(self) -> Chunk:
        kind = self.random.choice(
            ("approval-request", "approval-response", "output-available", "output-error", "output-denied")
        )
        call = {"toolCallId": self.random.choice(CALLS)}
        approval = {"approvalId": f"ok_{self.random.choice(CALLS)}"}
        if kind == "approval-request":
            more = self.optional(reason="Costs money", isAutomatic=True, signature="sig", approvalDescriptor={"x": 1},
                                 inputSchemaInput=None)  # fmt: skip
            return {"type": f"tool-{kind}", **call, **approval, **more}
        if kind == "approval-response":
            more = self.optional(reason="Fine", providerExecuted=True, providerMetadata=META)
            return {"type": f"tool-{kind}", **approval, "approved": self.random.random() < 0.6, **more}
        chunk = {"type": f"tool-{kind}", **call}
        if kind == "output-denied":
            return chunk
        chunk |= self.optional(providerExecuted=True, providerMetadata=META, toolMetadata={"icon": "new"})
        if kind == "output-error":
            return {**chunk, "errorText": "The tool failed."}
        return {**chunk, "output": self.random.choice(JSONS), **self.optional(preliminary=self.random.random() < 0.8)}

    def whole(self) -> Chunk:
        more = self.optional(providerMetadata=META)
        named = self.optional(title="A page")
        chunk: Chunk = self.random.choice((
            {"type": "file", "url": "/v1/files/f1", "mediaType": "image/png", **more},
            {"type": "reasoning-file", "url": "/v1/files/f2", "mediaType": "text/plain", **more},
            {"type": "source-url", "sourceId": "s1", "url": "https://x.test", **named, **more},
            {"type": "source-document", "sourceId": "s2", "mediaType": "text/plain", "title": "T", **more},
            {"type": "custom", "kind": "vendor.thing", **more},
            {"type": "steering-message", "id": "u1", "parts": [{"type": "text", "text": "Shorter, please"}]},
        ))  # fmt: skip
        return chunk

    def data(self) -> Chunk:
        kind = self.random.choice(("data-weather", "data-plan"))
        more = self.optional(id=self.random.choice(IDS), transient=self.random.random() < 0.5)
        return {"type": kind, "data": self.random.choice(JSONS), **more}

    def frame(self) -> Chunk:
        changed = {"usage": {self.random.choice(IDS): self.random.randrange(9)}, **self.optional(tags=[1], error=None)}
        chunk: Chunk = self.random.choice((
            {"type": "start-step"}, {"type": "start-step"}, {"type": "finish-step"}, {"type": "finish-step"},
            {"type": "reset-step"},
            {"type": "message-metadata", "messageMetadata": changed}, {"type": "a-kind-of-tomorrow", "x": 1},
        ))  # fmt: skip
        return chunk

    def chunk(self) -> Chunk:
        draw = self.random.choice(
            (self.text,) * 5 + (self.call,) * 4 + (self.answer,) * 3 + (self.whole, self.data, self.frame)
        )
        return draw()


def legal_log(random: Random, length: int) -> list[Chunk]:
    """A random legal log of about this many chunks, without its last one."""
    writer, grammar = Writer(random), Grammar()
    log: list[Chunk] = [
        {"type": "start", "messageId": "msg_1", **writer.optional(messageMetadata={"status": "streaming"})}
    ]
    grammar.extend(log)
    for _ in range(length * 8):
        if len(log) >= length:
            break
        chunk = writer.chunk() if len(log) > 1 else {"type": "start-step"}
        try:
            grammar.check(chunk)
        except GrammarError:
            continue
        log.append(chunk)
    return log


# Seeds, not `st.randoms()`: a log takes hundreds of draws, and hypothesis would keep each of them.
LOGS = st.builds(lambda seed, length: legal_log(Random(seed), length), st.integers(0, 2**32), st.integers(1, 60))
