"""The options of `tidewire load`."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What to do to a server; see `add_arguments` for each."""

    url: str
    users: int
    tabs: int
    streams: int
    seconds: float
    tokens: int
    pace: float
    json: bool
    pid: int | None
    token: str | None

    @staticmethod
    def read(given: argparse.Namespace) -> "LoadOptions":
        """Take the parsed command line."""
        return LoadOptions(**{name: getattr(given, name) for name in LoadOptions.__slots__})

    @property
    def model_options(self) -> dict[str, Any]:
        """What the demo model is asked for; `stamp` makes every token the time at which it was made."""
        return {"tokens": self.tokens, "pace": self.pace, "stamp": True}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options."""
    parser.add_argument("--url", required=True, help="address of the server, as http://127.0.0.1:8000")
    parser.add_argument("--users", type=_count, default=10, help="how many guests (default %(default)s)")
    parser.add_argument(
        "--tabs",
        type=_count,
        default=2,
        help="sockets of each user; each follows all of its streams (%(default)s)",
    )
    parser.add_argument(
        "--streams", type=_count, default=2, help="answers at once of each user, each in its own chat (%(default)s)"
    )
    parser.add_argument("--seconds", type=_positive, default=20.0, help="how long to ask again and again (%(default)g)")
    parser.add_argument("--tokens", type=_count, default=400, help="length of each answer (%(default)s)")
    parser.add_argument("--pace", type=_positive, default=50.0, help="tokens a second of each answer (%(default)g)")
    parser.add_argument("--json", action="store_true", help="write the result as one JSON object")
    parser.add_argument(
        "--pid", type=_process, help="process of the server, if on this machine: measures its CPU time too"
    )
    parser.add_argument("--token", help="be this user in every tab instead of guests; needs --users 1")


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 up")
    return value


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1_000_000:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value


def _process(text: str) -> int:
    if not Path(f"/proc/{int(text)}/stat").exists():
        raise argparse.ArgumentTypeError(f"there is no process {text} on this machine")
    return int(text)
