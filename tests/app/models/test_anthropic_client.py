import subprocess
import sys


def test_importing_the_adapter_does_not_import_the_sdk() -> None:
    script = "import sys, app.models.anthropic; print('anthropic' in sys.modules, 'httpx2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
