"""The page's sources with everything a developer needs, installed once."""

import pytest

from tests.node import PAGE


@pytest.fixture(scope="session", autouse=True)
def package() -> None:
    """Install the package."""
    PAGE.install()
