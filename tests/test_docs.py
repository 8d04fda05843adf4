"""The documentation tells of everything that can be set, and names only what is there."""

import re
from pathlib import Path

import msgspec

from app.config import SETTINGS, limit_name
from protocol.limits import Limits

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "app" / "docs"
SDK = ROOT / "protocol" / "typescript" / "README.md"
PAGE = ROOT / "app" / "web" / "ui" / "README.md"
PAGES = [ROOT / "README.md", ROOT / "protocol" / "README.md", SDK, PAGE, *DOCS.glob("*.md")]


def rows(page: Path) -> dict[str, str]:
    """The first two columns of every table row of a page that begins with a `code` cell."""
    found = re.findall(r"^\| `([^`]+)` \| `?([^`|]*)`? \|", page.read_text(), re.MULTILINE)
    return {name: value.strip() for name, value in found}


def test_every_setting_is_documented_with_its_default() -> None:
    expected = {row.name: row.default or "unset" for row in SETTINGS}
    expected |= {limit_name(field.name): str(field.default) for field in msgspec.structs.fields(Limits)}
    assert rows(DOCS / "settings.md") == expected


def test_links_lead_somewhere() -> None:
    links = [(page, target) for page in PAGES for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text())]
    inside = [(page, (page.parent / to).resolve()) for page, to in links if "://" not in to]
    broken = [(page.name, to) for page, to in inside if not (to.exists() and to.is_relative_to(ROOT))]
    assert broken == [], "a link leads nowhere, or out of the project"


def test_files_that_are_named_exist() -> None:
    named = [
        (page, name) for page in PAGES for name in re.findall(r"`((?:app|protocol|tests)/[\w./-]+)`", page.read_text())
    ]
    assert [(page.name, name) for page, name in named if not (ROOT / name).exists()] == []
