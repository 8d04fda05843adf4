"""The TypeScript SDK: its types, its own tests, and that it is made of what the protocol says."""

import json

import pytest

from tests.protocol.typescript.node import PACKAGE, npm

pytestmark = pytest.mark.slow


def test_the_types_hold() -> None:
    npm("run", "check")


def test_the_types_of_the_frames_are_what_the_schema_says() -> None:
    committed = (PACKAGE / "src" / "frames.ts").read_text()
    npm("run", "frames")
    written = (PACKAGE / "src" / "frames.ts").read_text()
    (PACKAGE / "src" / "frames.ts").write_text(committed)
    assert written == committed, "the types are out of date: run `npm run frames` in protocol/typescript"


def test_its_own_tests_pass() -> None:
    npm("test")


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((PACKAGE / "package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
