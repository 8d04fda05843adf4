"""The project's two npm packages, run by the Node of this machine: the TypeScript SDK and the page.

The page is built from the SDK's sources, and both are installed and generated where they lie: so of several processes
that test at the same time, one at a time runs npm.
"""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OLDEST = (20, 19)


def missing() -> str | None:
    """Why the packages cannot be tried here; None when they can."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return "Node with npm is not installed"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    major, minor = map(int, re.findall(r"\d+", version)[:2])
    return None if (major, minor) >= OLDEST else f"Node {version.strip()} is too old; it must be 20.19 or newer"


@contextmanager
def _alone() -> Iterator[None]:
    """Let no other process run npm here meanwhile."""
    with (SDK.folder / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class Package:
    """A folder with a package.json."""

    folder: Path

    def npm(self, *words: str, **env: str) -> str:
        """Run npm in the package; what it printed, or a failed test."""
        with _alone():
            return self._npm(*words, **env)

    def install(self) -> None:
        """Install what the lock file says, for developers too; without Node the test is skipped, but not in CI."""
        if reason := missing():
            pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
        installed = self.folder / "node_modules" / ".package-lock.json"
        with _alone():
            if not self._has_all(installed):
                self._npm("ci")
                installed.touch()

    def _has_all(self, installed: Path) -> bool:
        """Whether everything is installed; building the page installs only what it ships, and not vitest."""
        lock = self.folder / "package-lock.json"
        is_fresh = installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime
        return is_fresh and (self.folder / "node_modules" / "vitest").exists()

    def _npm(self, *words: str, **env: str) -> str:
        done = subprocess.run(
            ["npm", *words],
            cwd=self.folder, env=os.environ | {"NO_COLOR": "1"} | env, capture_output=True, text=True, timeout=300,
            check=False,
        )  # fmt: skip
        if done.returncode:
            pytest.fail(f"npm {' '.join(words)}:\n{done.stdout[-8_000:]}\n{done.stderr[-4_000:]}", pytrace=False)
        return done.stdout


SDK = Package(ROOT / "protocol" / "typescript")
PAGE = Package(ROOT / "app" / "web" / "ui")
