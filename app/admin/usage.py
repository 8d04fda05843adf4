"""`tidewire usage`: what each user's answers cost."""

import argparse
import sys

from app.admin.desk import Desk, run, show
from app.store import usage
from app.streams.quota import DAY_MS, day_of

MOST_DAYS = 36_500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options of `usage`."""
    parser.add_argument("--days", type=_days, default=30, metavar="N", help="the last N days (UTC), 30 unless said")


def command(options: argparse.Namespace) -> int:
    """List the sums of every user, the one who spent most in front."""

    async def work(desk: Desk) -> None:
        since = day_of(desk.clock.now_ms() - (options.days - 1) * DAY_MS)
        spent = await usage.by_user(desk.database, since=since)
        sys.stdout.write(f"Tokens since {since} (UTC)\n")
        rows = [
            (user_id, sums.answers, sums.estimated_answers, sums.input_tokens, sums.output_tokens, sums.tokens)
            for user_id, sums in spent
        ]
        show(("user", "answers", "estimated", "input", "output", "together"), [*rows, _total(rows)])

    return run(work)


def _total(rows: list[tuple[str, int, int, int, int, int]]) -> tuple[object, ...]:
    columns = list(zip(*rows, strict=True))[1:] or [()] * 5
    return ("all", *(sum(column) for column in columns))


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= MOST_DAYS):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MOST_DAYS}")
    return int(text)
