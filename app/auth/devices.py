"""What a person calls the device that signed in, from its User-Agent header. Pure.

The header is a museum: every browser names its ancestors. So the first name that fits counts, and later ones stand
behind those that also carry them.
"""

import re

UNKNOWN = "Unknown device"
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
# What is no browser names itself first, as `curl/8.5.0` or `Python-urllib/3.11`.
_PROGRAM = re.compile(r"[A-Za-z][\w.-]{0,39}(?=/)")


def words_for(user_agent: str) -> str:
    """Name a device as `Firefox on Linux`, or a program as `curl`."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    if browser is not None:
        return browser if system is None else f"{browser} on {system}"
    program = _PROGRAM.match(user_agent)
    if program is not None and program[0] != "Mozilla":
        return program[0]
    return system or UNKNOWN
