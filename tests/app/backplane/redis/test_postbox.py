"""The postbox, in virtual time: batches, bounds, and no second try."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from app.backplane.redis.postbox import INTERVAL, MOST_BYTES, Message, Postbox
from app.backplane.redis.servers import ServerUnavailable


class Post:
    """Takes batches, each in `takes` seconds."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.times: list[float] = []
        self.takes = 0.001
        self.away = False

    async def publish(self, batch: Sequence[Message]) -> None:
        self.batches.append([content for _, content in batch])
        self.times.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.takes)
        if self.away:
            raise ServerUnavailable("away")


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
async def postbox(post: Post) -> AsyncIterator[Postbox]:
    postbox = Postbox(post.publish)
    task = asyncio.create_task(postbox.run())
    yield postbox
    assert not task.done(), "the postbox died"
    task.cancel()
    await asyncio.wait([task])


async def test_the_first_message_goes_at_once_and_what_follows_together(post: Post, postbox: Postbox) -> None:
    for number in range(20):
        postbox.put(b"c", b"%d" % number)
        await asyncio.sleep(INTERVAL / 10)
    await asyncio.sleep(1)
    assert [content for batch in post.batches for content in batch] == [b"%d" % number for number in range(20)]
    assert post.batches[0] == [b"0"]
    assert len(post.batches) == 3
    assert all(later - earlier >= INTERVAL for earlier, later in zip(post.times, post.times[1:], strict=False))


async def test_what_is_said_anew_is_sent_once_and_in_its_new_place(post: Post, postbox: Postbox) -> None:
    for content in (b"1", b"2"):
        postbox.put(b"c", content, instead_of="heads")
        postbox.put(b"c", b"other")
    await asyncio.sleep(1)
    assert post.batches == [[b"other", b"2", b"other"]]


async def test_more_than_it_holds_is_lost_and_counted(post: Post, postbox: Postbox) -> None:
    post.takes = 1.0
    postbox.put(b"c", b"first")
    await asyncio.sleep(0.1)
    half = b"x" * (MOST_BYTES // 2)
    for _ in range(3):
        postbox.put(b"c", half)
    assert postbox.lost == 1
    await asyncio.sleep(5)
    assert post.batches[1] == [half, half]
    postbox.put(b"c", half)
    await asyncio.sleep(5)
    assert post.batches[2] == [half], "room is given back"


async def test_a_lost_batch_is_not_sent_again(post: Post, postbox: Postbox) -> None:
    post.away = True
    postbox.put(b"c", b"1")
    postbox.put(b"c", b"2")
    await asyncio.sleep(1)
    post.away = False
    postbox.put(b"c", b"3")
    await asyncio.sleep(1)
    assert post.batches == [[b"1", b"2"], [b"3"]]
    assert postbox.lost == 2
