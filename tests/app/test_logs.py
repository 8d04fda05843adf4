"""What log lines look like, and what they are about."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from app.logs import CHATTY, LogFormat, configure, note


@pytest.fixture
def restored() -> Iterator[None]:
    """Give the root logger back as it was."""
    root = logging.getLogger()
    before = root.level, root.handlers[:], {name: logging.getLogger(name).level for name in CHATTY}
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    for name, level in before[2].items():
        logging.getLogger(name).setLevel(level)


class Lines:
    """What was logged, as it came out."""

    def __init__(self, form: LogFormat, level: str = "INFO") -> None:
        self._written = io.StringIO()
        configure(level, form, self._written)
        self.log = logging.getLogger("tidewire.test")

    @property
    def text(self) -> list[str]:
        return self._written.getvalue().splitlines()

    @property
    def json(self) -> list[Any]:
        return [json.loads(line) for line in self.text]


@pytest.mark.usefixtures("restored")
class TestLines:
    def test_a_text_line_ends_with_what_it_is_about(self) -> None:
        lines = Lines("text")
        lines.log.warning("%s failed", "it", extra={"stream": "str_1", "code": "model_error", "node": "n", "text": "?"})
        lines.log.info("plain")
        assert lines.text[0].endswith(" WARNING tidewire.test: it failed [stream=str_1 code=model_error]")
        assert lines.text[1].endswith(" INFO tidewire.test: plain")

    def test_a_json_line_is_one_object(self) -> None:
        lines = Lines("json")
        lines.log.warning("%s\nfailed \ud800", "it", extra={"stream": "str_1", "node": "n", "text": "a secret"})
        [line] = lines.json
        assert line.pop("time").endswith("+00:00")
        assert line == {
            "level": "warning",
            "logger": "tidewire.test",
            "message": "it\nfailed ?",
            "stream": "str_1",
            "node": "n",
        }

    def test_a_traceback_is_one_string(self) -> None:
        lines = Lines("json")
        try:
            raise ValueError("a bug \ud800")
        except ValueError:
            lines.log.exception("it broke")
        [line] = lines.json
        assert line["exception"].startswith("Traceback")
        assert line["exception"].endswith("ValueError: a bug ?")

    @pytest.mark.parametrize("form", ["text", "json"])
    def test_a_field_stays_on_its_line(self, form: LogFormat) -> None:
        lines = Lines(form)
        lines.log.warning("refused", extra={"path": "/x\n2026-11-26 ERROR tidewire: forged" + "y" * 5_000})
        [line] = lines.text
        assert "\\n2026" in line
        assert len(line) < 400

    def test_levels_hold(self) -> None:
        lines = Lines("text", "WARNING")
        lines.log.info("too little")
        logging.getLogger("anthropic").info("chatty")
        assert lines.text == []
        lines = Lines("text", "DEBUG")
        logging.getLogger("anthropic").info("chatty")
        lines.log.debug("enough")
        assert len(lines.text) == 1

    async def test_a_task_says_what_it_is_about_and_hands_it_down(self) -> None:
        lines = Lines("json")

        async def child() -> None:
            note(stream="str_1", connection=None)
            lines.log.info("child")

        async def parent() -> None:
            note(user="usr_1", chat="c", connection="con_1")
            await asyncio.create_task(child())
            lines.log.info("parent", extra={"chat": "d"})

        await asyncio.create_task(parent())
        lines.log.info("neither")
        about = [
            {name: line[name] for name in ("user", "chat", "stream", "connection") if name in line}
            for line in lines.json
        ]
        assert about == [
            {"user": "usr_1", "chat": "c", "stream": "str_1"},
            {"user": "usr_1", "chat": "d", "connection": "con_1"},
            {},
        ]
