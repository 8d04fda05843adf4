"""The data folder of a single process, and the lock that keeps it single.

The lock is also the lease: whoever holds it knows that every unfinished answer in the folder has lost its owner. It
is an flock, which the kernel takes back when the process dies, however it dies; a file that merely exists would
have to be believed. Works on Linux and macOS, on local file systems; Windows has no flock and is not supported.
"""

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self

if sys.platform != "win32":
    import fcntl

LOCK = "tidewire.lock"
NODE = "node"


class DataFolderError(Exception):
    """The data folder cannot be used; the message says why, and which setting to change."""


class DataFolderInUse(DataFolderError):  # noqa: N818 - says what happened
    """Another process has the data folder."""


class DataFolder:
    """A folder that one process at a time may use.

    Args:
        path: made when missing, for its owner alone. One that exists keeps its permissions: it may be shared on
            purpose, and everything secret in it is a file or folder of ours with its own.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def __repr__(self) -> str:
        return f"<DataFolder {self.path} {'free' if self._fd is None else 'locked'}>"

    def __enter__(self) -> Self:
        self.lock()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def journal(self) -> Path:
        """Where the journal of running answers is."""
        return self.path / "journal"

    def lock(self, address: str = "") -> None:
        """Take the folder.

        Args:
            address: where this server listens, for whoever finds the folder taken.

        Raises:
            DataFolderInUse: another process has it.
            DataFolderError: it cannot be made or locked.
        """
        if sys.platform == "win32":
            raise DataFolderError("Tidewire runs on Linux and macOS. On Windows, start it inside WSL.")
        fd = self._open()
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            holder = os.pread(fd, 256, 0).decode(errors="replace").strip()
            os.close(fd)
            raise self._refusal(holder, problem) from None
        self._fd = fd
        self.announce(address)

    def announce(self, address: str) -> None:
        """Write down where this server listens, once that is known."""
        if self._fd is not None:
            who = f"process {os.getpid()}" + (f" at {address}" if address else "")
            with suppress(OSError):  # a full disk: the lock holds all the same, only its words are missing
                os.ftruncate(self._fd, 0)
                os.pwrite(self._fd, f"{who}\n".encode(), 0)

    def former_node(self) -> str:
        """The node that noted itself here last, empty when none did; while this process has the lock it is dead."""
        try:
            return (self.path / NODE).read_text(errors="replace").strip()
        except FileNotFoundError:
            return ""
        except OSError as problem:
            raise self._unusable(problem) from problem

    def note_node(self, node: str) -> None:
        """Note which node has the folder, for whoever has it next.

        Raises:
            DataFolderError: it cannot be written.
        """
        draft = self.path / f"{NODE}.draft"
        try:
            draft.write_text(f"{node}\n")
            draft.replace(self.path / NODE)
        except OSError as problem:
            raise self._unusable(problem) from problem

    def close(self) -> None:
        """Give the folder back; a second call does nothing.

        The file stays: were it deleted, two processes could each hold the lock of another file of that name.
        """
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def _open(self) -> int:
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as problem:
            raise self._unusable(problem) from problem

    def _unusable(self, problem: OSError) -> DataFolderError:
        return DataFolderError(
            f"The data folder {self.path} cannot be used: {problem.strerror}. "
            "Set DATA_DIR to a folder in which Tidewire may write."
        )

    def _refusal(self, holder: str, problem: OSError) -> DataFolderError:
        if problem.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return DataFolderInUse(
                f"The data folder {self.path} is in use by Tidewire {holder or '(another process)'}. "
                "Stop that server, or set DATA_DIR to another folder for this one."
            )
        return DataFolderError(
            f"The data folder {self.path} cannot be locked: {problem.strerror}. "
            "Set DATA_DIR to a folder on a local disk."
        )
