"""The broker over Redis: the contract, on each way in which servers are joined."""

import pytest

from tests.app.backplane.redis.places import Place, joining
from tests.contract.broker import BrokerContract, Join, SharedJournalContract


class Contract(BrokerContract, SharedJournalContract):
    """Everything a backplane in Redis promises, in a place that is emptied between two tests."""

    def at(self, place: Place) -> Join:
        place.empty()
        return joining(place.url)


class TestOneServer(Contract):
    @pytest.fixture
    def join(self, one_server: Place) -> Join:
        return self.at(one_server)


class TestSentinelAfterAFailover(Contract):
    @pytest.fixture
    def join(self, failed_over: Place) -> Join:
        return self.at(failed_over)


class TestCluster(Contract):
    @pytest.fixture
    def join(self, cluster: Place) -> Join:
        return self.at(cluster)
