"""The SDK with everything it needs, installed once."""

import os

import pytest

from tests.protocol.typescript import node


@pytest.fixture(scope="session", autouse=True)
def package() -> None:
    """Install the package; where there is no Node its tests are skipped, but not in CI."""
    if reason := node.missing():
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    node.install()
