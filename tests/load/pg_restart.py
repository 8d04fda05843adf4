"""Bar: PostgreSQL is restarted 20 times (`pg_ctl restart -m immediate`) while 20 answers finish, and nobody notices.

    python -m tests.load.pg_restart [--away 12]

Two nodes share it. In every round twenty answers begin, on both nodes, each read by a tab on either; then the database
is killed and recovers while they come to their ends. Checked of each answer: its end comes within ten seconds after the
database is back (and after its last word); it is stored once, by the history and by the tables themselves; every tab
has what is stored. And no reader waits for words while the database is away.
"""

import asyncio
import random
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg2

from tests.load.figures import parser, percentile, report
from tests.load.nodes import Nodes, said_hello, two_nodes
from tests.load.timed import TimedTab
from tests.servers import PostgresServer
from tests.wire import guest, text_of

ENDED_WITHIN = 10.0
# As long as an owner waits for a journal (guarantee 19b); the database is not even on the way of a token.
SILENT_FOR = 0.25
USERS, ANSWERS_OF_USER = 4, 5
PACE = 25
# About when the answers of a round end, and so when the database is killed, in seconds.
ENDS_AFTER = 2.0


@dataclass
class Figures:
    """What all rounds found."""

    late: list[float] = field(default_factory=list)
    away: list[float] = field(default_factory=list)
    silence: list[float] = field(default_factory=list)
    ended_away: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass
class User:
    """Somebody with a tab on each node; the first of them asks."""

    tabs: list[TimedTab]

    async def ask(self, chat_ids: list[str]) -> dict[str, str]:
        """Start an answer in each chat, which every tab reads; return the streams by chat."""
        asking, reading = self.tabs
        streams = {}
        for chat_id in chat_ids:
            seconds = ENDS_AFTER + random.uniform(-0.3, 0.7)
            options = {"tokens": int(seconds * PACE), "pace": PACE, "seed": random.randrange(1000)}
            streams[chat_id] = (await asking.ask(chat_id, options=options))["streamId"]
            await reading.follow(streams[chat_id])
        return streams

    async def check(self, streams: dict[str, str], down: float, back: float, figures: Figures) -> None:
        """Wait for the ends of answers, and compare."""
        for stream_id in streams.values():
            for tab in self.tabs:
                await tab.until(_is_end(stream_id), within=60)
        for chat_id, stream_id in streams.items():
            figures.wrong += [f"{chat_id}: {problem}" for problem in await self._problems(chat_id, stream_id)]
            for tab in self.tabs:
                figures.silence.append(tab.silence(stream_id))
                last_words, ended = tab.last_words(stream_id), tab.ends[stream_id][-1]
                could_end = last_words if ended < down else max(back, last_words)
                figures.late.append(ended - could_end)
            figures.ended_away += down < self.tabs[0].last_words(stream_id) < back

    async def _problems(self, chat_id: str, stream_id: str) -> list[str]:
        """What is wrong with one answer."""
        messages = await self.tabs[0].history(chat_id)
        status, stored = messages[-1]["metadata"]["status"], text_of(messages[-1])
        found = [] if (len(messages), status) == (2, "completed") else [f"{len(messages)} messages, {status}"]
        for tab in self.tabs:
            if tab.streams[stream_id].text != stored:
                found.append("a tab does not have what is stored")
            if len(tab.ends[stream_id]) != 1:
                found.append(f"a tab was told {len(tab.ends[stream_id])} ends")
        return found


def _is_end(stream_id: str) -> Any:
    return lambda got: got["type"] == "stream.end" and got["streamId"] == stream_id


def kill(postgres: PostgresServer, away: float) -> None:
    """Kill the database, and have it back after so many seconds, or as soon as it can."""
    if not away:
        postgres.restart()
        return
    postgres.stop()
    time.sleep(away)
    postgres.start()


async def round_of(number: int, users: list[User], nodes: Nodes, away: float, figures: Figures) -> list[str]:
    """Restart the database once while answers finish; return their streams."""
    names = [f"round_{number}_{each}" for each in range(ANSWERS_OF_USER)]
    began = time.monotonic()
    asked = await asyncio.gather(*(user.ask(names) for user in users))
    await asyncio.sleep(began + ENDS_AFTER - time.monotonic())
    down = time.monotonic()
    await asyncio.to_thread(kill, nodes.postgres, away)
    back = time.monotonic()
    figures.away.append(back - down)
    await asyncio.gather(
        *(user.check(streams, down, back, figures) for user, streams in zip(users, asked, strict=True))
    )
    return [stream_id for streams in asked for stream_id in streams.values()]


def stored_twice(url: str, streams: list[str]) -> list[str]:
    """What the tables themselves say of answers that were not stored exactly once."""
    asked = len(streams)
    counts = {
        "streams that completed": "SELECT COUNT(*) FROM streams WHERE status = 'completed'",
        "answers stored": "SELECT COUNT(*) FROM messages WHERE role = 'assistant' AND committed = 1",
        "questions answered": "SELECT COUNT(DISTINCT parent_id) FROM messages WHERE role = 'assistant'",
        "ends told": "SELECT COUNT(*) FROM events WHERE name = 'stream.ended'",
        "answers paid for": "SELECT SUM(answers) FROM usage_by_day",
    }
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        found = {}
        for name, query in counts.items():
            cursor.execute(query)
            [[found[name]]] = cursor.fetchall()
    return [f"{count} {name} of {asked}" for name, count in found.items() if count != asked]


async def main(restarts: int, *, away: float, timing: bool) -> int:
    """Run all rounds and report."""
    figures, streams = Figures(), []
    with two_nodes(LIMIT_GENERATIONS_PER_MINUTE="100000") as nodes:
        users = []
        for number in range(USERS):
            token = guest(nodes.a.url)
            places = (nodes.a, nodes.b) if number % 2 else (nodes.b, nodes.a)
            users.append(User([TimedTab(place.url, token) for place in places]))
        await asyncio.gather(*(said_hello(tab) for user in users for tab in user.tabs))
        for number in range(restarts):
            streams += await round_of(number, users, nodes, away, figures)
        figures.wrong += await asyncio.to_thread(stored_twice, nodes.postgres.url, streams)
        await asyncio.gather(*(tab.socket.close() for user in users for tab in user.tabs))
    late, silence = max(figures.late), max(figures.silence)
    return report(
        f"PostgreSQL is restarted {restarts} times while {USERS * ANSWERS_OF_USER} answers finish",
        {
            "it was away": f"p50 {percentile(figures.away, 50):.2f} s, longest {max(figures.away):.2f} s",
            "answers": len(streams),
            "their last words came while it was away": figures.ended_away,
            "ends after that, or after the words": f"p50 {percentile(figures.late, 50):.2f} s, longest {late:.2f} s",
            "longest silence of an answer": f"p50 {percentile(figures.silence, 50) * 1000:.0f} ms, "
            f"p99 {percentile(figures.silence, 99) * 1000:.0f} ms, longest {silence * 1000:.0f} ms",
            "problems": figures.wrong[:5] or "none",
        },
        reached=not figures.wrong and late <= ENDED_WITHIN and (silence <= SILENT_FOR or not timing),
    )


if __name__ == "__main__":
    options = parser(__doc__, restarts=20)
    options.add_argument("--away", type=float, default=0, help="seconds without a database, each time (0: a restart)")
    options.add_argument("--any-speed", action="store_true", help="silences do not count, as on a busy machine")
    given = options.parse_args()
    sys.exit(asyncio.run(main(given.restarts, away=given.away, timing=not given.any_speed)))
