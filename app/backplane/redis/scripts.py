"""The scripts that Redis runs, each a file beside this one."""

from dataclasses import dataclass
from hashlib import sha1
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Script:
    """A script, and the digest by which a server that has seen it knows it."""

    text: str
    digest: str


def _load(name: str) -> Script:
    text = (files(__package__) / name).read_text()
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


APPEND = _load("append.lua")
CLAIM = _load("claim.lua")
CLOSE = _load("close.lua")
HELD = _load("held.lua")
PROBE = _load("probe.lua")
REFRESH = _load("refresh.lua")
