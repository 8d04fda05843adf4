"""The SDK with everything it needs, installed once."""

import pytest

from tests.node import SDK


@pytest.fixture(scope="session", autouse=True)
def package() -> None:
    """Install the package."""
    SDK.install()
