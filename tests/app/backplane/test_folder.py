"""The lock on the data folder: one process at a time, whoever dies how."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.backplane.folder import LOCK, DataFolder, DataFolderError, DataFolderInUse

HOLDER = """
import sys
from pathlib import Path
from app.backplane.folder import DataFolder
DataFolder(Path(sys.argv[1])).lock("http://127.0.0.1:8000")
print("locked", flush=True)
sys.stdin.read()
"""


def test_a_new_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "new" / "data") as folder:
        assert folder.path.stat().st_mode & 0o777 == 0o700
        assert (folder.path / LOCK).stat().st_mode & 0o777 == 0o600
        assert folder.journal == tmp_path / "new" / "data" / "journal"


def test_a_folder_that_exists_keeps_its_permissions(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    with DataFolder(tmp_path):
        assert tmp_path.stat().st_mode & 0o777 == 0o750


def test_a_second_start_is_told_who_holds_the_folder_and_what_to_set(tmp_path: Path) -> None:
    with DataFolder(tmp_path) as first:
        first.announce("http://127.0.0.1:8000")
        with pytest.raises(DataFolderInUse) as caught:
            DataFolder(tmp_path).lock()
    assert str(caught.value) == (
        f"The data folder {tmp_path} is in use by Tidewire process {os.getpid()} at http://127.0.0.1:8000. "
        "Stop that server, or set DATA_DIR to another folder for this one."
    )


def test_a_closed_folder_is_free_and_the_words_are_the_new_holders(tmp_path: Path) -> None:
    first = DataFolder(tmp_path)
    first.lock("http://127.0.0.1:65000/a-long-address")
    first.close()
    first.close()
    with DataFolder(tmp_path):
        assert (tmp_path / LOCK).read_text() == f"process {os.getpid()}\n"


def test_a_killed_holder_leaves_the_folder_free(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(DataFolderInUse, match=f"process {holder.pid} at http://127.0.0.1:8000"):
            DataFolder(tmp_path).lock()
        holder.kill()
    with DataFolder(tmp_path) as folder:
        assert repr(folder) == f"<DataFolder {tmp_path} locked>"


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataFolderError, match=r"cannot be used: .*\. Set DATA_DIR to a folder in which Tidewire may"):
        DataFolder(tmp_path / "file").lock()


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / LOCK).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataFolderError, match="cannot be used"):
        DataFolder(tmp_path).lock()
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_knows_the_node_that_had_it_last(tmp_path: Path) -> None:
    with DataFolder(tmp_path) as first:
        assert first.former_node() == ""
        first.note_node("node_1")
        first.note_node("node_2")
    with DataFolder(tmp_path) as second:
        assert second.former_node() == "node_2"


def test_a_node_that_cannot_be_noted_is_a_sentence_about_the_folder(tmp_path: Path) -> None:
    (tmp_path / "node").mkdir()
    with DataFolder(tmp_path) as folder, pytest.raises(DataFolderError, match="Set DATA_DIR"):
        folder.note_node("node_1")
    with DataFolder(tmp_path) as folder, pytest.raises(DataFolderError, match="Set DATA_DIR"):
        folder.former_node()
