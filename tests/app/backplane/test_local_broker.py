"""The broker of nodes in one process: the contract."""

from pathlib import Path

import pytest

from app.backplane.local import LocalJournal
from app.backplane.local_broker import Bus, LocalBroker
from app.backplane.news import IsVisible, StopStream
from app.clock import Clock
from tests.contract.broker import BrokerContract, Join, joined
from tests.contract.journal import RETENTION_MS


class TestContract(BrokerContract):
    @pytest.fixture
    def join(self, tmp_path: Path) -> Join:
        bus = Bus()
        return lambda name: joined(
            LocalJournal(tmp_path / name, Clock(), retention_ms=RETENTION_MS), LocalBroker(name, bus)
        )


async def test_a_server_on_its_own_talks_to_nobody(tmp_path: Path) -> None:
    journal = LocalJournal(tmp_path, Clock(), retention_ms=RETENTION_MS)
    async with joined(journal, LocalBroker("alone")) as node:
        assert await node.broker.subscribe("usr_1")
        assert not await node.broker.tell("other", StopStream("usr_1", "str_1"))
        assert not await node.broker.ask("usr_1", IsVisible("chat_1"))
