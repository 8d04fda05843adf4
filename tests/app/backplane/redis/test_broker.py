"""The broker over Redis: the contract."""

from collections.abc import Callable

import pytest

from tests.app.backplane.redis.places import joining
from tests.contract.broker import BrokerContract, Join, SharedJournalContract


class TestOneServer(BrokerContract, SharedJournalContract):
    @pytest.fixture
    def join(self, new_redis_url: Callable[[], str]) -> Join:
        return joining(new_redis_url())
