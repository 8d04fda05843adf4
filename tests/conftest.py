"""For every test: real servers for those that want one, and the rule that in CI nothing is skipped."""

import os

import pytest

pytest_plugins = ["tests.servers", "tests.redis_servers"]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in CI that skipped a test: what was skipped did not pass."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", [])) if reporter is not None else 0
    if os.environ.get("CI") and skipped and session.exitstatus == pytest.ExitCode.OK:
        print(f"\n{skipped} tests were skipped, which CI does not allow; the reasons are listed below.")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
