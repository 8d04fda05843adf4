"""The TypeScript SDK: its types, its own tests, and that it is made of what the protocol says."""

import json
from pathlib import Path

import pytest

from tests.node import SDK
from tests.system.server import ServerProcess

pytestmark = pytest.mark.slow


def test_the_types_hold() -> None:
    SDK.npm("run", "check")


def test_the_types_of_the_frames_are_what_the_schema_says() -> None:
    committed = (SDK.folder / "src" / "frames.ts").read_text()
    SDK.npm("run", "frames")
    written = (SDK.folder / "src" / "frames.ts").read_text()
    (SDK.folder / "src" / "frames.ts").write_text(committed)
    assert written == committed, "the types are out of date: run `npm run frames` in protocol/typescript"


def test_its_own_tests_pass() -> None:
    SDK.npm("test")


def test_use_chat_works_with_a_real_server(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server:
        SDK.npm("test", "--", "test/real", TIDEWIRE_URL=server.url)


def test_what_npm_would_publish_is_whole(tmp_path: Path) -> None:
    """Every path of `exports` is built and packed, and nothing but that."""
    SDK.npm("run", "build", "--", "--outDir", str(tmp_path / "dist"))
    exports = json.loads((SDK.folder / "package.json").read_text())["exports"]
    built = [path for entry in exports.values() for name, path in entry.items() if name != "tidewire-source"]
    assert [path for path in built if not (tmp_path / path).exists()] == []


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((SDK.folder / "package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
