"""`tidewire serve` and `tidewire migrate`."""

import argparse
import asyncio
import os
import socket
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial

from app import config, logs, wiring
from app.backplane.folder import DataFolder, DataFolderError
from app.backplane.interface import JournalError
from app.config import ConfigError, Settings
from app.deployment import Misfit, Shape, shape_of
from app.draining import Draining
from app.sockets.server import ListenError, Server, listen, loop_factory, port_of
from app.sockets.server import config as uvicorn_config
from app.store.errors import StoreError
from app.store.migrations import migrate as migrate_database
from app.streams.lease import NotAlone
from app.workers import Worker, Workers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options of `serve`; each overrides the setting of its name."""
    parser.add_argument("--host", help="address to listen on (setting HOST)")
    parser.add_argument("--port", type=int, help="port to listen on, 0 for any free one (setting PORT)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that share the address (WORKERS)")
    parser.add_argument("--drain", type=float, metavar="SECONDS", help="time answers get after SIGTERM (DRAIN_SECONDS)")


def add_migrate_arguments(_parser: argparse.ArgumentParser) -> None:
    """`migrate` has no options; it reads DATABASE_URL and DATA_DIR."""


def run(options: argparse.Namespace) -> int:
    """Serve until told to stop."""
    try:
        settings = _settings(options)
        shape = shape_of(settings.database_url, settings.redis_url, settings.workers)
        logs.configure(settings.log_level, settings.log_format)
        if settings.workers > 1:
            return _serve_with_workers(settings)
        with _data_folder(settings, shape) as folder:
            migrate_database(settings.database_url)
            sockets = listen(settings.host, settings.port)
            address = _address(settings, sockets)
            if folder is not None:
                folder.announce(address)
            return _run(settings, folder, sockets, partial(_announce, settings, address))
    except _REASONS_NOT_TO_START as problem:
        sys.stderr.write(f"tidewire: {problem}\n")
        return 1
    except KeyboardInterrupt:
        return 130


_REASONS_NOT_TO_START = (
    ConfigError,
    DataFolderError,
    JournalError,
    ListenError,
    Misfit,
    NotAlone,
    StoreError,
    ValueError,
)


def _serve_with_workers(settings: Settings) -> int:
    migrate_database(settings.database_url)
    sockets = listen(settings.host, settings.port)
    announce = partial(_announce, settings, _address(settings, sockets))
    return Workers(settings.workers, sockets, partial(_be_a_worker, settings), announce).run()


def _be_a_worker(settings: Settings, worker: Worker) -> int:
    """Serve as one of several workers; the parent has migrated, listens and announces."""
    try:
        logs.configure(settings.log_level, settings.log_format)
        return _run(settings, None, worker.sockets, worker.ready)
    except _REASONS_NOT_TO_START as problem:
        sys.stderr.write(f"tidewire: worker {worker.number}: {problem}\n")
        return 1


def _data_folder(settings: Settings, shape: Shape) -> AbstractContextManager[DataFolder | None]:
    """The data folder of a node that is alone; several nodes keep nothing on their disks."""
    return nullcontext() if shape == "many" else DataFolder(settings.data_dir)


def migrate(_options: argparse.Namespace) -> int:
    """Bring the database up to date."""
    try:
        settings = config.load()
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in migrate_database(settings.database_url):
            sys.stdout.write(f"applied {name}\n")
    except (ConfigError, StoreError, OSError, ValueError) as problem:
        sys.stderr.write(f"tidewire: {problem}\n")
        return 1
    return 0


def _run(
    settings: Settings, folder: DataFolder | None, sockets: list[socket.socket], on_started: Callable[[], None]
) -> int:
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_serve(settings, folder, sockets, on_started))


async def _serve(
    settings: Settings, folder: DataFolder | None, sockets: list[socket.socket], on_started: Callable[[], None]
) -> int:
    application, node = wiring.build(settings, folder)
    logs.note(node=node.name)
    server = Server(uvicorn_config(application), on_started=on_started, on_signal=lambda number: draining.begin(number))
    draining = Draining(node, server, settings.drain_seconds)
    try:
        await node.open()  # before the server: what goes wrong is a sentence for whoever started it, not a traceback
    except BaseException:
        await node.close()
        raise
    await server.serve(sockets=sockets)
    await draining.over()
    return 0 if server.started else 1


def _announce(settings: Settings, address: str) -> None:
    """Say where the server is, now that it answers there, and what it offers to whom."""
    models = "Anthropic's models and the demo" if settings.anthropic_api_key else "the offline demo model"
    guests = "guests welcome" if settings.guests_allowed else "no guests"
    accounts = {"open": "anybody may register", "invite": "whoever is invited may register", "off": "no new accounts"}
    sys.stdout.write(
        f"Tidewire is ready at {address} "
        f"({models}; {guests}; {accounts[settings.registering]}; data in {settings.data_dir})\n"
    )
    if not settings.anthropic_api_key:
        sys.stdout.write("Set ANTHROPIC_API_KEY to answer with a real model.\n")
    sys.stdout.flush()


def _settings(options: argparse.Namespace) -> Settings:
    settings = config.load(os.environ)
    given = {
        "host": options.host,
        "port": options.port,
        "workers": options.workers,
        "drain_seconds": options.drain,
    }
    return replace(settings, **{name: value for name, value in given.items() if value is not None})


def _address(settings: Settings, sockets: list[socket.socket]) -> str:
    return f"http://{_shown(settings.host)}:{port_of(sockets)}"


def _shown(host: str) -> str:
    """The host as a person can open it in a browser."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "localhost"
    return f"[{host}]" if ":" in host else host
