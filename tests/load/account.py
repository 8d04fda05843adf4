"""Bar: an account of 10,000 chats opens, and is searched, within 50 ms of server time.

    python -m tests.load.account

The account is written straight into the store: chats of four messages, in words as frequent as those of a language.
Then a real server is asked over its socket, and the time runs from the frame sent to the answer received, so the bar
holds for the server's part all the more.
"""

import asyncio
import random
import sys
import tempfile
import time
from itertools import accumulate
from pathlib import Path

from app.clock import Clock
from app.commands.identity import Identity
from app.ids import Mint
from app.store import chats
from app.store.engine import Database, Transaction
from app.store.migrations import migrate
from app.store.queries import to_text, values_list
from tests.load.figures import parser, percentile, report
from tests.system.server import ServerProcess
from tests.wire import Tab

BAR_MS = 50
WORDS = 20_000
COLUMNS = ("user_id", "message_id", "chat_id", "role", "parts", "metadata", "committed", "created_at")


class Language:
    """Made-up words, of which some are everywhere and most are rare (Zipf's law)."""

    def __init__(self) -> None:
        self._random = random.Random(1)
        letters = "etaoinshrdlucmfwypvbgk"
        self.words = ["".join(self._random.choices(letters, k=self._random.randint(3, 9))) for _ in range(WORDS)]
        self._weights = list(accumulate(1 / rank for rank in range(1, WORDS + 1)))

    def say(self, count: int) -> str:
        """So many words."""
        return " ".join(self._random.choices(self.words, cum_weights=self._weights, k=count))

    def queries(self) -> dict[str, str]:
        """What people may look for, from the worst case on."""
        return {
            "one letter": "e",
            "the commonest word": self.words[0],
            "two common words": f"{self.words[0]} {self.words[1]}",
            "eight beginnings": "e t a o i n s h",
            "a rare word": self.words[-1],
            "no word of any chat": "zzzz",
        }


async def build(url: str, count: int, language: Language) -> str:
    """Write the account; return a token of its user."""
    migrate(url)
    database = Database(url)
    await database.connect()
    granted = await Identity(database, Mint(), Clock(), lambda _: None, session_days=1).guest()
    for start in range(0, count, 500):
        async with database.transaction() as tx:
            for number in range(start, min(start + 500, count)):
                await add_chat(tx, granted.user_id, number, language)
    await database.close()
    return granted.token


async def add_chat(tx: Transaction, user_id: str, number: int, language: Language) -> None:
    """Add a chat of two questions and two answers; the order of the sidebar is not that of their creation."""
    chat_id = f"chat_{number:024}"
    moment = number * 7_919 % 1_000_003
    await chats.create(tx, user_id, chat_id, title=language.say(5), project_id=None, now=moment)
    rows = []
    for place, (role, length) in enumerate([("user", 20), ("assistant", 120)] * 2):
        parts = to_text([{"type": "text", "text": language.say(length)}])
        rows.append((user_id, f"msg_{number}_{place}", chat_id, role, parts, "{}", 1, moment))
    places, values = values_list(COLUMNS, rows)
    await tx.execute(f"INSERT INTO messages ({', '.join(COLUMNS)}) VALUES {places}", values)


async def measure(url: str, token: str, rounds: int, language: Language) -> dict[str, list[float]]:
    """Time the greeting and each search; in milliseconds."""
    times: dict[str, list[float]] = {"hello to welcome": []}
    for _ in range(rounds):
        async with Tab(url, token) as tab:
            began = time.perf_counter()
            welcome = await tab.hello()
            times["hello to welcome"].append(1000 * (time.perf_counter() - began))
            assert len(welcome["snapshot"]["chats"]) == 50
    async with Tab(url, token) as tab:
        await tab.hello()
        for name, query in language.queries().items():
            for _ in range(rounds):
                began = time.perf_counter()
                await tab.command("dashboard.get", query=query)
                times.setdefault(f"search: {name}", []).append(1000 * (time.perf_counter() - began))
    return times


async def main(count: int, rounds: int, *, timing: bool) -> int:
    """Build, measure, report."""
    language = Language()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        url = f"sqlite:///{data / 'tidewire.db'}"
        began = time.monotonic()
        token = await build(url, count, language)
        built = time.monotonic() - began
        settings = {"LIMIT_COMMANDS_PER_SECOND": "100000", "LIMIT_COMMAND_BURST": "100000"}
        with ServerProcess(data, **settings) as server:
            times = await measure(server.url, token, rounds, language)
    worst = {name: percentile(values, 95) for name, values in times.items()}
    rows: dict[str, object] = {
        name: f"p50 {percentile(values, 50):.1f} ms, p95 {worst[name]:.1f} ms" for name, values in times.items()
    }
    return report(
        f"An account of {count:,} chats and {4 * count:,} messages, written in {built:.0f} s; {rounds} times each",
        rows,
        reached=not timing or max(worst.values()) <= BAR_MS,
    )


if __name__ == "__main__":
    options = parser(__doc__, chats=10_000, rounds=30)
    options.add_argument("--any-speed", action="store_true", help="only that it works decides, as on a busy machine")
    given = options.parse_args()
    sys.exit(asyncio.run(main(given.chats, given.rounds, timing=not given.any_speed)))
