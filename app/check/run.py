"""Runs the checks from the first guest to the exit status."""

import argparse
import asyncio
import json
import sys
import time
from collections import deque
from itertools import cycle
from random import Random

import msgspec
import tidewire
from tidewire.http import socket_url
from websockets.exceptions import WebSocketException

from app.check.catalogue import Check, checks, chosen
from app.check.failure import Failure
from app.check.hand import greet
from app.check.player import Player
from app.check.report import Outcome, line, listing, summary, told
from app.check.socket import Socket
from app.check.world import DEMO, Model, World

# A server that cannot greet us is not asked anything else.
_FIRST = Check("the first hello", "Every check begins with one.", ("1",), ())


def command(given: argparse.Namespace) -> int:
    """Run `tidewire check`; returns the exit status."""
    return asyncio.run(run(given))


async def run(given: argparse.Namespace) -> int:
    """Run `tidewire check`; 0 when nothing failed, 1 when something did, 2 when it could not begin."""
    wanted = chosen(checks(), given.only, quick=given.quick)
    if given.list:
        sys.stdout.write(listing(wanted) + "\n")
        return 0
    if not wanted:
        return _give_up(f"nothing is called {' or '.join(given.only)}; --list says what there is.")
    if given.url is None:
        return _give_up("--url is missing: the address of the server, as http://127.0.0.1:8000.")
    if given.lanes > 1 and given.token is not None:
        return _give_up("--token is one user, whose checks must not meet: it needs --lanes 1.")
    try:
        worlds = [await _world(given) for _ in range(given.lanes)]
    except (tidewire.TidewireError, ValueError, OSError, WebSocketException) as problem:
        return _give_up(str(problem))
    except Failure as failure:
        first = Outcome(_FIRST, failure=failure)
        _say(given, first)
        return _sum_up(given, [first])
    # What waits for timers begins first, so that the other lanes work meanwhile.
    queue = deque(sorted(wanted, key=lambda check: not check.is_slow) if given.lanes > 1 else wanted)
    outcomes: list[Outcome] = []
    async with asyncio.TaskGroup() as lanes:
        for world in worlds:
            lanes.create_task(_lane(given, queue, world, outcomes))
    return _sum_up(given, outcomes)


async def _lane(given: argparse.Namespace, queue: deque[Check], world: World, outcomes: list[Outcome]) -> None:
    """Run one check after the other, each by itself, as one user."""
    while queue:
        outcomes.append(await _outcome(queue.popleft(), world))
        _say(given, outcomes[-1])


def _say(given: argparse.Namespace, outcome: Outcome) -> None:
    if not given.json:
        sys.stdout.write(line(outcome) + "\n")
        sys.stdout.flush()


def _sum_up(given: argparse.Namespace, outcomes: list[Outcome]) -> int:
    sys.stdout.write((json.dumps(told(outcomes, given.url)) if given.json else summary(outcomes)) + "\n")
    return 1 if any(each.failure is not None for each in outcomes) else 0


async def _outcome(check: Check, world: World) -> Outcome:
    excuse = check.excuse or world.lacks(check.needs)
    if excuse is not None:
        return Outcome(check, excuse=excuse)
    started, failure = time.monotonic(), None
    try:
        await Player(world).play(check.steps)
    except Failure as found:
        failure = found
    except (KeyError, msgspec.ValidationError) as missing:
        failure = Failure("An answer lacks what it must hold.", "an answer as section 2 has it", str(missing), "§2")
    except (OSError, WebSocketException) as lost:
        failure = Failure("No socket could be opened.", "a socket", str(lost))
    return Outcome(check, time.monotonic() - started, failure)


async def _world(given: argparse.Namespace) -> World:
    """Look the server over: who we are there, which models it has, what it allows."""
    urls = [socket_url(url) for url in given.url]
    token = given.token or (await tidewire.guest_session(given.url[0])).token
    other = given.other or (None if given.token else (await tidewire.guest_session(given.url[0])).token)
    socket = await Socket.open(urls[0], given.patience)
    try:
        welcome = await greet(socket, token, capabilities=["tools", "status"])
    finally:
        await socket.leave()
    if welcome["type"] != "welcome":
        raise ValueError(f"The server refuses the token: {welcome['error']['message']}")
    models = [model["id"] for model in welcome.get("snapshot", {}).get("models", ())]
    beats = welcome["heartbeat"]
    limits = {"helloTimeoutMs": 5_000, "heartbeatIntervalMs": beats["intervalMs"]}
    limits |= {"heartbeatTimeoutMs": beats["timeoutMs"]} | welcome["limits"]
    random = Random(given.seed)  # noqa: S311 - it chooses positions, no secrets
    return World(
        cycle(urls), token, other, given.patience, random, _model(given, models), welcome["capabilities"], limits
    )


def _model(given: argparse.Namespace, models: list[str]) -> Model:
    name = given.model or ("demo" if "demo" in models else None)
    options = {length: getattr(given, length) for length in ("short", "steady", "long")}
    usual = dict(DEMO) if name == "demo" else {}
    return Model(name, usual | {length: value for length, value in options.items() if value is not None})


def _give_up(why: str) -> int:
    sys.stderr.write(f"tidewire check: {why}\n")
    return 2
