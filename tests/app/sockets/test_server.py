"""Starting and stopping: listening sockets, the settings, signals that ask for a drain."""

import asyncio
import gc
import os
import signal
import socket
import weakref
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from app.sockets.fair import FairProtocol
from app.sockets.outlet import Outlet
from app.sockets.server import GC_THRESHOLDS, ListenError, Server, config, listen, loop_factory, port_of
from tests.app.sockets.edge import CLOSE, Receive, edge, fill, keep, lifespan, masked, raw

# Listening


def test_the_system_chooses_one_port_for_all_addresses_of_a_host() -> None:
    sockets = listen("localhost", 0)
    try:
        assert port_of(sockets) > 0
        assert {one.getsockname()[1] for one in sockets} == {port_of(sockets)}
        assert "127.0.0.1" in {one.getsockname()[0] for one in sockets}
    finally:
        close(sockets)


def test_all_addresses_share_the_port_that_the_system_chose_for_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("127.0.0.1", "127.0.0.2")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: both + both)
    sockets = listen("localhost", 0)
    try:
        assert [one.getsockname() for one in sockets] == [(one[4][0], port_of(sockets)) for one in both]
    finally:
        close(sockets)


def close(sockets: list[socket.socket]) -> None:
    for one in sockets:
        one.close()


def test_a_taken_port_is_named_in_a_sentence_that_says_what_to_do() -> None:
    sockets = listen("127.0.0.1", 0)
    port = port_of(sockets)
    try:
        with pytest.raises(ListenError) as refused:
            listen("127.0.0.1", port)
        assert str(refused.value) == (
            f"Port {port} on 127.0.0.1 is taken: another program listens there. Stop it, or choose another port."
        )
    finally:
        close(sockets)


@pytest.mark.parametrize(
    ("host", "words"),
    [("no-such-host.invalid", "is not known here"), ("192.0.2.1", "is not an address of this machine")],
)
def test_a_host_that_is_not_ours_is_named_in_a_sentence(host: str, words: str) -> None:
    with pytest.raises(ListenError, match=words):
        listen(host, 0)


async def test_a_port_is_free_again_at_once() -> None:
    async with edge() as first, connect(first.url) as client:
        port = first.port
        await client.close()
    close(listen("127.0.0.1", port))


async def test_accepted_connections_inherit_the_options_of_the_listener() -> None:
    async with edge() as server, raw(server.port):
        protocol = await server.connection()
        accepted = protocol.transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == 16_384
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 4 * 64 * 1024


# Signals


async def test_the_first_signal_is_reported_and_closes_nothing() -> None:
    heard: list[int] = []
    async with edge(on_signal=heard.append) as server, connect(server.url) as client:
        os.kill(os.getpid(), signal.SIGTERM)
        await server.until(lambda: heard == [signal.SIGTERM])
        await (await client.ping())
        async with connect(server.url) as late:
            await (await late.ping())
        assert not server.server.should_exit


async def test_a_server_that_stops_listening_goes_on_with_what_is_open() -> None:
    async with edge() as server, connect(server.url) as client:
        server.server.stop_listening()
        with pytest.raises(ConnectionRefusedError):
            await connect(server.url)
        await (await client.ping())


async def test_the_application_ends_the_server_when_it_has_drained() -> None:
    stops: list[Server] = []

    def drain(sig: int) -> None:
        stops[0].should_exit = True

    async with edge(on_signal=drain) as server, connect(server.url) as client:
        stops.append(server.server)
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012


async def test_a_second_signal_exits_at_once_and_still_shuts_the_application_down() -> None:
    async def stubborn(outlet: Outlet, receive: Receive) -> None:
        await keep(outlet, receive)
        await held.wait()

    held = asyncio.Event()
    before = signal.getsignal(signal.SIGTERM)
    async with edge(stubborn, on_signal=lambda sig: None) as server, connect(server.url):
        await server.outlet()
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        await server.until(lambda: server.server.force_exit)
        async with asyncio.timeout(2):
            await server.stopped()
        assert server.shutdowns == 1
        held.set()
    assert signal.getsignal(signal.SIGTERM) == before


async def test_without_a_listener_the_first_signal_stops_the_server() -> None:
    async with edge() as server:
        os.kill(os.getpid(), signal.SIGTERM)
        await server.stopped()
        assert server.shutdowns == 1


async def test_a_signal_during_the_start_stops_the_server_once_it_has_started() -> None:
    heard: list[int] = []

    async def app(scope: object, receive: Any, send: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await lifespan(receive, send)

    server = Server(config(app), on_signal=heard.append)
    async with asyncio.timeout(5):
        await server.serve(sockets=listen("127.0.0.1", 0))
    assert heard == []


# A peer that neither reads nor leaves


async def test_a_standing_peer_does_not_outlive_the_server() -> None:
    async def pour(outlet: Outlet, receive: Receive) -> None:
        await fill(outlet)
        filled.set()
        await keep(outlet, receive)

    filled = asyncio.Event()
    async with edge(pour) as server, raw(server.port) as client:
        client.transport.pause_reading()
        await filled.wait()
        server.server.should_exit = True
        await server.stopped()
        assert not server.server.server_state.connections


async def test_a_standing_peer_that_was_closed_before_does_not_outlive_the_server_either() -> None:
    async def pour_and_close(outlet: Outlet, receive: Receive) -> None:
        await fill(outlet)
        outlet.close(4508)

    async with edge(pour_and_close) as server, raw(server.port) as client:
        client.transport.pause_reading()
        await server.until(lambda: bool(server.outlets) and not server.server.server_state.tasks)
        assert server.server.server_state.connections
        server.server.should_exit = True
        await server.stopped()
        assert not server.server.server_state.connections


# Settings


async def test_the_garbage_collector_is_calm_while_the_server_runs_and_as_before_after() -> None:
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    async with edge():
        assert gc.get_threshold() == GC_THRESHOLDS
        assert gc.get_freeze_count() > frozen
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


async def test_closed_connections_are_freed_without_the_garbage_collector() -> None:
    alive: weakref.WeakSet[object] = weakref.WeakSet()

    class Watched(FairProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            alive.update((self, self.conn))

    async with edge(ws=Watched) as server:
        gc.disable()
        try:
            async with raw(server.port), raw(server.port) as client:
                client.send(masked(CLOSE))
                await client.close_code()
            server.outlets.clear()
            server.sends.clear()
            await server.until(lambda: not alive)
        finally:
            gc.enable()


def test_the_loop_is_uvloop_where_it_is_installed() -> None:
    loop = loop_factory()()
    try:
        assert type(loop).__module__.startswith("uvloop")
    finally:
        loop.close()
