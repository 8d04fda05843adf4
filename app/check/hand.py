"""The stage hand: another tab of the user, which sets up what a check needs and looks up what is stored."""

from typing import Any

from app.check.failure import Failure
from app.check.socket import Socket
from app.check.world import World, mint, question

Frame = dict[str, Any]


async def greet(socket: Socket, token: str, **fields: Any) -> Frame:
    """Say hello on an open socket; return the welcome."""
    hello = {"type": "hello", "id": mint(), "clientId": mint(), "token": token} | fields
    return await answer_to(socket, {key: value for key, value in hello.items() if value is not None})


async def answer_to(socket: Socket, command: Frame) -> Frame:
    """Send a command and wait for its answer, whichever that is."""
    await socket.send(command)
    found: list[Frame] = []

    def answers() -> bool:
        for each in socket.arrivals:
            kind, its_id = each.frame["type"], each.frame.get("id")
            is_fatal = kind == "error" and each.frame.get("fatal")
            if not each.taken and (is_fatal or (its_id == command["id"] and kind in ("ack", "error", "welcome"))):
                each.taken = True
                found.append(each.frame)
                return True
        return False

    await socket.until(answers, f"an answer to {command['type']} {command['id']}")
    return found[0]


class Hand:
    """A tab of its own. It opens its socket when it is first needed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._socket: Socket | None = None

    async def command(self, kind: str, **fields: Any) -> Frame:
        """Carry out a command; return its result.

        Raises:
            Failure: it was refused.
        """
        command = {"type": kind, "id": mint()} | fields
        answer = await answer_to(await self._ready(), command)
        if answer["type"] != "ack":
            raise Failure(f"A {kind} that sets the stage was refused.", "ack", answer)
        result: Frame = answer["result"]
        return result

    async def ask(self, chat_id: str, length: str, chunk: Frame | None = None, **fields: Any) -> Frame:
        """Ask a question in a chat; return the `GenerationResult`.

        Args:
            chunk: wait until the answer has a chunk with these fields.
        """
        message = {"id": mint(), "role": "user", "parts": [{"type": "text", "text": question(length)}]}
        asked = {"chatId": chat_id, "message": message} | self._world.asking(length) | fields
        result = await self.command("message.send", **asked)
        if chunk is not None:
            socket, stream_id = await self._ready(), result["streamId"]
            await socket.until(lambda: self._has(stream_id, chunk), chunk)
        return result

    async def stored(self, chat_id: str, message_id: str) -> Frame | None:
        """A message as the history has it; None when it has none."""
        page = await self.command("chat.get", chatId=chat_id, limit=200)
        found: list[Frame] = [message for message in page["messages"] if message["id"] == message_id]
        return found[0] if found else None

    async def clear(self, chat_ids: set[str]) -> None:
        """Delete what a check has made; what is gone already, or was never there, is refused and that is well."""
        for chat_id in chat_ids:
            await answer_to(await self._ready(), {"type": "chat.delete", "id": mint(), "chatId": chat_id})

    async def leave(self) -> None:
        """Close the socket, if there is one."""
        if self._socket is not None:
            await self._socket.leave()

    async def _ready(self) -> Socket:
        if self._socket is None:
            self._socket = await Socket.open(self._world.socket_url, self._world.patience)
            welcome = await greet(self._socket, self._world.token, capabilities=["tools"], snapshot="never")
            if welcome["type"] != "welcome":
                raise Failure("The stage hand was not let in.", "welcome", welcome)
        return self._socket

    def _has(self, stream_id: str, chunk: Frame) -> bool:
        reading = None if self._socket is None else self._socket.readings.get(stream_id)
        chunks = [each for frame in reading.frames for each in frame["chunks"]] if reading else []
        return any(chunk.items() <= each.items() for each in chunks)
