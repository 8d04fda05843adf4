"""The shape of the project as a test: which part may know which, and where each library lives."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent

# Arrows point down this list: a part may import from parts of a later row, and from its own.
LAYERS = (
    {"app.__main__", "app.serve", "app.draining", "app.workers", "app.load", "app.check", "app.admin"},
    {"app.wiring"},
    {"app.telemetry"},
    {"app.node", "app.asgi", "app.listener"},
    {"app.rounds"},
    {"app.web"},
    {"app.sockets"},
    {"app.commands"},
    {"app.streams", "app.realtime"},
    {"app.backplane", "app.store", "app.models", "app.tools"},
    {"app.config", "app.deployment", "app.clock", "app.ids", "app.tasks", "app.auth", "app.histogram", "app.logs"},
    {"protocol"},
)

# Each third-party library has one home, so that replacing it is one folder's work.
HOMES = {
    "argon2": ("app/auth",),
    "jwt": ("app/auth",),
    "redis": ("app/backplane",),
    "anthropic": ("app/models",),
    "databases": ("app/store",),
    "aiosqlite": ("app/store",),
    "aiopg": ("app/store",),
    "psycopg2": ("app/store",),
    "sqlite3": ("app/store",),
    "sqlalchemy": ("app/store",),
    "starlette": ("app/web", "app/asgi.py"),
    "websockets": ("protocol/python", "app/sockets", "app/check"),
    "uvicorn": ("app/__main__.py", "app/sockets"),
    "prometheus_client": ("app/telemetry.py",),
    "playwright": ("tests",),
    "pytest": ("tests",),
}

FORBIDDEN_IN_PROTOCOL = {
    "asyncio",
    "time",
    "random",
    "secrets",
    "socket",
    "threading",
    "os",
    "pathlib",
    "app",
    "logging",
}


def modules(*folders: str) -> Iterator[Path]:
    """Every Python file of these folders."""
    for folder in folders:
        yield from (path for path in (ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer_of(module: str) -> int | None:
    """The row of a module in the table."""
    for number, parts in enumerate(LAYERS):
        if any(module == part or module.startswith(f"{part}.") for part in parts):
            return number
    return None


def name_of(path: Path) -> str:
    """The dotted name of a file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_arrows_point_down() -> None:
    wrong = []
    for path in modules("app"):
        name = name_of(path)
        own = layer_of(name)
        assert own is not None or name == "app", f"{name} stands in no layer; add it to the table"
        for imported in imports(path):
            below = layer_of(imported)
            if own is not None and below is not None and below < own:
                wrong.append(f"{name} imports {imported}, which stands above it")
    assert wrong == []


def test_each_library_lives_in_one_place() -> None:
    wrong = []
    for path in modules("app", "protocol"):
        place = path.relative_to(ROOT).as_posix()
        for imported in imports(path):
            homes = HOMES.get(imported.partition(".")[0])
            if homes is not None and not place.startswith(homes):
                wrong.append(f"{place} imports {imported}, which lives in {homes}")
    assert wrong == []


def test_the_protocol_is_pure() -> None:
    wrong = []
    for path in modules("protocol"):
        if path.is_relative_to(ROOT / "protocol" / "python") or path.name == "__main__.py":
            continue  # the SDK is where the rules meet sockets, and a tool that writes the schema writes a file
        impure = {imported.partition(".")[0] for imported in imports(path)} & FORBIDDEN_IN_PROTOCOL
        wrong += [f"{name_of(path)} imports {name}" for name in impure]
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Await | ast.AsyncFunctionDef):
                wrong.append(f"{name_of(path)} awaits in line {node.lineno}")
    assert wrong == []


def test_nothing_but_the_tools_uses_the_sdk() -> None:
    users = {
        name_of(path)
        for path in modules("app")
        if any(imported.partition(".")[0] == "tidewire" for imported in imports(path))
    }
    assert {name for name in users if not name.startswith(("app.load", "app.check"))} == set()


def test_the_top_level_is_what_was_agreed() -> None:
    agreed = {"app", "protocol", "tests", "pyproject.toml", "Procfile", "README.md", "LICENSE"}
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    leftovers = {name for name in found if name.endswith(".egg-info")} | {"__pycache__"}
    assert found - agreed - leftovers == set()
