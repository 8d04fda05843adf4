"""The life of a stream as it is written down: asked for, started, ended, each in one change.

These functions run inside a change and do nothing else: they decide by what the database says, because it alone
sees the commands of all connections and nodes. Running the answer is the supervisor's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.store import chats, files, messages, queue, streams, usage, users
from app.store.commands import take_early_stop
from app.store.outbox import Change
from app.store.streams import StreamRow
from app.streams import placing
from app.streams.generation import Ending, Generation
from app.streams.placing import Place
from app.streams.quota import Quota, day_of
from protocol.errors import Refusal
from protocol.files import files_in
from protocol.frames.objects import ErrorObject, StreamStatus
from protocol.lifecycle import TERMINAL


@dataclass(frozen=True, slots=True)
class Ask:
    """What a command asks for: an answer of this model at this place of a chat.

    Args:
        interactive: its client can be asked back, to allow a tool or to answer its question.
    """

    command_id: str
    client_id: str
    chat_id: str
    stream_id: str
    message_id: str
    model: str
    options: Mapping[str, Any]
    place: Place
    interactive: bool = False


async def enqueue(change: Change, ask: Ask, *, ahead: bool, behind: Sequence[StreamRow]) -> StreamRow:
    """Write down an answer that is asked for; it waits until it is started.

    Args:
        ahead: it goes ahead of what waits in line, and starts although that is paused. So does an answer that was
            stopped before it was asked for (guarantee 15): it costs nothing, and nobody waits for it.
        behind: the user's streams that have not ended. Those of the same rank keep their order, which is that of their
            creation; so it is never the same as another's, however fast a client asks.
    """
    # Noted now: when its turn comes, the stop may long have been forgotten.
    stop_early = await take_early_stop(change.tx, change.user_id, ask.command_id, now=change.now)
    row = StreamRow(
        stream_id=ask.stream_id,
        user_id=change.user_id,
        chat_id=ask.chat_id,
        message_id=ask.message_id,
        command_id=ask.command_id,
        source_client_id=ask.client_id,
        status="queued",
        request={
            "model": ask.model,
            "options": ask.options,
            "text": ask.place.text[: chats.QUEUE_TEXT],
            "stopEarly": stop_early,
            "interactive": ask.interactive,
        }
        | ask.place.request(),
        created_at=max([change.now, *(row.created_at + 1 for row in behind)]),
    )
    await streams.insert(change.tx, row, rank=queue.NEXT if ahead or stop_early else queue.IN_LINE)
    if ask.place.question is not None:
        named = files_in(ask.place.question.parts)
        await files.name(change.tx, change.user_id, ask.chat_id, ask.place.question_id, named)
    return row


async def start(change: Change, row: StreamRow, *, node: str, refused: ErrorObject | None = None) -> Generation:
    """Start a waiting stream: its turn has come, so its question and its answer take their places in the chat.

    Args:
        refused: why it may not be written any more; then it fails at once, with its question stored.

    Raises:
        UniqueViolation: another stream is active in the chat (guarantee 17).
    """
    question_id = await placing.place_question(change, row)
    metadata = await placing.place_answer(change, row, question_id)
    request = {name: value for name, value in row.request.items() if name not in ("question", "beside")} | {
        "questionId": question_id
    }
    await streams.start(change.tx, row.stream_id, node=node, request=request, now=change.now)
    change.tell(
        "stream.started",
        chat_id=row.chat_id,
        source=row.source_client_id,
        streamId=row.stream_id,
        messageId=row.message_id,
        commandId=row.command_id,
    )
    return Generation(
        stream_id=row.stream_id,
        user_id=change.user_id,
        chat_id=row.chat_id,
        message_id=row.message_id,
        question_id=question_id,
        model=row.request["model"],
        options=row.request["options"],
        started_at=change.now,
        metadata=metadata,
        interactive=row.request.get("interactive", False),
        stop_early=row.request["stopEarly"],
        refused=refused,
    )


async def start_waiting(change: Change, *, node: str, quota: Quota) -> list[Generation]:
    """Start every stream whose turn it is, oldest first.

    Args:
        node: who will own them.
        quota: how much the user may have; beyond it streams fail instead of being written.
    """
    started: list[Generation] = []
    # Nearly always nobody waits: that is asked first.
    while (row := await streams.next_queued(change.tx, change.user_id)) is not None:
        if await streams.running(change.tx, change.user_id) >= quota.at_once:
            break
        refusal = await overdraft(change, quota)
        started.append(await start(change, row, node=node, refused=None if refusal is None else refusal.error))
    return started


async def book(change: Change, quota: Quota) -> Refusal | None:
    """Count one question more; say why it comes too soon, or None. What is refused is not counted: nothing commits."""
    asked_until = await users.book_question(
        change.tx, change.user_id, now=change.now, share_ms=quota.share_ms, most_ms=quota.most_ms
    )
    return quota.too_soon(asked_until, change.now)


async def overdraft(change: Change, quota: Quota) -> Refusal | None:
    """Say why the user may have nothing more written today; None when they may."""
    if not quota.daily_tokens:
        return None
    spent = await usage.of_day(change.tx, change.user_id, day_of(change.now))
    return quota.refusal(spent.tokens, change.now)


async def end(
    change: Change,
    generation: Generation,
    ending: Ending,
    *,
    node: str | None,
    seq: int,
    parts: Sequence[Mapping[str, Any]],
    metadata: Mapping[str, Any],
    watched: bool,
) -> bool:
    """End a stream and store its message in one change (guarantee 13); say whether it was still ours to end.

    Args:
        node: the owner that ends it; None: whoever owns it is dead.
        seq: the number of its last chunk.
        parts, metadata: the message as the log folds.
        watched: whether a person saw it end. If not, its chat is unseen (guarantee 26), unless it was stopped: whoever
            does that knows what there is.
    """
    ours = await streams.finish(
        change.tx,
        generation.stream_id,
        node=node,
        status=ending.status,
        seq=seq,
        outcome=ending.outcome(),
        now=change.now,
    )
    if not ours:
        return False
    if ending.usage is not None:
        await usage.add(change.tx, change.user_id, day_of(change.now), ending.usage)
    kept = {name: value for name, value in metadata.items() if name != "versions"}
    await messages.commit(change.tx, change.user_id, generation.message_id, parts=parts, metadata=kept)
    unseen = not watched and ending.status != "stopped"
    await chats.settle(change.tx, change.user_id, generation.chat_id, ending.status, unseen=unseen)
    if ending.status in ("failed", "interrupted"):
        # What waits may build on the answer that is missing. A stop has paused it already, at its own time.
        await queue.pause(change.tx, change.user_id, generation.chat_id)
    change.tell(
        "stream.ended",
        chat_id=generation.chat_id,
        source=None,
        streamId=generation.stream_id,
        messageId=generation.message_id,
        status=ending.status,
    )
    if unseen:
        change.tell("chat.unseen", chat_id=generation.chat_id, source=None, messageId=generation.message_id)
    return True


async def stop(change: Change, row: StreamRow, *, source: str | None) -> StreamStatus:
    """Write down that a stream is to end, and say where it stands then; its owner obeys when it hears or reads of it.

    Args:
        row: the stream as it is now.
        source: the client that stops it; None when no client does.
    """
    if row.status in TERMINAL:
        return row.status
    if row.status == "queued":
        await withdraw(change, row)
        return "stopped"
    # Whoever stops an answer wants quiet, not the next one. Once only: what waits may have been let go on since.
    if row.status == "streaming" and await queue.pause(change.tx, change.user_id, row.chat_id):
        change.tell("chat.updated", source=source, chat_id=row.chat_id)
    await streams.mark_stopping(change.tx, row.stream_id)
    return "stopping"


async def withdraw(change: Change, row: StreamRow) -> None:
    """End a stream that never started; its question leaves the queue and no message is written."""
    await streams.finish(change.tx, row.stream_id, node=None, status="stopped", seq=0, outcome={}, now=change.now)
    await queue.resume_if_empty(change.tx, change.user_id, row.chat_id)
    if (question_id := placing.new_id_of(row.request)) is not None:
        await files.release_question(change.tx, change.user_id, question_id, now=change.now)
    change.tell(
        "stream.ended",
        source=None,
        chat_id=row.chat_id,
        streamId=row.stream_id,
        messageId=row.message_id,
        status="stopped",
    )
