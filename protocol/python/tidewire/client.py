"""The client: one live connection to a Tidewire server, for as long as it takes."""

import asyncio
import random as randomness
from collections.abc import AsyncGenerator, Callable
from os import PathLike
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from protocol.client import ClientConnection, Connected, Dashboard, Notice, Stopped
from protocol.frames.client import CLIENT_FRAMES, AuthRefresh, ClientInfo, Command, Generating, PresenceUpdate
from protocol.frames.objects import GenerationResult, StreamStatus, Visibility
from protocol.frames.server import AuthExpiring, Welcome
from protocol.ids import uuid7
from tidewire.answer import Answer
from tidewire.clock import Clock, LoopClock
from tidewire.driver import Driver, TokenSource
from tidewire.errors import ClientClosed, CommandRefused, ConnectionStopped, Unreachable
from tidewire.guest import guest_session
from tidewire.http import socket_url
from tidewire.inbox import Change
from tidewire.open_work import OpenWork
from tidewire.transport import Connector, connector
from tidewire.upload import UploadedFile, upload
from tidewire.verbs import Verbs

Result = TypeVar("Result")

_COMMANDS = {str(frame.__struct_config__.tag): frame for frame in CLIENT_FRAMES if issubclass(frame, Command)}
# Seconds. The server warns a minute ahead and closes half a minute after; 4401 is its word for "sign in".
_REFRESH_WITHIN, _REFRESH_AGAIN = 90.0, 5.0
_SIGN_IN = 4401
_INFO = ClientInfo(name="tidewire-python", version="0.1.0")


class Client(Verbs):
    """A live connection; make one with `tidewire.connect` and use it inside `async with`.

    Lost sockets, restarted servers and moved connections are dealt with inside: commands are sent again under the
    same id (so they have one effect), every answer goes on exactly where it stood, and the dashboard stays true.

    Attributes:
        dashboard: the user's chats, projects and models, live.
        token: the token in use; a second client with the same one is the same user.
        welcome: what the server said last when it greeted us, None before that.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | TokenSource | None,
        dashboard: bool,
        timeout: float | None,
        info: ClientInfo | None,
        capabilities: tuple[str, ...],
        observer: Callable[[Notice], None] | None,
        open_socket: Connector | None,
        clock: Clock | None,
        random: randomness.Random | None,
    ) -> None:
        self.url = url
        self.dashboard = Dashboard()
        self.token: str | None = token if isinstance(token, str) else None
        self.welcome: Welcome | None = None
        self._token_source = None if token is None or isinstance(token, str) else token
        self._keeps_dashboard, self._timeout, self._info = dashboard, timeout, info or _INFO
        self._capabilities = capabilities
        self._observer = observer
        self._connector, self._clock_given = open_socket, clock
        self._random = random or randomness.SystemRandom()
        self._work = OpenWork(self.dashboard)
        self._failure: Exception | None = None
        self._owner: asyncio.Task[None] | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._signs_in_again = False  # with a fresh token, after the last one was refused

    def __repr__(self) -> str:
        return f"<Client {self.url} {self.state} {self._work!r}>"

    async def __aenter__(self) -> Self:
        """Connect, and wait for the server's welcome.

        Raises:
            Unreachable: no welcome came within the timeout.
            ConnectionStopped: the server wants something else first, as another token.
            CommandRefused: the server takes no guests.
        """
        if self._owner is not None:
            raise RuntimeError("A client can be entered once; make another one with tidewire.connect.")
        self._clock = self._clock_given or LoopClock()
        if self.token is None and self._token_source is None:
            self.token = (await guest_session(self.url)).token
        self._greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.client_id = self.new_id()
        self._core = ClientConnection(
            self.client_id, self.new_id, self._random.random, token=self.token, dashboard=self._keeps_dashboard,
            info=self._info, capabilities=self._capabilities,
        )  # fmt: skip
        self._driver = Driver(
            self._core, self._connector or connector(), socket_url(self.url), self._clock,
            None if self._token_source is None else self._fresh_token, self._notice,
        )  # fmt: skip
        self._owner = asyncio.create_task(self._run(), name=f"tidewire {self.url}")
        try:
            async with asyncio.timeout(self._timeout):
                await self._greeted
        except TimeoutError:
            await self.close()
            raise Unreachable(f"No welcome came from {self.url} within {self._timeout} s.") from None
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every socket. A failure inside the client that nobody was told of is raised here."""
        await self.close()
        if error is None and self._failure is not None and not isinstance(self._failure, ClientClosed):
            raise self._failure

    async def close(self) -> None:
        """Close every socket; whatever waits gets `ClientClosed`. Safe to call twice."""
        self._fail(ClientClosed("The client was closed."))
        if self._owner is not None:
            self._driver.finish()
            await self._owner

    @property
    def state(self) -> str:
        """`ready`, or why not: `connecting`, `authenticating`, `draining`, `backoff`, `stopped`, `closed`."""
        return "closed" if self._owner is None else self._core.state

    @property
    def user_id(self) -> str | None:
        """Who we are, once the server has said so."""
        return None if self.welcome is None else self.welcome.user_id

    def new_id(self) -> str:
        """A fresh id, for a chat, a question or a command."""
        clock = self._clock_given or self._clock
        return uuid7(clock.unix_ms(), self._random.randbytes(10))

    # Commands.

    async def command(self, command: str, /, **fields: Any) -> dict[str, Any]:
        """Send any command of the protocol and return the `result` of its ack.

        The ack of a question subscribes to its answer, so that is followed from here on: `follow` returns it whole.

        Args:
            command: its type, as `chat.get`.
            fields: its fields, named as on the wire (`chatId=...`). An `id` is made unless given.

        Raises:
            CommandRefused: the server refused it.
            ValueError: there is no such command, a field is missing or wrong, or another command waits under this id.
        """
        frame = self._frame(command, fields)

        def build(result: dict[str, Any]) -> dict[str, Any]:
            if isinstance(frame, Generating) and frame.subscribe:
                self._answer(msgspec.convert(result, GenerationResult))
            return result

        return await self._ask(frame, build)

    async def _ask(self, frame: Command, build: Callable[[dict[str, Any]], Result]) -> Result:
        """Send a command; `build` makes the value out of the result, before any later frame is looked at.

        One that waits for its answer already is not sent again: whoever asks for it twice gets the same answer.
        """
        self._check_open()
        is_sent = self._work.waits_for(frame)
        future = self._work.wait_for(frame, build)
        try:
            if not is_sent:
                self._driver.take(self._core.command(frame, self._clock.now()))
        except BaseException:
            self._work.give_up(frame.id)
            raise
        return await future

    def _frame(self, command: str, fields: dict[str, Any]) -> Command:
        kind = _COMMANDS.get(command)
        if kind is None or command in ("hello", "ping"):
            raise ValueError(f"There is no command {command!r}; known are {', '.join(sorted(_COMMANDS))}.")
        given = {name: value for name, value in fields.items() if value is not None}
        try:
            frame = msgspec.convert({"id": self.new_id(), **given}, kind)
        except msgspec.ValidationError as problem:
            raise ValueError(f"{command}: {problem}") from None
        if unknown := set(given) - set(kind.__struct_encode_fields__):
            raise ValueError(f"{command} has no field {', '.join(sorted(unknown))}.")
        return frame

    async def _generate(self, command: str, fields: dict[str, Any]) -> Answer:
        frame = self._frame(command, fields)
        assert isinstance(frame, Generating)  # noqa: S101 - only generating commands come here
        return await self._ask(frame, lambda result: self._answer(msgspec.convert(result, GenerationResult)))

    def _answer(self, result: GenerationResult) -> Answer:
        answer = self._known(result.stream_id, 0)
        answer.chat_id, answer.message_id = result.chat_id, result.message_id
        answer.user_message_id = result.user_message_id
        return answer

    async def upload(
        self, file: bytes | str | PathLike[str], *, filename: str | None = None, media_type: str | None = None
    ) -> UploadedFile:
        """Upload a file, to send it with `files`; the same bytes again are the same file.

        Needs a session or API token: a ticket proves nothing outside of the socket.

        Args:
            file: its bytes, or the path where it lies.
            filename: what it is called; the last part of the path when left out.
            media_type: when left out, guessed by the name, or by the server from the bytes.

        Raises:
            CommandRefused: it is too large, of a kind that is not taken, or too much for this user.
            Unreachable: the server did not answer.
        """
        self._check_open()
        token = self.token if self._token_source is None else await self._fresh_token()
        assert token is not None  # noqa: S101 - without a source there is one since we entered
        return await upload(self.url, token, file, filename=filename, media_type=media_type)

    def follow(self, stream_id: str, *, after: int = 0) -> Answer:
        """Follow a stream that somebody else started: another tab, another device, or we before a restart.

        Args:
            after: the position to go on from; 0 is the start. A stream that is followed already keeps its position.
        """
        self._check_open()
        answer = self._known(stream_id, after)
        self._driver.take(self._core.subscribe(stream_id, after, self._clock.now()))
        return answer

    def unfollow(self, answer: Answer) -> None:
        """Follow an answer no longer; it is written on, and its readers end with `ClientClosed`."""
        if self._work.drop(answer, ClientClosed("The answer is no longer followed.")):
            self._driver.take(self._core.unsubscribe(answer.stream_id, self._clock.now()))

    def _known(self, stream_id: str, after: int) -> Answer:
        return self._work.answer(stream_id) or self._work.follow(
            Answer(stream_id, after, self._stored, self._stop_answer)
        )

    async def _stop_answer(self, answer: Answer) -> StreamStatus:
        return await self.stop(stream_id=answer.stream_id)

    async def _stored(self, answer: Answer) -> dict[str, Any] | None:
        if answer.chat_id is None or answer.message_id is None:
            return None
        return await self.message(answer.chat_id, answer.message_id)

    def presence(self, visibility: Visibility, chat_id: str | None = None) -> None:
        """Say whether a person looks at this client, and at which chat; said again on every new socket.

        It decides what counts as unseen. A client that is hidden gets data four times a second; one that named the
        capability `status` hears no words until it is visible or the answer ends.
        """
        self._check_open()
        self._driver.take(self._core.presence(PresenceUpdate(visibility=visibility, chat_id=chat_id)))

    def foreground(self) -> None:
        """The application woke up, or the network came back: find out within 5 s whether the socket still works."""
        self._check_open()
        self._driver.take(self._core.foreground(self._clock.now()))

    async def events(self) -> AsyncGenerator[Change, None]:
        """Every change of the dashboard from now on, after `dashboard` has taken it.

        Yields `Event`; `Refreshed` when a new snapshot replaced everything; `Reset` when changes were missed, here
        because this reader was too slow (1 MiB) or there because the server's log is gone.
        """
        self._check_open()
        with self._work.inbox() as inbox:
            async for change in inbox.read():
                yield change

    # What the rules tell us. Nothing here blocks: the parser is waiting.

    async def _run(self) -> None:
        try:
            await self._driver.run()
        except BaseExceptionGroup as group:
            self._fail(_first(group))
        except Exception as failure:  # noqa: BLE001 - kept, and raised to whoever waits and by __aexit__
            self._fail(failure)

    def _notice(self, notice: Notice, size: int) -> None:
        if self._observer is not None:
            self._observer(notice)
        self._work.take(notice, size)
        if isinstance(notice, Connected):
            self.welcome, self._signs_in_again = notice.welcome, False
            if not self._greeted.done():
                self._greeted.set_result(None)
        elif isinstance(notice, AuthExpiring):
            if self._token_source is not None:
                self._refreshing = self._driver.spawn(self._refresh())
        elif isinstance(notice, Stopped) and self._may_sign_in_again(notice.code):
            self._signs_in_again = True
            self._driver.spawn(self._sign_in_again())
        elif isinstance(notice, Stopped):
            self._fail(ConnectionStopped(notice.code, notice.error))
            self._driver.finish()

    # Tokens.

    async def _fresh_token(self) -> str:
        assert self._token_source is not None  # noqa: S101 - nobody asks without one
        self.token = await self._token_source()
        return self.token

    async def _refresh(self) -> None:
        """Put a fresh token on the live socket; while none can be had, ask again until the old one has run out."""
        give_up_at = self._clock.now() + _REFRESH_WITHIN
        while self._clock.now() < give_up_at:
            try:
                frame = AuthRefresh(id=self.new_id(), token=await self._fresh_token())
                await self._ask(frame, lambda result: result)
            except (OSError, Unreachable):
                await self._pause(_REFRESH_AGAIN)
            except (CommandRefused, ConnectionStopped, ClientClosed):
                # The socket closes with 4401 when the old token has run out; the next one begins with a fresh one.
                return
            else:
                return

    def _may_sign_in_again(self, code: int) -> bool:
        """Whether a fresh token may help: once, because then it is not the age of the token that is wrong."""
        return code == _SIGN_IN and self._token_source is not None and not self._signs_in_again

    async def _sign_in_again(self) -> None:
        self._driver.take(self._core.open(self._clock.now()))

    async def _pause(self, seconds: float) -> None:
        over = asyncio.Event()
        timer = self._clock.call_at(self._clock.now() + seconds, over.set)
        try:
            await over.wait()
        finally:
            timer.cancel()

    def _check_open(self) -> None:
        if self._owner is None:
            raise RuntimeError("Use the client inside `async with tidewire.connect(...)`.")
        if self._failure is not None:
            raise self._failure

    def _fail(self, failure: Exception) -> None:
        """End everything that waits; the first failure is the one that counts."""
        if self._failure is not None:
            return
        self._failure = failure
        self._work.fail(failure)
        if self._refreshing is not None:
            self._refreshing.cancel()
        if self._owner is not None and not self._greeted.done():
            self._greeted.set_exception(failure)


def _first(group: BaseExceptionGroup[BaseException]) -> Exception:
    """The first failure that is not a group itself."""
    for each in group.exceptions:
        found = _first(each) if isinstance(each, BaseExceptionGroup) else each
        if isinstance(found, Exception):
            return found
    return RuntimeError(str(group))
