"""The SDK with everything it needs, installed once."""

import pytest

from tests.protocol.typescript import node


@pytest.fixture(scope="session", autouse=True)
def package() -> None:
    """Install the package."""
    node.installed()
