"""`tidewire streams`: what is being written, by which node, and how to stop it.

A stop is written down as a person's is. The node that runs the answer reads it in its next round, within a second,
whichever machine it is on; so nothing here needs to reach that node.
"""

import argparse
import asyncio
import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from app.admin.desk import CannotHelp, Desk, run, show
from app.store import queue, streams
from app.store.streams import StreamRow
from app.streams import ledger
from protocol.errors import Refusal
from protocol.lifecycle import TERMINAL

# A node obeys within a second, and an answer ends within three of being stopped (guarantee 16).
PATIENCE = 5.0
LOOK_EVERY = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `streams` and `streams stop`."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", prog=parser.prog)
    parser.usage = "%(prog)s [-h] [stop (ID | --user ID | --all)]"
    summary = "end answers as a person's stop does: what was written stays"
    ending = actions.add_parser("stop", help=summary, description=summary[0].upper() + summary[1:] + ".")
    which = ending.add_mutually_exclusive_group(required=True)
    which.add_argument("stream", nargs="?", metavar="ID", help="this stream, running or waiting")
    which.add_argument("--user", metavar="ID", help="all that run for this user; what waits is paused")
    which.add_argument("--all", action="store_true", help="all that run; what waits is paused")
    ending.set_defaults(run=stop)


def command(_options: argparse.Namespace) -> int:
    """List every stream that has not ended."""

    async def work(desk: Desk) -> None:
        now = desk.clock.now_ms()
        rows = await streams.unfinished(desk.database)
        show(
            ("stream", "user", "chat", "model", "status", "node", "since (UTC)", "age"),
            [_line(row, now) for row in rows],
        )

    return run(work)


def stop(options: argparse.Namespace) -> int:
    """Write down that streams are to end, and wait a moment until they have."""

    async def work(desk: Desk) -> None:
        wanted = await _wanted(desk, options)
        for user_id, theirs in _by_user(wanted).items():
            await _write_down(desk, user_id, theirs, by_id=options.stream is not None)
        running = [row for row in wanted if row.status != "queued" or options.stream is not None]
        await _wait(desk, running)

    return run(work)


async def _wanted(desk: Desk, options: argparse.Namespace) -> list[StreamRow]:
    rows = await streams.unfinished(desk.database)
    if options.all:
        return rows
    if options.user is not None:
        return [row for row in rows if row.user_id == options.user]
    found = [row for row in rows if row.stream_id == options.stream]
    if not found:
        raise CannotHelp(f"No stream {options.stream} is running or waiting; `tidewire streams` lists those that are.")
    return found


async def _write_down(desk: Desk, user_id: str, rows: Sequence[StreamRow], *, by_id: bool) -> None:
    """Stop what runs; of what waits stop what was named, and hold up the rest, or it would begin as the others end."""
    with suppress(Refusal):  # the user is gone meanwhile, and the streams with them
        async with desk.outbox.change(user_id) as change:
            for listed in rows:
                row = await streams.get(change.tx, user_id, listed.stream_id)  # it may have begun or ended since
                if row is not None and (row.status != "queued" or by_id):
                    await ledger.stop(change, row, source=None)
                elif row is not None and await queue.pause(change.tx, user_id, row.chat_id):
                    change.tell("chat.updated", source=None, chat_id=row.chat_id)


async def _wait(desk: Desk, rows: Sequence[StreamRow]) -> None:
    """Say of each stream how it ended, or that it has not yet.

    Raises:
        CannotHelp: some have not; whoever runs them did not answer in time, or nobody runs them.
    """
    going_on = {row.stream_id: row for row in rows}
    give_up_at = desk.clock.monotonic() + PATIENCE
    while True:
        for row in list(going_on.values()):
            now = await streams.get(desk.database, row.user_id, row.stream_id)
            if now is None or now.status in TERMINAL:
                sys.stdout.write(f"{row.stream_id} {'deleted' if now is None else now.status}\n")
                del going_on[row.stream_id]
        if not going_on:
            return
        if desk.clock.monotonic() >= give_up_at:
            break
        await asyncio.sleep(LOOK_EVERY)
    raise CannotHelp(
        f"{', '.join(going_on)}: the stop is written down, but no node has obeyed it within {PATIENCE:.0f} s. A node "
        "that runs obeys when it can reach the database; what a dead one left ends when another takes over, or at the "
        "next start."
    )


def _by_user(rows: Sequence[StreamRow]) -> dict[str, list[StreamRow]]:
    grouped: dict[str, list[StreamRow]] = defaultdict(list)
    for row in rows:
        grouped[row.user_id].append(row)
    return grouped


def _line(row: StreamRow, now: int) -> tuple[str, ...]:
    since = row.started_at or row.created_at
    shown = datetime.fromtimestamp(since / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    model = str(row.request.get("model", ""))
    age = f"{max(0, now - since) // 1000} s"
    return (row.stream_id, row.user_id, row.chat_id, model, row.status, row.node or "-", shown, age)
