import pytest

from app.commands.reply import Caller, Reply
from app.commands.table import Commands, lane_of
from protocol.frames.client import Command, StreamStop
from tests.app.world import command, sending


def test_two_handlers_cannot_want_one_command() -> None:
    async def handler(_caller: Caller, _command: Command) -> Reply:
        return Reply({})

    with pytest.raises(ValueError, match="StreamStop"):
        Commands([{StreamStop: handler}, {StreamStop: handler}])


@pytest.mark.parametrize(
    ("waiting", "lane"),
    [
        (command("message.send", **sending("c")), "chat c"),
        (command("message.retry", chatId="c"), "chat c"),
        (command("message.select", chatId="c", messageId="m"), "chat c"),
        (command("queue.update", chatId="c"), "chat c"),
        (command("chat.delete", chatId="c"), "chat c"),
        (command("project.update", projectId="c"), "project c"),
        (command("stream.stop", chatId="c"), None),
        (command("chat.get", chatId="c"), None),
        (command("chat.seen", chatId="c", messageId="m"), "chat c"),
        (command("stream.subscribe", streamId="s", after=0), None),
        (command("tool.approval", streamId="s", approvalId="a", approved=True), "stream s"),
        (command("tool.output", streamId="s", toolCallId="c", output=1), "stream s"),
        (command("dashboard.get"), None),
        (command("events.resume", epoch="e", offset=0), None),
    ],
    ids=lambda value: value.__struct_config__.tag if isinstance(value, Command) else str(value),
)
def test_g04_what_changes_a_chat_keeps_its_order_and_nothing_else_waits(waiting: Command, lane: str | None) -> None:
    assert lane_of(waiting) == lane
