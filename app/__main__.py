"""The command line: the server, the commands of whoever runs it, the load test and the checks."""

import argparse
import sys
from collections.abc import Callable, Sequence

from app import check, load, serve
from app.admin import streams, usage, users

Command = Callable[[argparse.Namespace], int]


def parser() -> argparse.ArgumentParser:
    """Describe every command and its options."""
    top = argparse.ArgumentParser(prog="tidewire", description="The realtime server of an AI chat workspace.")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add(
        commands,
        "serve",
        "migrate the database, start the server and print its address",
        serve.add_arguments,
        serve.run,
    )
    _add(commands, "migrate", "bring the database up to date and exit", serve.add_migrate_arguments, serve.migrate)
    _add(commands, "streams", "list what is being written, or stop it", streams.add_arguments, streams.command)
    _add(commands, "user", "list accounts, lock out, sign out, invite", users.add_arguments, users.command)
    _add(commands, "usage", "list what each user's answers cost in tokens", usage.add_arguments, usage.command)
    _add(commands, "load", "put load on a server and check every text", load.add_arguments, load.command)
    _add(commands, "check", "test whether any server keeps the agreement", check.add_arguments, check.command)
    return top


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    summary: str,
    add_arguments: Callable[[argparse.ArgumentParser], None],
    run: Command,
) -> None:
    sub = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    add_arguments(sub)
    sub.set_defaults(run=run)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status of the process."""
    options = parser().parse_args(arguments)
    run: Command = options.run
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
