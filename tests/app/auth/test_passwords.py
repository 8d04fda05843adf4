"""Hashes of passwords: right, slow on purpose, and never too many at once."""

import asyncio
import threading

import pytest
from argon2 import PasswordHasher

from app.auth.passwords import AT_ONCE, MOST_WAITING, Passwords, strong_hasher
from protocol.errors import Refusal

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


async def test_a_password_is_known_by_its_hash() -> None:
    passwords = Passwords(CHEAP)
    stored = await passwords.hash("correct horse")
    assert "correct" not in stored
    assert await passwords.check("correct horse", stored)
    assert not await passwords.check("wrong horse", stored)
    assert stored != await passwords.hash("correct horse"), "each hash has its own salt"


@pytest.mark.parametrize("stored", [None, "", "no hash", "$argon2id$v=19$m=8,t=1,p=1$AAAA$BBBB"])
async def test_nothing_matches_what_is_no_hash(stored: str | None) -> None:
    assert not await Passwords(CHEAP).check("correct horse", stored)


async def test_an_unknown_user_costs_as_much_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting(PasswordHasher):
        computed = 0

        def hash(self, *arguments: object, **named: object) -> str:
            Counting.computed += 1
            return super().hash(*arguments, **named)  # type: ignore[arg-type]

        def verify(self, *arguments: object) -> bool:  # type: ignore[override]  # only counts
            Counting.computed += 1
            return super().verify(*arguments)  # type: ignore[arg-type]

    passwords = Passwords(Counting(time_cost=1, memory_cost=8, parallelism=1))
    stored = await passwords.hash("correct horse")
    before = Counting.computed
    await passwords.check("wrong horse", stored)
    await passwords.check("wrong horse", None)
    assert Counting.computed == before + 2


async def test_a_hash_of_other_parameters_is_outdated() -> None:
    stored = await Passwords(CHEAP).hash("correct horse")
    assert not Passwords(CHEAP).is_outdated(stored)
    assert Passwords(strong_hasher()).is_outdated(stored)
    assert strong_hasher().memory_cost >= 46 * 1024


async def test_a_crowd_is_told_to_come_back_and_costs_two_threads() -> None:
    gate, inside = threading.Event(), []

    class Slow(PasswordHasher):
        def hash(self, *_arguments: object, **_named: object) -> str:
            inside.append(threading.get_ident())
            gate.wait(10)
            return "hash"

    passwords = Passwords(Slow())
    crowd = [asyncio.create_task(passwords.hash("x")) for _ in range(AT_ONCE + MOST_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Refusal) as refused:
        await passwords.hash("x")
    assert (refused.value.code, refused.value.error.retryable) == ("overloaded", True)
    assert refused.value.error.retry_after_ms
    crowd[-1].cancel()
    await asyncio.sleep(0)
    with pytest.raises(Refusal):
        await passwords.hash("x")  # whoever hung up does not make room: their thread has the work still
    gate.set()
    await asyncio.gather(*crowd[:-1])
    assert len(set(inside)) <= AT_ONCE
    assert await passwords.hash("x") == "hash"
