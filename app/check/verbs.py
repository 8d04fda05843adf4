"""Steps that look at more than one frame: is it stored as shown, exact after a resume, within the window."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from websockets.exceptions import InvalidStatus

from app.check.failure import Failure
from app.check.hand import answer_to, greet
from app.check.reading import Reading
from app.check.socket import DATA, Socket
from app.check.world import mint
from protocol.client import Dashboard
from protocol.codec import decode_server
from protocol.frames.objects import DashboardSnapshot
from protocol.frames.server import Event, Welcome

if TYPE_CHECKING:
    from app.check.player import Player

Json = dict[str, Any]

# A slow client is watched for this long: what it is owed at most is sent at once.
_WATCHED = 0.5


async def stored(player: "Player", step: Json) -> None:
    """The message in the history is the fold of what was shown, and agrees with the end."""
    reading = await _whole(player.socket(step), player.names.fill(step["stored"]))
    end = reading.end or {}
    message = await player.hand.stored(end["chatId"], end["messageId"])
    if message is None:
        raise Failure("The answer ended and is not stored.", reading.fold.message(), "no such message", "13")
    if message["parts"] != reading.fold.parts:
        raise Failure("What is stored is not what was shown.", reading.fold.parts, message["parts"], "13", "19")
    status = message.get("metadata", {}).get("status")
    if status != end["status"]:
        raise Failure("The stored message and its stream disagree.", end["status"], f"metadata.status {status}", "13")


async def resume(player: "Player", step: Json) -> None:
    """From whatever position an answer is read on, it ends the same."""
    whole = await _whole(player.socket(step), player.names.fill(step["resume"]))
    for round_ in range(step["times"]):
        known = whole.cut(player.world.random.randrange(len(whole.frames) + 1))
        socket = await _resumed(player, known, by_hello=round_ % 2 == 0)
        reading = await _whole(socket, whole.stream_id)
        if reading.fold.message() != whole.fold.message() or reading.end != whole.end:
            raise Failure(
                f"Read on after {known.last}, the answer is another.", [whole.fold.message(), whole.end],
                [reading.fold.message(), reading.end], "5", "7",
            )  # fmt: skip
        await socket.leave()


async def cuts(player: "Player", step: Json) -> None:
    """The connection breaks again and again while the answer grows; the newest socket goes on at the exact position."""
    number = step.get("socket", 1)
    stream_id = player.names.fill(step["cuts"])
    for _ in range(step["times"]):
        socket = player.sockets[number]
        known = socket.readings.get(stream_id) or Reading(stream_id)
        more = known.last + player.world.random.randrange(1, 8)
        await socket.until(_has_come(socket, stream_id, more), f"stream.chunk of {stream_id} up to {more}")
        if known.end is not None:
            return
        await socket.cut()
        player.sockets[number] = await _resumed(player, socket.readings[stream_id], by_hello=True)


async def snapshot(player: "Player", step: Json) -> None:
    """The snapshot of the welcome with every event since equals a fresh snapshot."""
    socket = player.socket(step)
    answer = await answer_to(socket, {"type": "dashboard.get", "id": mint()})
    if answer["type"] != "ack":
        raise Failure("The dashboard was refused.", "ack", answer)
    fresh = msgspec.convert(answer["result"], DashboardSnapshot)
    await socket.until(lambda: socket.offset >= fresh.offset, f"every event up to {fresh.offset}")
    ours, theirs = Dashboard(), Dashboard()
    theirs.replace(fresh)
    for frame in [decode_server(json.dumps(each.frame)) for each in socket.arrivals]:
        if isinstance(frame, Welcome) and frame.snapshot is not None:
            ours.replace(frame.snapshot)
        elif isinstance(frame, Event):
            ours.apply(frame)
            if frame.offset > fresh.offset:
                theirs.apply(frame)
    # Nothing says what lies below the last page that was read, so only what both list is compared there.
    listed = {chat.chat_id: chat for chat in theirs.chats}
    for chat in ours.chats:
        if chat != listed.pop(chat.chat_id, None if not theirs.more else chat):
            raise Failure("A chat is not what its events made of it.", _told(theirs), _told(ours), "22")
    if listed and not theirs.more:
        raise Failure("No event told of a chat.", _told(theirs), _told(ours), "22")


async def window(player: "Player", step: Json) -> None:
    """Whoever answers no ping gets the window and one frame, and answers to commands all the same."""
    socket = player.socket(step)
    announced = next(each.frame["flow"]["windowBytes"] for each in socket.arrivals if each.frame["type"] == "welcome")
    await socket.until(lambda: any(each.frame["type"] in DATA for each in socket.arrivals), "data behind a ping")
    await asyncio.sleep(_WATCHED)
    ping = mint()
    await socket.send({"type": "ping", "id": ping})
    await socket.until(lambda: any(each.frame.get("id") == ping for each in socket.arrivals), f"pong {ping}")
    sizes = [each.size for each in socket.arrivals if each.frame["type"] in DATA]
    if sum(sizes[:-1]) > announced:
        raise Failure(
            "A client that answers no ping is sent more and more.", f"{announced} bytes and one frame at most",
            f"{sum(sizes)} bytes in {len(sizes)} frames", "27",
        )  # fmt: skip
    socket.answers_pings = True
    for each in [each.frame for each in socket.arrivals if each.frame["type"] == "ping"][-1:]:
        await socket.send({"type": "pong", "id": each["id"]})


async def burst(player: "Player", step: Json) -> None:
    """Whoever asks too fast is told so, with the time to wait; the same command is carried out after that."""
    socket = player.socket(step)
    most = (player.world.limits or {}).get("commandBurst", 40)
    ids = [mint() for _ in range(most + 20)]
    for command_id in ids:
        await socket.send({"type": "chat.get", "id": command_id, "chatId": player.names.fill(step["burst"])})
    answers: dict[str, Json] = {}

    def all_answered() -> bool:
        answers.update({each.frame["id"]: each.frame for each in socket.arrivals if each.frame.get("id") in ids})
        return len(answers) == len(ids)

    await socket.until(all_answered, f"an answer to each of {len(ids)} commands")
    refused = [frame for frame in answers.values() if frame.get("error", {}).get("code") == "rate_limited"]
    if not refused or not all(frame["error"].get("retryAfterMs", 0) > 0 for frame in refused):
        expected = f"rate_limited with retryAfterMs beyond {most} commands at once"
        raise Failure("Nobody was told to slow down.", expected, refused or "none", "§10")
    await asyncio.sleep(max(frame["error"]["retryAfterMs"] for frame in refused) / 1000)
    again = {"type": "chat.get", "id": refused[0]["id"], "chatId": player.names.fill(step["burst"])}
    for each in socket.arrivals:
        each.taken = True
    answer = await answer_to(socket, again)
    if answer.get("error", {}).get("code") == "rate_limited":
        raise Failure("It waited as long as it was told to.", "the command is carried out", answer, "§10")


async def refused(player: "Player", step: Json) -> None:
    """A handshake with these headers is refused, before there is a socket."""
    try:
        socket = await Socket.open(player.world.socket_url, player.world.patience, headers=step["headers"])
    except InvalidStatus as refusal:
        status = refusal.response.status_code
        if status != step["refused"]:
            raise Failure("It is refused otherwise.", f"status {step['refused']}", f"status {status}") from None
    else:
        await socket.leave()
        raise Failure("Somebody was let in from elsewhere.", f"status {step['refused']}", "a socket")


VERBS: dict[str, Callable[["Player", Json], Awaitable[None]]] = {
    "stored": stored, "resume": resume, "cuts": cuts, "snapshot": snapshot, "window": window, "burst": burst,
    "refused": refused,
}  # fmt: skip


async def _resumed(player: "Player", known: Reading, *, by_hello: bool) -> Socket:
    """A new socket that reads on where an answer is known to."""
    socket = await Socket.open(player.world.socket_url, player.world.patience)
    socket.readings[known.stream_id] = Reading(known.stream_id).extend(known.frames)
    asked = {"streamId": known.stream_id, "after": known.last}
    await greet(socket, player.world.token, snapshot="never", **({"streams": [asked]} if by_hello else {}))
    if not by_hello:
        answer = await answer_to(socket, {"type": "stream.subscribe", "id": mint()} | asked)
        if answer["type"] != "ack":
            raise Failure(f"Reading on after {known.last} was refused.", "ack", answer, "7", "12")
    return socket


async def _whole(socket: Socket, stream_id: str) -> Reading:
    await socket.until(
        lambda: stream_id in socket.readings and socket.readings[stream_id].end is not None,
        {"type": "stream.end", "streamId": stream_id},
    )
    return socket.readings[stream_id]


def _has_come(socket: Socket, stream_id: str, seq: int) -> Callable[[], bool]:
    def has_come() -> bool:
        reading = socket.readings.get(stream_id)
        return reading is not None and (reading.last >= seq or reading.end is not None)

    return has_come


def _told(dashboard: Dashboard) -> list[Json]:
    return [msgspec.to_builtins(chat) for chat in dashboard.chats]
