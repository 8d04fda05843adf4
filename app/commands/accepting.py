"""How every command that starts an answer is accepted: the same rules, whatever is to be answered."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from app.commands.reply import Caller, Reply
from app.ids import Mint
from app.models.catalogue import Catalogue
from app.models.interface import InvalidOption, ModelFailure
from app.store import messages, queue, streams
from app.store.outbox import Change, Outbox
from app.store.streams import StreamRow
from app.streams import ledger, placing
from app.streams.generation import Generation
from app.streams.ledger import Ask
from app.streams.owners import Owners
from app.streams.placing import Place
from app.streams.quota import Quota
from app.streams.registry import Registry
from app.streams.supervisor import Supervisor
from protocol.codec import to_json
from protocol.errors import Refusal
from protocol.frames.client import Generating
from protocol.frames.objects import GenerationResult

# More than anybody asks ahead; each is part of every event about its chat.
MOST_WAITING = 50

# Says what a command wants answered; it runs inside the change and refuses what cannot be.
Placing = Callable[[Change], Awaitable[Place]]


@dataclass(slots=True)
class _Accepted:
    """What the transaction decided: the stream that starts now, or waits; and the one that must make room."""

    result: GenerationResult
    started: Generation | None = None
    waiting: StreamRow | None = None
    replaced: StreamRow | None = None


class Accepting:
    """Accepts generating commands (guarantees 3, 15, 17 and 25).

    Args:
        outbox: where they are written down.
        supervisor: runs what starts.
        owners: stop what makes room for it.
        registry: holds what waits.
        catalogue: the models.
        mint: makes ids.
        quota: how much one user may have.
        node: this node, which owns what starts here.
    """

    def __init__(
        self,
        outbox: Outbox,
        supervisor: Supervisor,
        owners: Owners,
        registry: Registry,
        catalogue: Catalogue,
        mint: Mint,
        quota: Quota,
        *,
        node: str,
    ) -> None:
        self._outbox = outbox
        self._supervisor = supervisor
        self._owners = owners
        self._registry = registry
        self._catalogue = catalogue
        self._mint = mint
        self._quota = quota
        self._node = node

    async def accept(self, caller: Caller, command: Generating, find_place: Placing) -> Reply:
        """Start an answer, let it wait, or refuse it; a repeat gets what the first one got."""
        async with self._outbox.change(caller.user_id) as change:
            if (receipt := await change.receipt(command)) is not None:
                return await self._again(caller, command, receipt.result)
            if self._supervisor.draining:
                raise Refusal("draining")
            if command.subscribe:
                caller.check_room()
            place = await find_place(change)
            model = self._model(command, place)
            for too_much in (ledger.book, ledger.overdraft):
                if (refusal := await too_much(change, self._quota)) is not None:
                    raise refusal
            accepted = await self._enter(change, caller, command, place, model)
            await change.remember(command, to_json(accepted.result))
        return self._begin(command, accepted)

    async def _enter(self, change: Change, caller: Caller, command: Generating, place: Place, model: str) -> _Accepted:
        unfinished = await streams.active_of_user(change.tx, change.user_id)
        await _check_new_id(change, place, unfinished)
        here = [row for row in unfinished if row.chat_id == command.chat_id]
        running = [row for row in unfinished if row.status != "queued"]
        active = next((row for row in here if row.status != "queued"), None)
        # What waits in a paused queue is in nobody's way, unless one wants to stand in line behind it.
        passes = active is None and bool(here) and await queue.is_paused(change.tx, change.user_id, command.chat_id)
        is_free = not here or (passes and command.if_active != "queue")
        if not is_free and command.if_active == "reject":
            raise Refusal("stream_active", details={"streamId": (active or here[0]).stream_id})
        if len(here) > MOST_WAITING:
            raise Refusal("quota_exceeded", f"At most {MOST_WAITING} questions can wait in a chat. Remove some first.")
        ask = Ask(
            command_id=command.id,
            client_id=caller.client_id,
            chat_id=command.chat_id,
            stream_id=self._mint("str"),
            message_id=self._mint("msg"),
            model=model,
            options=command.options or {},
            place=place,
            interactive="tools" in caller.capabilities,
        )
        ahead = command.if_active == "stop" or (passes and is_free)
        row = await ledger.enqueue(change, ask, ahead=ahead, behind=unfinished)
        if is_free and len(running) < self._quota.at_once:
            started = await ledger.start(change, row, node=self._node)
            return _Accepted(_result(row, place, "streaming"), started=started)
        return await self._wait(change, command, row, place, active)

    async def _wait(
        self, change: Change, command: Generating, row: StreamRow, place: Place, active: StreamRow | None
    ) -> _Accepted:
        """Leave the answer queued; with `ifActive: "stop"` the running one makes room for it."""
        accepted = _Accepted(_result(row, place, "queued"), waiting=row)
        change.tell("chat.updated", source=row.source_client_id, chat_id=row.chat_id)
        if command.if_active == "stop" and active is not None:
            await streams.mark_stopping(change.tx, active.stream_id)
            accepted.replaced = active
        return accepted

    def _begin(self, command: Generating, accepted: _Accepted) -> Reply:
        """Act on what was committed. No await stands between the commit and here, so whoever hears of it finds it."""
        if accepted.replaced is not None:
            self._owners.halt(accepted.replaced)
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

    def _model(self, command: Generating, place: Place) -> str:
        """Return the id of the model that is asked, having checked that it takes these options."""
        before = place.model if place.model in self._catalogue else None
        try:
            model = self._catalogue.find(command.model or before)
            model.check_options(command.options or {})
        except ModelFailure as failure:
            raise Refusal(failure.code, failure.message, param="$.model") from None
        except InvalidOption as wrong:
            raise Refusal("invalid_argument", wrong.sentence, param=f"$.options.{wrong.param}") from None
        return model.info.id


async def _check_new_id(change: Change, place: Place, unfinished: Sequence[StreamRow]) -> None:
    """Refuse a new question under an id that a message has, or will have when its turn comes."""
    if place.question is None:
        return
    waiting = [row for row in unfinished if row.status == "queued"]
    promised = {row.message_id for row in waiting} | {placing.new_id_of(row.request) for row in waiting}
    if place.question_id in promised or await messages.exists(change.tx, change.user_id, place.question_id):
        raise Refusal("message_conflict", param="$.message.id")


def _result(row: StreamRow, place: Place, status: str) -> GenerationResult:
    return GenerationResult(
        chat_id=row.chat_id,
        user_message_id=None if place.question is None else place.question_id,
        message_id=row.message_id,
        stream_id=row.stream_id,
        status="streaming" if status == "streaming" else "queued",
        seq=0,
    )
