"""The TypeScript SDK's tools, run by Node."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[3] / "protocol" / "typescript"
OLDEST = (20, 19)


def missing() -> str | None:
    """Why the SDK cannot be tried here; None when it can."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return "Node with npm is not installed"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    major, minor = map(int, re.findall(r"\d+", version)[:2])
    return None if (major, minor) >= OLDEST else f"Node {version.strip()} is too old; the SDK is tried on 20.19 and up"


def npm(*words: str, **env: str) -> str:
    """Run npm in the package; what it printed, or a failed test."""
    done = subprocess.run(
        ["npm", *words],
        cwd=PACKAGE, env=os.environ | {"NO_COLOR": "1"} | env, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.fail(f"npm {' '.join(words)}:\n{done.stdout[-8_000:]}\n{done.stderr[-4_000:]}", pytrace=False)
    return done.stdout


def installed() -> None:
    """Install what the lock file says, unless it is there; without Node the test is skipped, but not in CI."""
    if reason := missing():
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    lock, installed = PACKAGE / "package-lock.json", PACKAGE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        npm("ci")
        installed.touch()
