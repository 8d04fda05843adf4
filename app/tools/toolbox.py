"""The tools this server offers."""

from collections.abc import Iterable, Sequence
from typing import Any

from app.models.interface import ToolOffer
from app.tools.arguments import schema_of
from app.tools.interface import Tool


class Toolbox:
    """An immutable set of tools.

    Args:
        tools: in the order models are told of them.
    """

    def __init__(self, tools: Iterable[Tool[Any]] = ()) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._offers = [
            (ToolOffer(tool.name, tool.description, schema_of(tool.arguments)), tool.needs_people)
            for tool in self._tools.values()
        ]

    def __repr__(self) -> str:
        return f"<Toolbox {', '.join(self._tools)}>"

    def offers(self, *, interactive: bool) -> Sequence[ToolOffer]:
        """Describe the tools to a model.

        Args:
            interactive: somebody is there who can allow a tool or answer its question; else those that need it are
                left out, since an answer would wait for nobody.
        """
        return [offer for offer, needs_people in self._offers if interactive or not needs_people]

    def find(self, name: str) -> Tool[Any] | None:
        """Look up a tool."""
        return self._tools.get(name)


def chosen(setting: str, tools: Sequence[Tool[Any]]) -> list[Tool[Any]]:
    """Read the setting `TOOLS`: `all`, `off`, or names separated by commas.

    Raises:
        ValueError: there is no tool of that name.
    """
    if setting in ("all", "off"):
        return list(tools) if setting == "all" else []
    known = {tool.name: tool for tool in tools}
    names = list(dict.fromkeys(name.strip() for name in setting.split(",") if name.strip()))
    for name in names:
        if name not in known:
            raise ValueError(f"TOOLS must be all, off, or some of {', '.join(known)}, not {name!r}.")
    return [known[name] for name in names]
