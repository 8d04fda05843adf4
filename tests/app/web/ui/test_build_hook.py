"""The hook that builds the page during `pip install`: when, with which Node, and what it says when it cannot."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.node import PAGE, ROOT

BELOW = ("builders", "builders.hooks", "builders.hooks.plugin", "builders.hooks.plugin.interface")


@pytest.fixture
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The hook over a copy of the sources, with nothing built and no packages; hatchling itself is only its base."""
    for name in ("hatchling", *(f"hatchling.{rest}" for rest in BELOW)):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules[f"hatchling.{BELOW[-1]}"].BuildHookInterface = object  # type: ignore[attr-defined]
    ui = tmp_path / "app" / "web" / "ui"
    shutil.copytree(PAGE.folder, ui, ignore=shutil.ignore_patterns("dist", "node_modules"))
    sdk = ROOT / "protocol" / "typescript" / "src"
    shutil.copytree(sdk, tmp_path / "protocol" / "typescript" / "src")
    spec = importlib.util.spec_from_file_location("build_hook", ui / "build_hook.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Quiet:
    """What the hook's base gives it, as far as it is used."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.app = self

    def display_warning(self, text: str) -> None:
        self.warnings.append(text)


def initialized(hook: ModuleType) -> list[str]:
    """Run the hook as hatchling does; what it warned of."""
    quiet = Quiet()
    hook.PageBuildHook.initialize(quiet, "standard", {})
    return quiet.warnings


def built(hook: ModuleType) -> None:
    """Pretend that the page was built from the sources as they are."""
    hook.DIST.mkdir(exist_ok=True)
    (hook.DIST / "index.html").write_text("page")
    hook.STAMP.write_text(hook.sources_hash())


def test_it_builds_when_a_source_changed_and_only_then(hook: ModuleType) -> None:
    assert not hook.is_built()
    built(hook)
    assert hook.is_built()
    (hook.UI / "README.txt").write_text("not a source")
    assert hook.is_built()
    source = hook.UI / "src" / "words.ts"
    source.write_text(source.read_text() + "\n")
    assert not hook.is_built()
    built(hook)
    (hook.UI.parents[2] / "protocol" / "typescript" / "src" / "new.ts").touch()
    assert not hook.is_built()


def test_node_is_asked_for_only_when_it_is_missing_and_needed(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    dependencies = hook.PageBuildHook.dependencies
    monkeypatch.setattr(hook, "system_node", lambda: Path("/usr/bin/node"))
    assert dependencies(None) == []
    monkeypatch.setattr(hook, "system_node", lambda: None)
    assert dependencies(None) == [hook.NODE_WHEEL]
    built(hook)
    assert dependencies(None) == []


def test_without_sources_what_is_there_is_what_there_is(hook: ModuleType) -> None:
    built(hook)
    (hook.UI / "package.json").unlink()
    assert hook.is_built()
    assert hook.PageBuildHook.dependencies(None) == []


def test_an_old_node_does_not_count(hook: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, says in (("node", "v18.19.0"), ("npm", "10.0.0")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {says}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    assert hook.system_node() is None
    (tmp_path / "node").write_text("#!/bin/sh\necho v22.1.0\n")
    assert hook.system_node() == tmp_path / "node"


@pytest.mark.parametrize("failure", [OSError("no Node"), subprocess.CalledProcessError(1, "npm", output="E404")])
def test_a_failure_is_soft_for_a_person_and_hard_in_ci(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def build() -> None:
        raise failure

    monkeypatch.setattr(hook, "build", build)
    monkeypatch.delenv("CI", raising=False)
    (warning,) = initialized(hook)
    assert "The page was not built" in warning
    monkeypatch.setenv("CI", "true")
    with pytest.raises(type(failure)):
        initialized(hook)


@pytest.mark.slow
def test_what_it_builds_is_the_page(hook: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    PAGE.install()
    (hook.UI / "node_modules").symlink_to(PAGE.folder / "node_modules")
    monkeypatch.setenv("CI", "true")
    assert initialized(hook) == []
    index = (hook.DIST / "index.html").read_text()
    (script,) = hook.DIST.glob("assets/main-*.js")
    assert f'src="/assets/{script.name}"' in index
    assert "%" not in index
    assert hook.is_built()
