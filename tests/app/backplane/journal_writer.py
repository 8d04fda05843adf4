"""A process that appends to a journal until it is killed, and says what was confirmed."""

import asyncio
import os
import random
import sys
from pathlib import Path

from app.backplane.local import LocalJournal
from app.clock import Clock
from tests.contract.journal import RETENTION_MS, part


async def write(folder: Path, seed: int) -> None:
    """Append ranges of three streams for ever; a line `stream head` follows each append."""
    lengths = random.Random(seed)
    journal = LocalJournal(folder, Clock(), retention_ms=RETENTION_MS, segment_bytes=20_000)
    await journal.open()
    heads = {stream.stream_id: held.head for stream, held in (await journal.streams()).items()}
    while True:
        names = lengths.sample(["str_a", "str_b", "str_c"], lengths.randint(1, 3))
        counts = {name: lengths.choice([1, 1, 2, 300]) for name in names}
        await journal.append([part(name, heads.get(name, 0), count) for name, count in counts.items()])
        heads |= {name: heads.get(name, 0) + count for name, count in counts.items()}
        os.write(1, "".join(f"{name} {heads[name]}\n" for name in names).encode())
        await asyncio.sleep(0)


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), int(sys.argv[2])))
