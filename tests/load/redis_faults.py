"""Bar: whatever happens to Redis, answers flow on, commands are answered, and everybody is exact again within 5 s.

    python -m tests.load.redis_faults [--only NAME] [--short] [--any-speed]

Two nodes, and readers on both of answers on both. Redis goes away for 2, 10 and 60 s, stands still for 30 s
(SIGSTOP), is wiped (FLUSHALL), is restarted empty, and loses its subscribers every 500 ms. Meanwhile people go on from
both nodes: they make chats, rename them, ask, stop answers of the other node, open tabs. Checked of each fault:

- a reader on the answer's own node waits for words no longer than 250 ms (guarantee 19b's exception) and a tick;
- a command is answered within two seconds;
- five seconds after the healing nobody is told anything late any more;
- at the end every tab, old or new, has what is stored, without a gap or a repetition, and the sidebar of a new one.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping

from tests.load.figures import parser, percentile, report
from tests.load.nodes import Nodes, two_nodes
from tests.load.through import Through
from tests.redis_servers import RedisServer

USERS = 2
WAITED = 0.25 + 0.016 + 0.034  # guarantee 19b's patience, a tick, and what two nodes and all tabs on one machine take
ANSWERED_WITHIN = 2.0
EXACT_WITHIN = 5.0
WATCHED = 6.5
"""Seconds after the healing in which it must show that everybody is exact."""
SETTLED = 1.0
"""Seconds until those who begin to act all at once no longer do: their rush is not the fault's."""
LOOK_EVERY = 0.01

Harm = Callable[[RedisServer], Awaitable[None]]
"""Does harm, and returns when it is undone."""


def away(seconds: float) -> Harm:
    """Redis is gone for so long, and comes back empty."""

    async def harm(redis: RedisServer) -> None:
        redis.stop()
        await asyncio.sleep(seconds)
        await asyncio.to_thread(redis.start)

    return harm


def frozen(seconds: float) -> Harm:
    """Redis stands still: its connections stay, nothing is answered."""

    async def harm(redis: RedisServer) -> None:
        redis.freeze()
        await asyncio.sleep(seconds)
        redis.thaw()

    return harm


def cut_off(seconds: float) -> Harm:
    """Every subscriber is thrown out twice a second."""

    async def harm(redis: RedisServer) -> None:
        for _ in range(int(seconds / 0.5)):
            redis.command("CLIENT", "KILL", "TYPE", "pubsub")
            await asyncio.sleep(0.5)

    return harm


async def nothing(_redis: RedisServer) -> None:
    """Nothing happens: what this machine does to the figures by itself."""
    await asyncio.sleep(10)


async def flushed(redis: RedisServer) -> None:
    """Redis loses everything it has."""
    redis.command("FLUSHALL")


FAULTS: dict[str, Harm] = {
    "away-2": away(2),
    "away-10": away(10),
    "away-60": away(60),
    "frozen-30": frozen(30),
    "flushed": flushed,
    "emptied": away(0),
    "links": cut_off(15),
}
SHORT: dict[str, Harm] = {"away-2": away(2), "frozen-4": frozen(4), "flushed": flushed, "links": cut_off(3)}

EVERY = FAULTS | SHORT | {"nothing": nothing}


async def go_through(harm: Harm, name: str, nodes: Nodes, *, timing: bool) -> bool:
    """Live through one fault and report; say whether the bar was reached."""
    users = await asyncio.gather(*(Through.begin(nodes) for _ in range(USERS)))
    over, lags = asyncio.Event(), [0.0]
    watching = asyncio.create_task(watch_lag(lags))
    lives = [asyncio.create_task(user.live(over)) for user in users]
    await asyncio.sleep(SETTLED)
    await harm(nodes.redis)
    healed = time.monotonic()
    await asyncio.sleep(WATCHED)
    over.set()
    await asyncio.gather(*lives)
    watching.cancel()
    await asyncio.gather(*(user.end() for user in users))
    waited, came = max(user.waited() for user in users)
    last, what = max([late for user in users for late in user.told_late()] + [(healed, "nothing")])
    behind = max(0.0, last - healed)
    for user in users:
        await user.check()
        await user.leave()
    took = {kind: [each for user in users for each in user.took[kind]] for kind in users[0].took}
    wrong = [problem for user in users for problem in user.wrong]
    longest = max(map(max, took.values()))
    in_time = waited <= WAITED and longest <= ANSWERED_WITHIN and behind <= EXACT_WITHIN
    rows: dict[str, object] = {
        "longest wait for words on their own node": f"{waited * 1000:.0f} ms, {came - healed:+.1f} s from the healing",
        "this script's own delays": f"{max(lags) * 1000:.0f} ms at the worst",
        "longest command": f"{longest:.2f} s",
        "exact after the healing": f"{behind:.2f} s; last told late: {what}",
        "problems": wrong[:5] or "none",
    }
    rows |= {
        f"  {kind}": f"{len(each)}, p50 {percentile(each, 50) * 1000:.0f} ms, longest {max(each):.2f} s"
        for kind, each in sorted(took.items())
    }
    return not report(name, rows, reached=not wrong and (in_time or not timing))


async def watch_lag(lags: list[float]) -> None:
    """Note by how many seconds this script itself is late: that is in every figure, and nobody's but its own."""
    while True:
        before = time.monotonic()
        await asyncio.sleep(LOOK_EVERY)
        lags.append(time.monotonic() - before - LOOK_EVERY)


async def main(faults: Mapping[str, Harm], *, timing: bool) -> int:
    """Go through the faults, one after the other, on the same two nodes."""
    reached = []
    with two_nodes(LIMIT_GENERATIONS_PER_MINUTE="100000", LIMIT_COMMANDS_PER_SECOND="1000") as nodes:
        for name, harm in faults.items():
            reached.append(await go_through(harm, name, nodes, timing=timing))
    return 0 if all(reached) else 1


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--short", action="store_true", help="four faults in less than a minute")
    options.add_argument("--only", choices=sorted(EVERY), help="one fault; `nothing` is none, for comparison")
    options.add_argument("--any-speed", action="store_true", help="only exactness decides, as on a busy machine")
    given = options.parse_args()
    chosen = SHORT if given.short else FAULTS
    if given.only:
        chosen = {given.only: EVERY[given.only]}
    sys.exit(asyncio.run(main(chosen, timing=not given.any_speed)))
