"""Bar: `pip install .` from a clean clone on a machine without Node in 60 s; unchanged again in 10 s.

    python -m tests.load.install

Installs a clone into an empty virtual environment with a PATH that has no Node, installs it once more, then makes the
wheel and the sdist and looks whether both carry the page, and whether they install where the sources cannot be built.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

from tests.load.figures import parser, report

ROOT = Path(__file__).parents[2]
PAGE = "app/web/ui/dist/index.html"


def without_node(folder: Path) -> dict[str, str]:
    """An environment in which everything but Node and npm can be found."""
    tools = folder / "bin"
    tools.mkdir()
    for directory in map(Path, os.get_exec_path()):
        for tool in directory.iterdir() if directory.is_dir() else ():
            if tool.name not in ("node", "nodejs", "npm", "npx") and not (tools / tool.name).exists():
                (tools / tool.name).symlink_to(tool)
    environment = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH", "CI")}
    return environment | {"PATH": str(tools), "CI": "true"}


def run(*words: str, cwd: Path, env: dict[str, str]) -> float:
    """Run a command to its end; how long it took, in seconds."""
    began = time.monotonic()
    subprocess.run(words, cwd=cwd, env=env, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def installed(what: Path, folder: Path, env: dict[str, str]) -> bool:
    """Install a wheel or an sdist without Node and without its dependencies; whether the page came with it."""
    run(sys.executable, "-m", "venv", str(folder), cwd=what.parent, env=env)
    run(f"{folder}/bin/pip", "install", "-q", "--no-deps", str(what), cwd=what.parent, env=env)
    return any(folder.rglob(PAGE))


def carries(archive: Path) -> bool:
    """Whether an archive holds the built page."""
    if archive.suffix == ".whl":
        names = zipfile.ZipFile(archive).namelist()
    else:
        with tarfile.open(archive) as tar:
            names = tar.getnames()
    return any(name.endswith(PAGE) for name in names)


def main(most_first: float, most_again: float, any_speed: bool) -> int:
    """Install twice, pack, install what was packed."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        env, clone = without_node(folder), folder / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        run(sys.executable, "-m", "venv", ".venv", cwd=clone, env=env)
        pip = str(clone / ".venv" / "bin" / "pip")
        first = run(pip, "install", "-q", ".", cwd=clone, env=env)
        again = run(pip, "install", "-q", ".", cwd=clone, env=env)
        run(pip, "install", "-q", "build", cwd=clone, env=env)
        run(str(clone / ".venv" / "bin" / "python"), "-m", "build", "--outdir", str(folder / "out"), cwd=clone, env=env)
        wheel, sdist = next((folder / "out").glob("*.whl")), next((folder / "out").glob("*.tar.gz"))
        # What installs the sdist must not be able to build: what it carries has to do.
        env |= {"npm_config_registry": "http://127.0.0.1:9"}
        packed = {
            path.name: carries(path) and installed(path, folder / path.suffix[1:], env) for path in (wheel, sdist)
        }
        shutil.rmtree(clone)
    return report(
        "Installing on a machine without Node",
        {
            "first": f"{first:.1f} s", "again, unchanged": f"{again:.1f} s",
            **{name: "carries the page" if whole else "does NOT" for name, whole in packed.items()},
        },
        reached=all(packed.values()) and (any_speed or (first <= most_first and again <= most_again)),
    )  # fmt: skip


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--any-speed", action="store_true", help="only what is carried decides, as on a busy machine")
    arguments = options.parse_args()
    sys.exit(main(60, 10, arguments.any_speed))
