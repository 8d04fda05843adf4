"""Bar: nodes are restarted one after the other (A, B, A, B) under 200 clients, and no word is lost or said twice.

    python -m tests.load.rolling

Two nodes behind a plain TCP balancer that knows nothing of them. The clients are the Python SDK's, two to a user:
either asks, now and then one stops, and both read everything, for five minutes. Each restart is a SIGTERM, the end of
the process, and a new one on the same port. Checked at the end: each question is stored once with one answer; each
client has the text that is stored; no answer was cut off; and no command came back refused.

The tokens come slowly on purpose, since this is about what is true and the clients take a core of their own.
"""

import asyncio
import random
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import tidewire

from tests.load.balancer import Balancer
from tests.load.figures import parser, percentile, report
from tests.load.nodes import Nodes, two_nodes
from tests.load.reading import Figures, Reader

PACE = 10
PAUSE = 3.0
STOPPED = 0.15
PATIENCE = 60.0


class User:
    """Somebody with one chat and two clients.

    Args:
        readers: the clients.
        figures: what is counted.
    """

    def __init__(self, readers: list[Reader], figures: Figures) -> None:
        self.readers = readers
        self.asked: dict[str, tidewire.Answer] = {}  # by question
        self._figures = figures
        self._chat_id = ""

    async def live(self, until: float) -> None:
        """Ask, read and stop until this monotonic time."""
        self._chat_id = self.readers[0].client.new_id()
        while True:
            await asyncio.sleep(random.expovariate(1 / PAUSE))
            if time.monotonic() >= until:
                return
            try:
                await self._ask(random.choice(self.readers))
            except tidewire.CommandRefused as refusal:
                self._figures.failed[f"{refusal.command}: {refusal.error.code}"] += 1

    async def _ask(self, asking: Reader) -> None:
        tokens = random.randint(PACE, 8 * PACE)
        options = {"tokens": tokens, "pace": PACE, "seed": random.randrange(1_000_000)}
        self._figures.sends += 1
        answer = await asking.client.send(self._chat_id, "How does the tide turn?", options=options)
        assert answer.user_message_id is not None
        self.asked[answer.user_message_id] = answer
        asking.follow(answer.stream_id)
        if random.random() < STOPPED:
            await asyncio.sleep(random.uniform(0, tokens / PACE))
            await random.choice(self.readers).client.stop(stream_id=answer.stream_id)
        await asyncio.wait([asking.ends[answer.stream_id]])  # whatever became of it; that is judged in the end

    async def problems(self, statuses: Counter[str]) -> list[str]:
        """Compare what every client has with what is stored; count how the answers ended."""
        ends = [end for reader in self.readers for end in reader.ends.values()]
        _, late = await asyncio.wait(ends, timeout=PATIENCE) if ends else ((), ())
        found = [f"{len(late)} answers never ended"] if late else []
        stored = await self._stored()
        questions = [message["id"] for message in stored if message["role"] == "user"]
        if sorted(questions) != sorted(self.asked):
            found.append(f"{len(self.asked)} questions were asked, {len(questions)} are stored")
        answers = {message["id"]: message for message in stored if message["role"] == "assistant"}
        for answer in self.asked.values():
            message = answers.get(str(answer.message_id))
            if message is None:
                found.append(f"{answer.message_id} is not stored")
                continue
            statuses[message["metadata"]["status"]] += 1
            found += [problem for reader in self.readers if (problem := _difference(reader, answer, message))]
        return found

    async def _stored(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        before: str | None = None
        while self.asked:
            page = await self.readers[0].client.chat(self._chat_id, before=before, limit=200)
            found = page.messages + found
            before = page.next_cursor
            if before is None:
                break
        return found


def _difference(reader: Reader, answer: tidewire.Answer, message: dict[str, Any]) -> str | None:
    end = reader.ends.get(answer.stream_id)
    if end is None:
        return f"{answer.message_id}: a client never heard of it"
    if not end.done() or end.exception() is not None:
        return f"{answer.message_id}: a client has no end of it"
    had, stored = end.result().text, tidewire.text_of(message)
    if had != stored:
        return f"{answer.message_id}: a client has {len(had)} characters, stored are {len(stored)}"
    return None


async def restart(nodes: Nodes, rounds: int, seconds: float) -> tuple[list[float], list[str]]:
    """Restart A, B, A, B …, spread evenly over the time; return how long each took to go, and what went wrong."""
    began, took, wrong = time.monotonic(), [], []
    for number, node in enumerate([nodes.a, nodes.b] * rounds):
        await asyncio.sleep(began + seconds * (number + 0.5) / (2 * rounds) - time.monotonic())
        told = time.monotonic()
        if status := await asyncio.to_thread(node.terminate):
            wrong.append(f"a node exited with {status}")
        took.append(time.monotonic() - told)
        await asyncio.to_thread(node.start)
    return took, wrong


async def main(clients: int, seconds: int, rounds: int) -> int:
    """Run everything and report."""
    figures, statuses, began = Figures(), Counter[str](), time.process_time()
    with two_nodes(LIMIT_GENERATIONS_PER_MINUTE="100000") as nodes:
        ports = [urlsplit(node.url).port or 0 for node in (nodes.a, nodes.b)]
        async with Balancer(ports) as balancer, AsyncExitStack() as stack:
            users = [await enter(stack, nodes.a.url, balancer.url, figures) for _ in range(clients // 2)]
            until = time.monotonic() + seconds
            lives = [asyncio.create_task(user.live(until)) for user in users]
            took, wrong = await restart(nodes, rounds, seconds)
            await asyncio.gather(*lives)
            for user in users:
                wrong += await user.problems(statuses)
    cut_off = sum(count for status, count in statuses.items() if status not in ("completed", "stopped"))
    return report(
        f"{2 * rounds} restarts in turn under {clients} clients",
        {
            "sends": figures.sends,
            "answers": ", ".join(f"{count} {status}" for status, count in statuses.items()),
            "tokens read a second": f"{figures.tokens / seconds:.0f} by all clients together",
            "differing texts and the like": len(wrong),
            "problems": wrong[:5] or "none",
            "failed commands": dict(figures.failed) or "none",
            "logs that could not be read on": dict(figures.logs_lost) or "none",
            "longest silence of an answer": _times(figures.silences),
            "from goodbye to welcome elsewhere": _times(figures.moves),
            "moves without a gap": f"{figures.seamless} of {len(figures.moves)}; {figures.sockets_lost} sockets lost",
            "a node took to go": _times(took),
            "CPU of the clients and the balancer": f"{(time.process_time() - began) / seconds:.0%} of a core",
        },
        reached=not wrong and not figures.failed and not cut_off and not figures.logs_lost,
    )


async def enter(stack: AsyncExitStack, node: str, url: str, figures: Figures) -> User:
    """A new guest with two clients; the stack closes them."""
    token = (await tidewire.guest_session(node)).token
    readers = [Reader(url, token, figures) for _ in range(2)]
    for reader in readers:
        await stack.enter_async_context(reader.client)
    return User(readers, figures)


def _times(values: list[float]) -> str:
    if not values:
        return "-"
    return f"p50 {percentile(values, 50):.2f} s, p99 {percentile(values, 99):.2f} s, longest {max(values):.2f} s"


if __name__ == "__main__":
    given = parser(__doc__, clients=200, seconds=300, rounds=2).parse_args()
    sys.exit(asyncio.run(main(given.clients, given.seconds, given.rounds)))
