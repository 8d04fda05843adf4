"""The page's sources: their types, and their own tests."""

import pytest

from tests.node import PAGE

pytestmark = pytest.mark.slow


def test_the_types_hold() -> None:
    PAGE.npm("run", "check")


def test_its_own_tests_pass() -> None:
    PAGE.npm("test")
