"""What the README shows works as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.node import SDK
from tests.system.browser import launched_chromium
from tests.system.server import ServerProcess

README = (Path(__file__).parents[2] / "README.md").read_text()


def examples(language: str) -> list[str]:
    """The README's examples in a language."""
    return [str(found) for found in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)]


def example(language: str) -> str:
    """The README's one example in a language."""
    [found] = examples(language)
    return found


@pytest.mark.slow
def test_the_python_example_prints_an_answer(shared_server: ServerProcess) -> None:
    program = example("python").replace("http://127.0.0.1:8000", shared_server.url)
    assert shared_server.url in program
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.rstrip().endswith("completed")
    assert "Tidewire" in done.stdout


@pytest.mark.browser
@pytest.mark.slow
def test_the_browser_example_shows_an_answer(shared_server: ServerProcess) -> None:
    with launched_chromium() as browser:
        page = browser.new_page()
        page.goto(f"{shared_server.url}/docs")
        page.evaluate(f"async () => {{ document.body.replaceChildren(); {example('js')} }}")
        expect(page.locator("body")).to_contain_text("documentation", timeout=20_000)


def test_the_use_chat_examples_are_those_that_are_tried() -> None:
    tried = [(SDK.folder / "test" / name).read_text() for name in ("readme.tsx", "readme-stock.tsx")]
    assert examples("tsx") == tried


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("file", ["readme-page.tsx", "readme-stock-page.tsx"])
def test_a_use_chat_example_asks_and_stops(shared_server: ServerProcess, tmp_path: Path, file: str) -> None:
    SDK.install()
    bundle = tmp_path / "example.js"
    subprocess.run(["node", "test/bundle.mjs", str(bundle), file], cwd=SDK.folder, timeout=120, check=True)
    with launched_chromium() as browser:
        page = browser.new_page()
        page.goto(f"{shared_server.url}/docs")
        page.evaluate(bundle.read_text())
        page.get_by_role("button", name="Ask").click()
        expect(page.locator("p")).to_have_count(2, timeout=20_000)
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("button", name="Stop")).to_have_count(0, timeout=20_000)
        expect(page.locator("p").last).not_to_be_empty()
