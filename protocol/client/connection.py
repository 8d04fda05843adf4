"""The client side of a connection, without I/O: when to open sockets, and what goes over them.

A client has one socket that counts. After a `goodbye` it opens a second one and moves over once that has said welcome,
while the old one still delivers (make before break). Sockets are numbers here; whoever drives this opens, writes and
closes real ones.

Theory of operation. Every input is a method; it returns the notices that follow, in order. The driver hands them to
the application first and only then carries out `actions()`: a `pong` says that everything before its `ping` was
handled, so it must not leave earlier (guarantee 27). After that it arms one timer for `deadline()` and calls `tick`
when it fires. Time is monotonic, in seconds.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from protocol.client.backoff import Backoff
from protocol.client.greeting import Greeting
from protocol.client.link import ABNORMAL, PROBE, Link
from protocol.client.notices import Action, Close, Connect, Disconnected, Notice, Send, Stopped
from protocol.client.session import Session
from protocol.codec import decode_server, encode
from protocol.codes import verdict
from protocol.errors import Refusal, Violation
from protocol.frames.client import AuthRefresh, ClientInfo, ClientPing, ClientPong, Command, Flow, PresenceUpdate
from protocol.frames.server import (
    Ack,
    AuthExpiring,
    Error,
    Event,
    EventsReset,
    Goodbye,
    ServerFrame,
    ServerPing,
    ServerPong,
    StreamChunk,
    StreamEnd,
    StreamStatusFrame,
    Welcome,
)
from protocol.ids import is_ticket
from protocol.lifecycle import CLIENT_CONNECTION, advance
from protocol.limits import Limits

_DEFAULTS = Limits()


class ClientConnection:
    """One client's conversation with the server, over as many sockets as it takes.

    Args:
        client_id: names this tab or process; lives in memory only.
        mint: a fresh command id each time it is called (`ids.uuid7`).
        random: a number in [0, 1) each time it is called.
        token: presented in `hello`; None when the handshake itself proves who we are.
        dashboard: whether to ask for snapshots; without one, missed events are only reported.
        info: what the client is, for the operator's eyes.
        capabilities: what this client asks for beyond the core.
        window: the largest flow window wanted, in bytes.
    """

    def __init__(
        self,
        client_id: str,
        mint: Callable[[], str],
        random: Callable[[], float],
        *,
        token: str | None = None,
        dashboard: bool = True,
        info: ClientInfo | None = None,
        capabilities: tuple[str, ...] = (),
        window: int | None = None,
    ) -> None:
        flow = None if window is None else Flow(window_bytes=window)
        self._greeting = Greeting(client_id, mint, token, info, list(capabilities), flow, dashboard)
        self.state = "closed"
        self.limits: dict[str, int] = {}
        self._mint, self._random = mint, random
        self._dashboard = dashboard
        self._session = Session(mint, dashboard=dashboard)
        self._backoff = Backoff(random)
        self._actions: list[Action] = []
        self._links: dict[int, Link] = {}
        self._numbers = 0
        self._main: Link | None = None  # the one that counts
        self._next: Link | None = None  # the one to move to
        self._dial_at: float | None = None
        self._presence: PresenceUpdate | None = None
        self._handlers: dict[type[ServerFrame], Callable[[Link, Any, float], None]] = {
            StreamChunk: self._on_chunk, Event: self._on_event, StreamEnd: self._on_end, Ack: self._on_ack,
            Error: self._on_error, ServerPing: self._on_ping, ServerPong: self._on_pong, Welcome: self._on_welcome,
            Goodbye: self._on_goodbye, EventsReset: self._on_reset,
            StreamStatusFrame: self._on_status, AuthExpiring: self._on_expiring,
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"<ClientConnection {self.state} links={list(self._links)} waiting={len(self._session.outbox)}>"

    # What the application wants.

    def open(self, now: float) -> list[Notice]:
        """Connect, and stay connected until `close`."""
        self._to("open")
        self._main = self._dial(now)
        return self._said()

    def close(self) -> list[Notice]:
        """Close every socket; what waits for an answer will not get one."""
        if self.state == "closed":
            return []
        self._to("close")
        for link in list(self._links.values()):
            self._shut(link, 1000)
        self._main = self._next = None
        self._dial_at = None
        self._session = Session(self._mint, dashboard=self._dashboard)
        return []

    def command(self, frame: Command, now: float) -> list[Notice]:
        """Send a command, now or as soon as there is a socket; its answer comes as a notice with the same id.

        Raises:
            Refusal: `frame_too_large`, when the server would close the connection over it.
            OutboxFull: too many commands wait already.
        """
        most = self.limits.get("frameBytes", _DEFAULTS.frame_bytes)
        if len(encode(frame)) > most:
            raise Refusal(
                "frame_too_large", f"This command is larger than {most} bytes. Attach large content as files."
            )
        if isinstance(frame, AuthRefresh) and not is_ticket(frame.token):
            self._greeting.token = frame.token
        self._session.outbox.add(frame, "application")
        return self._flush(now)

    def subscribe(self, stream_id: str, after: int, now: float) -> list[Notice]:
        """Follow a stream from a position, over every reconnect, until it ends or is lost."""
        self._session.subscribe(stream_id, after, ready=self._is_ready)
        return self._flush(now)

    def unsubscribe(self, stream_id: str, now: float) -> list[Notice]:
        """Follow a stream no longer; it runs on."""
        self._session.unsubscribe(stream_id, ready=self._is_ready)
        return self._flush(now)

    def presence(self, frame: PresenceUpdate) -> list[Notice]:
        """Say what this tab shows; said again on every new socket, which counts as hidden until then."""
        self._presence = frame
        if self._is_ready and self._main is not None:
            self._send(self._main, encode(frame))
        return self._said()

    def foreground(self, now: float) -> list[Notice]:
        """The tab became visible or the network came back: make sure, within 5 s, that the socket still works."""
        if self.state == "backoff":
            self._dial_at = now
            return self.tick(now)
        link = self._main
        if link is not None and link.state == "ready" and link.probe is None:
            link.probe, link.probe_until = self._mint(), now + PROBE
            self._send(link, encode(ClientPing(id=link.probe)))
        return self._said()

    # What the sockets did.

    def opened(self, number: int, now: float, token: str | None = None) -> list[Notice]:
        """A socket is open: say hello.

        Args:
            token: a fresher token than the one known, if there is one.
        """
        link = self._links.get(number)
        if link is None or link.state != "connecting":
            return []
        self._greeting.token = token or self._greeting.token
        link.state, link.since, link.heard = "authenticating", now, now
        if link is self._main:
            self._to("opened")
        hello = self._greeting.hello(self._session, self.limits)
        link.hello_id = hello.id
        link.asked = {each.stream_id: each.after for each in hello.streams}
        self._send(link, encode(hello))
        return self._said()

    def received(self, number: int, text: str | bytes, now: float) -> list[Notice]:
        """A text frame came."""
        link = self._links.get(number)
        if link is None:
            return []
        link.heard = now
        try:
            frame = decode_server(text)
            if frame is not None and (link.state == "ready" or isinstance(frame, Welcome | Error)):
                self._handlers[type(frame)](link, frame, now)
        except (Violation, msgspec.ValidationError):
            self._give_up(link, now, code=4400)
        return self._flush(now) if self._session.outbox else self._said()

    def closed(self, number: int, code: int, now: float) -> list[Notice]:
        """A socket closed or could not be opened (1006)."""
        link = self._links.pop(number, None)
        if link is not None:
            self._gone(link, code, now)
        return self._flush(now)

    def tick(self, now: float) -> list[Notice]:
        """Time has passed."""
        for link in list(self._links.values()):
            if link.deadline <= now:
                self._give_up(link, now, at_once=link.probe is not None and link.probe_until <= now)
        if self._dial_at is not None and self._dial_at <= now:
            self._redial(now)
        return self._flush(now)

    # What the driver asks.

    def actions(self) -> list[Action]:
        """What to do to the sockets, in order; to be carried out after the notices were handled."""
        found, self._actions = self._actions, []
        return found

    def deadline(self, now: float) -> float | None:
        """When to call `tick` at the latest; None when nothing is awaited."""
        times = [link.deadline for link in self._links.values()]
        if self._dial_at is not None:
            times.append(self._dial_at)
        if self._is_ready and (held := self._session.outbox.deadline(now)) is not None:
            times.append(held)
        return min(times, default=None)

    @property
    def _is_ready(self) -> bool:
        return self.state in ("ready", "draining")

    # Sockets.

    def _to(self, event: str) -> None:
        self.state = advance(CLIENT_CONNECTION, self.state, event)

    def _dial(self, now: float) -> Link:
        self._dial_at = None
        self._numbers += 1
        link = self._links[self._numbers] = Link(self._numbers, now, now)
        self._actions.append(Connect(link.number))
        return link

    def _redial(self, now: float) -> None:
        if self.state == "backoff":
            self._to("retry")
            self._main = self._dial(now)
        elif self.state == "draining":
            self._next = self._dial(now)

    def _shut(self, link: Link, code: int) -> None:
        self._links.pop(link.number, None)
        self._actions.append(Close(link.number, code))

    def _give_up(self, link: Link, now: float, *, code: int = 4000, at_once: bool = False) -> None:
        self._shut(link, code)
        self._gone(link, ABNORMAL, now, at_once=at_once)

    def _gone(self, link: Link, code: int, now: float, *, at_once: bool = False) -> None:
        """A socket no longer exists; what that means depends on which one it was."""
        code = link.meant(code)
        self._session.lost(link.number)
        if link is self._next:
            self._next = None
            if verdict(code) == "reconnect":
                self._dial_at = now + self._backoff.next(link.stay_away)
        elif link is self._main:
            self._main = None
            self._main_gone(link, code, now, at_once=at_once)

    def _main_gone(self, link: Link, code: int, now: float, *, at_once: bool) -> None:
        self._dial_at = None
        if link.state == "ready":
            self._backoff.lasted(now - link.since)
        if verdict(code) == "stop":
            self._to("refused")
            if self._next is not None:
                self._shut(self._next, 1000)
                self._next = None
            self._session.notices.append(Stopped(code, link.fatal))
            return
        self._to("lost")
        if self._next is not None:
            self._promote(self._next)
            delay = 0.0
        else:
            delay = 0.0 if at_once else self._backoff.next(link.stay_away)
            self._dial_at = now + delay
        self._session.notices.append(Disconnected(code, link.fatal, delay))

    def _promote(self, link: Link) -> None:
        """The old socket went before the new one was ready: wait for that one, as if it were the first."""
        self._main, self._next = link, None
        self._to("retry")
        if link.state == "authenticating":
            self._to("opened")

    def _let_go(self, now: float) -> None:
        """Close the sockets we moved away from, once they owe us no more answers."""
        for link in list(self._links.values()):
            if link is not self._main and link is not self._next and not self._session.outbox.in_flight(link.number):
                self._shut(link, 1000)
                self._gone(link, 1000, now)

    # Frames.

    def _send(self, link: Link, data: bytes) -> None:
        self._actions.append(Send(link.number, data))

    def _flush(self, now: float) -> list[Notice]:
        link = self._main
        if link is not None and link.state == "ready":
            most = self.limits.get("commandsInFlight", _DEFAULTS.commands_in_flight)
            for entry in self._session.outbox.due(link.number, most, now):
                self._send(link, entry.data)
        return self._said()

    def _said(self) -> list[Notice]:
        found, self._session.notices = self._session.notices, []
        return found

    def _on_welcome(self, link: Link, frame: Welcome, now: float) -> None:
        if link.state != "authenticating" or frame.id != link.hello_id:
            return
        link.state, link.since = "ready", now
        self.limits = frame.limits
        link.silence = frame.limits.get("silenceMs", _DEFAULTS.silence_ms) / 1000
        moved = link is self._next
        self._to("moved" if moved else "welcome")
        self._main, self._next = link, None
        self._session.welcome(frame, link.asked, moved=moved)
        if self._presence is not None:
            self._send(link, encode(self._presence))
        self._let_go(now)

    def _on_goodbye(self, link: Link, frame: Goodbye, now: float) -> None:
        if link is not self._main or self.state != "ready":
            return
        self._to("goodbye")
        least, most = frame.reconnect_after_ms
        self._dial_at = now + (least + self._random() * (most - least)) / 1000

    def _on_ack(self, link: Link, frame: Ack, now: float) -> None:
        self._session.ack(frame, counted=link is self._main)
        if link is not self._main:
            self._let_go(now)

    def _on_error(self, link: Link, frame: Error, now: float) -> None:
        if frame.fatal or frame.id == link.hello_id:
            link.fatal = frame.error
            return
        is_left = link is not self._main or self.state == "draining"
        self._session.error(frame, now, leaving=link.number if is_left else None)
        if link is not self._main:
            self._let_go(now)

    def _on_chunk(self, link: Link, frame: StreamChunk, now: float) -> None:  # noqa: ARG002 - handlers are alike
        if link is self._main:
            self._session.chunk(frame)

    def _on_end(self, link: Link, frame: StreamEnd, now: float) -> None:  # noqa: ARG002 - handlers are alike
        if link is self._main:
            self._session.end(frame)

    def _on_status(self, link: Link, frame: StreamStatusFrame, now: float) -> None:  # noqa: ARG002 - handlers are alike
        if link is self._main and frame.stream_id in self._session.streams:
            self._session.notices.append(frame)

    def _on_event(self, link: Link, frame: Event, now: float) -> None:  # noqa: ARG002 - handlers are alike
        if link is self._main:
            self._session.event(frame)

    def _on_reset(self, link: Link, frame: EventsReset, now: float) -> None:  # noqa: ARG002 - handlers are alike
        if link is self._main:
            self._session.reset(frame)

    def _on_ping(self, link: Link, frame: ServerPing, now: float) -> None:  # noqa: ARG002 - handlers are alike
        self._send(link, encode(ClientPong(id=frame.id)))

    def _on_pong(self, link: Link, frame: ServerPong, now: float) -> None:  # noqa: ARG002 - handlers are alike
        if frame.id == link.probe:
            link.probe = None

    def _on_expiring(self, link: Link, frame: AuthExpiring, now: float) -> None:  # noqa: ARG002 - handlers are alike
        if link is self._main:
            self._session.notices.append(frame)
