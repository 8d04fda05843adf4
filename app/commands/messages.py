"""`message.send`: a question is stored, and its answer starts, waits or replaces the one before."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.clock import Clock
from app.commands.content import checked
from app.commands.reply import Caller, Reply, Table
from app.ids import Mint
from app.models.catalogue import Catalogue
from app.models.interface import InvalidOption, ModelFailure
from app.store import chats, messages, projects, streams
from app.store.outbox import Change, Outbox
from app.store.streams import StreamRow
from app.streams import ledger
from app.streams.generation import Generation
from app.streams.ledger import Ask
from app.streams.registry import Registry
from app.streams.supervisor import Supervisor
from app.streams.titles import provisional, text_of
from protocol.codec import to_json
from protocol.errors import Refusal
from protocol.frames.client import Generating, MessageSend
from protocol.frames.objects import GenerationResult, Question
from protocol.limits import Limits
from protocol.rate import TokenBucket


@dataclass(slots=True)
class _Accepted:
    """What the transaction decided: the stream that starts now, or waits; and the one that must make room."""

    result: GenerationResult
    started: Generation | None = None
    waiting: StreamRow | None = None
    replaced: str | None = None


class Messages:
    """The commands that start answers.

    Args:
        outbox: where questions are stored.
        supervisor: runs what starts.
        registry: holds what waits.
        catalogue: the models.
        mint: makes ids.
        clock: measures rates.
        limits: how many answers, how often.
        node: this node, which owns what starts here.
    """

    def __init__(
        self,
        outbox: Outbox,
        supervisor: Supervisor,
        registry: Registry,
        catalogue: Catalogue,
        mint: Mint,
        clock: Clock,
        limits: Limits,
        *,
        node: str,
    ) -> None:
        self._outbox = outbox
        self._supervisor = supervisor
        self._registry = registry
        self._catalogue = catalogue
        self._mint = mint
        self._clock = clock
        self._limits = limits
        self._node = node
        self._rates: dict[str, TokenBucket] = {}

    def table(self) -> Table:
        """The commands carried out here."""
        return {MessageSend: self.send}

    async def send(self, caller: Caller, command: MessageSend) -> Reply:
        """Store a question and have it answered (guarantees 3, 17, 25)."""
        question = checked(command.message)
        async with self._outbox.change(caller.user_id) as change:
            if (receipt := await change.receipt(command)) is not None:
                return await self._again(caller, command, receipt.result)
            if self._supervisor.draining:
                raise Refusal("draining")
            model = self._model(command)
            if command.subscribe:
                caller.check_room()
            self._check_rate(caller.user_id)
            accepted = await self._accept(change, caller, command, question, model)
            await change.remember(command, to_json(accepted.result))
        return self._begin(command, accepted)

    def retire(self, now: float) -> None:
        """Forget the rates of users who have not asked for a while; `now` in monotonic seconds."""
        self._rates = {user_id: rate for user_id, rate in self._rates.items() if not rate.is_full(now)}

    async def _accept(
        self, change: Change, caller: Caller, command: MessageSend, question: Question, model: str
    ) -> _Accepted:
        await self._open_chat(change, caller, command, question)
        unfinished = await streams.active_of_user(change.tx, change.user_id)
        if _is_waiting(question.id, unfinished) or await messages.exists(change.tx, change.user_id, question.id):
            raise Refusal("message_conflict", param="$.message.id")
        here = [row for row in unfinished if row.chat_id == command.chat_id]
        running = [row for row in unfinished if row.status != "queued"]
        if here and command.if_active == "reject":
            raise Refusal("stream_active", details={"streamId": here[0].stream_id})
        ask = Ask(
            command_id=command.id,
            client_id=caller.client_id,
            chat_id=command.chat_id,
            stream_id=self._mint("str"),
            message_id=self._mint("msg"),
            model=model,
            options=command.options or {},
            question=question,
        )
        rank = ledger.NEXT if command.if_active == "stop" else ledger.IN_LINE
        row = await ledger.enqueue(change, ask, rank=rank, behind=unfinished)
        if not here and len(running) < self._limits.generations_at_once:
            started = await ledger.start(change, row, node=self._node)
            return _Accepted(_result(row, question, "streaming"), started=started)
        return await self._wait(change, command, row, question, here)

    async def _wait(
        self, change: Change, command: Generating, row: StreamRow, question: Question, here: list[StreamRow]
    ) -> _Accepted:
        """Leave the answer queued; with `ifActive: "stop"` the running one makes room for it."""
        accepted = _Accepted(_result(row, question, "queued"), waiting=row)
        change.tell("chat.updated", source=row.source_client_id, chat_id=row.chat_id)
        active = next((other for other in here if other.status != "queued"), None)
        if command.if_active == "stop" and active is not None:
            await streams.mark_stopping(change.tx, active.stream_id)
            accepted.replaced = active.stream_id
        return accepted

    async def _open_chat(self, change: Change, caller: Caller, command: MessageSend, question: Question) -> None:
        """Find the chat, or create it under the id the client chose."""
        chat = await chats.get(change.tx, change.user_id, command.chat_id)
        if chat is not None and chat.deleted:
            raise Refusal("not_found", "This chat was deleted.", param="$.chatId")
        if chat is not None:
            return
        if command.project_id is not None and not await projects.exists(change.tx, change.user_id, command.project_id):
            raise Refusal("not_found", "There is no such project.", param="$.projectId")
        title = provisional(text_of(question.parts))
        await chats.create(
            change.tx, change.user_id, command.chat_id, title=title, project_id=command.project_id, now=change.now
        )
        change.tell("chat.created", source=caller.client_id, chat_id=command.chat_id)

    def _begin(self, command: Generating, accepted: _Accepted) -> Reply:
        """Act on what was committed. No await stands between the commit and here, so whoever hears of it finds it."""
        if accepted.replaced is not None:
            self._supervisor.halt(accepted.replaced, "stop")
        if accepted.started is not None:
            stream = self._supervisor.launch(accepted.started)
        elif accepted.waiting is not None:
            stream = self._registry.expect(accepted.waiting)
        return Reply(to_json(accepted.result), subscribe=(stream, 0) if command.subscribe else None)

    async def _again(self, caller: Caller, command: Generating, result: dict[str, object]) -> Reply:
        """Answer a repeat as the first time, and let this socket follow the answer, too."""
        subscribe = None
        if command.subscribe and caller.may_follow(str(result["streamId"])):
            try:
                subscribe = (await self._registry.find(caller.user_id, str(result["streamId"])), 0)
            except Refusal:
                subscribe = None  # its log is gone; the message is in the history
        return Reply(result, duplicate=True, subscribe=subscribe)

    def _model(self, command: Generating) -> str:
        """Return the id of the model that is asked, having checked that it takes these options."""
        try:
            model = self._catalogue.find(command.model)
            model.check_options(command.options or {})
        except ModelFailure as failure:
            raise Refusal(failure.code, failure.message, param="$.model") from None
        except InvalidOption as wrong:
            raise Refusal("invalid_argument", wrong.sentence, param=f"$.options.{wrong.param}") from None
        return model.info.id

    def _check_rate(self, user_id: str) -> None:
        now = self._clock.monotonic()
        per_minute = self._limits.generations_per_minute
        bucket = self._rates.setdefault(user_id, TokenBucket(per_minute / 60, per_minute, now))
        if wait := bucket.take(now):
            raise Refusal(
                "rate_limited",
                f"You can ask for {per_minute} answers a minute. Wait a moment.",
                retry_after_ms=int(wait * 1000) + 1,
            )


def _is_waiting(message_id: str, unfinished: Sequence[StreamRow]) -> bool:
    """Say whether a message that is not stored before its turn comes has this id."""
    waiting = [row for row in unfinished if row.status == "queued"]
    return any(message_id in (row.message_id, row.request["question"]["id"]) for row in waiting)


def _result(row: StreamRow, question: Question, status: str) -> GenerationResult:
    return GenerationResult(
        chat_id=row.chat_id,
        user_message_id=question.id,
        message_id=row.message_id,
        stream_id=row.stream_id,
        status="streaming" if status == "streaming" else "queued",
        seq=0,
    )
