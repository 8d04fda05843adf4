"""How the demo model uses tools: which it calls, with what, and how it tells of what came of it.

It calls those it was told to, and the calculator when a question is nothing but a calculation. It understands neither,
but whoever tries the server without a key sees every path a real model takes.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson

from app.models.demo_answer import EXAMPLES, title_of

CALCULATOR = "calculate"
HONEST = "I am only the demo model and cannot calculate; I asked this server’s calculator."
SHOWN_EXCERPTS = 3
LONGEST_CALCULATION = 200

Part = Mapping[str, Any]

_LEAD = re.compile(
    r"^(?:(?:please|hello|hi|hey|so|and|then|ok|okay)\b[\s,!.]*)*"
    r"(?:(?:can|could) you (?:please )?)?(?:tell me )?"
    r"(?:what(?:[’']s| is| are)|how much (?:is|are)|calculate|compute|work out|evaluate)?[\s:]*",
    re.IGNORECASE,
)
_SPOKEN = {
    "plus": "+",
    "minus": "-",
    "times": "*",
    "multiplied by": "*",
    "divided by": "/",
    "percent": "%",
    "to the power of": "^",
}
_WORDS = re.compile("|".join(rf"\b{words}\b" for words in _SPOKEN))
_TERM = r"(?:\d[\d,_]*(?:\.\d+)?|\.\d+|(?:sqrt|abs|round|min|max|log|ln|sin|cos|tan|exp|factorial)\(|pi\b|π)"
_SIGN = r"(?:\*\*|[-+*/×·÷−^%!(),]|of\b|mod\b)"
_TOKEN = re.compile(rf"\s*(?:{_TERM}|{_SIGN})\s*")
_TIMES = re.compile(r"(?<=\d)\s*x\s*(?=\d)")
_ENDS = re.compile(r"[\dπi)!%]$")
_WORTH_IT = re.compile(rf"[\dπi)]\s*{_SIGN}|\(")  # more than a number
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?|\d\d?/\d\d?/\d{2,4}|[\d\s()+-]{9,}")


def calculation(question: str) -> str | None:
    """Find the expression in a question that asks for nothing but its value; None when it asks for something else."""
    if len(question) > LONGEST_CALCULATION:
        return None
    text = " ".join(question.split())
    text = _LEAD.sub("", text, count=1).rstrip(" ?=.")
    text = _TIMES.sub("*", _WORDS.sub(lambda spoken: _SPOKEN[spoken[0]], text.lower()))
    is_one = _is_all_tokens(text) and not _DATE.fullmatch(text)
    return text if is_one and _ENDS.search(text) and _WORTH_IT.search(text) else None


def _is_all_tokens(text: str) -> bool:
    # Token by token, because one pattern for all of them would try every way to cut the commas of "1,1,1,1 apples".
    at = 0
    while (token := _TOKEN.match(text, at)) is not None:
        at = token.end()
    return at == len(text)


def arguments_of(tool: str, question: str) -> dict[str, Any]:
    """What the demo says to a tool it was told to call."""
    if tool == CALCULATOR:
        return {"expression": calculation(question) or "12 * 7"}
    if tool == "search_chats":
        return {"query": title_of(question)}
    if tool == "ask_person":
        return {"question": "Which of these shall I look up as well?", "choices": list(EXAMPLES[:3])}
    return {"query": question[:200]}


def report(parts: Iterable[Part]) -> str:
    """Tell what came of the calls of an answer."""
    return "\n\n".join(_told(part) for part in parts)


def calls_of(message: Mapping[str, Any]) -> list[Part]:
    """The calls of an answer that this server carried out."""
    parts: Sequence[Part] = message["parts"]
    return [part for part in parts if part["type"].startswith("tool-") and not part.get("providerExecuted")]


def _told(part: Part) -> str:
    name, state = part["type"].removeprefix("tool-"), part["state"]
    if state == "output-denied":
        reason = (part.get("approval") or {}).get("reason")
        told = f" I was told: {reason}" if reason else ""
        return f"You did not allow me to use `{name}`, so I go on without it.{told}"
    if state != "output-available":
        return f"The tool `{name}` did not work: {part.get('errorText')}"
    return _TELLS.get(name, _any)(part)


def _value(part: Part) -> str:
    output = part["output"]
    sign = "=" if output["isExact"] else "≈"
    return f"{part['input']['expression']} {sign} **{output['result']}**"


def _found(part: Part) -> str:
    chats, query = part["output"]["chats"], part["input"]["query"]
    if not chats:
        return f"I searched your other chats for “{query}” and found nothing."
    lines = [f"- **{chat['title']}** ({chat['lastAsked']}){_excerpts(chat)}" for chat in chats]
    return f"I searched your other chats for “{query}” and found:\n\n" + "\n".join(lines)


def _excerpts(chat: Mapping[str, Any]) -> str:
    shown = [f"“{excerpt['text']}”" for excerpt in chat["excerpts"][:SHOWN_EXCERPTS]]
    return ": " + ", ".join(shown) if shown else ""


def _chosen(part: Part) -> str:
    output = part["output"]
    choice = output.get("choice") if isinstance(output, dict) else output
    return f"You chose “{choice}”."


def _any(part: Part) -> str:
    return f"The tool `{part['type'].removeprefix('tool-')}` answered `{orjson.dumps(part['output']).decode()[:500]}`."


_TELLS: Mapping[str, Callable[[Part], str]] = {
    CALCULATOR: _value,
    "search_chats": _found,
    "ask_person": _chosen,
}
