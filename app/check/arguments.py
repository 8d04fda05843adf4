"""The options of `tidewire check`."""

import argparse
import json
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options."""
    parser.add_argument(
        "--url",
        action="append",
        help="address of the server, as http://127.0.0.1:8000; of several nodes each, and sockets take turns",
    )
    parser.add_argument("--token", help="be this user; without it, a guest is made")
    parser.add_argument("--other", metavar="TOKEN", help="another user, for what one may not see of another")
    parser.add_argument(
        "--only", action="append", default=[], metavar="WORD",
        help="checks with this in their name, or of the guarantee with this number; may be given again",
    )  # fmt: skip
    parser.add_argument("--list", action="store_true", help="say what would be checked, and exit")
    parser.add_argument("--quick", action="store_true", help="leave out what waits for timers of the server")
    parser.add_argument("--json", action="store_true", help="write the result as one JSON object")
    parser.add_argument("--patience", type=float, default=10.0, metavar="SECONDS", help="for one frame (%(default)g)")
    parser.add_argument("--lanes", type=int, default=1, help="so many checks at once, each by a guest (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="chooses where to cut and resume (%(default)s)")
    parser.add_argument("--model", help="the model to ask (default: `demo` where there is one, or the server's choice)")
    for length in ("short", "steady", "long"):
        parser.add_argument(
            f"--{length}", type=_object, metavar="JSON", help=f"the model's `options` for a {length} answer"
        )


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"{text} is not a JSON object")
    return value
