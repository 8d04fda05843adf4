"""A new SQLite file belongs to its owner alone: it holds what people wrote, and its folder may be open to others."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def create_private(path: str) -> None:
    """Create an empty SQLite file with mode 0600 unless it is there; SQLite gives its `-wal` and `-shm` the same mode.

    A file that exists keeps its mode: it may be shared on purpose. What goes wrong is left to SQLite to report.
    """
    if os.path.lexists(path):
        return
    # Made elsewhere and linked: closing a descriptor of the file itself would take the locks away that another thread
    # of this process may hold on it by then (POSIX locks belong to the process).
    with suppress(OSError), tempfile.TemporaryDirectory(prefix=".", dir=Path(path).parent) as folder:
        empty = Path(folder, "empty")
        empty.touch(0o600)
        os.link(empty, path)
