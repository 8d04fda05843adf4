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


def example(language: str) -> str:
    """The README's one example in a language."""
    found = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert len(found) == 1, f"the README has {len(found)} examples in {language}"
    return str(found[0])


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


@pytest.mark.browser
@pytest.mark.slow
def test_the_use_chat_example_asks_and_stops(shared_server: ServerProcess, tmp_path: Path) -> None:
    assert example("tsx") == (SDK.folder / "test" / "readme.tsx").read_text(), "the example is tried from this file"
    SDK.install()
    bundle = tmp_path / "example.js"
    subprocess.run(["node", "test/bundle.mjs", str(bundle)], cwd=SDK.folder, timeout=120, check=True)
    with launched_chromium() as browser:
        page = browser.new_page()
        page.goto(f"{shared_server.url}/docs")
        page.evaluate(bundle.read_text())
        page.get_by_role("button", name="Ask").click()
        expect(page.locator("p")).to_have_count(2, timeout=20_000)
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("button", name="Stop")).to_have_count(0, timeout=20_000)
        expect(page.locator("p").last).not_to_be_empty()
