"""Shared by the tests of the backplane."""

import pytest

pytest.register_assert_rewrite("tests.contract.journal", "tests.contract.broker")
