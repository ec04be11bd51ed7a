"""Files and folders appear whole or not at all, and what killed processes left is told from what is being written."""

import os

import pytest
from filelock import FileLock

from stylegan import files
from stylegan.errors import InputError
from stylegan.files import LOCK, remove_partial_files, whole_file, whole_folder


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def make(path):
    return whole_folder(path, last="done", remedy="choose another")


def test_a_file_is_there_after_the_block_and_not_before(tmp_path):
    with whole_file(tmp_path / "a.txt") as partial:
        partial.write_text("new")
        assert not (tmp_path / "a.txt").exists()
    assert listing(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "new"


def test_a_block_that_raises_leaves_the_file_as_it_was(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "a.txt") as partial:
        partial.write_text("new")
        raise KeyboardInterrupt
    assert listing(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_what_killed_processes_left_of_the_named_files_is_removed_and_nothing_else(tmp_path):
    for name in (".fakes-1.png.partial-7", ".state.partial-8", ".smile.partial-7", "state", "fakes-1.png"):
        (tmp_path / name).write_text("")
    remove_partial_files(tmp_path, ["state", "fakes-*"])
    assert listing(tmp_path) == [".smile.partial-7", "fakes-1.png", "state"]


def test_a_folder_is_there_with_all_in_it_after_the_block_and_not_before(tmp_path):
    with make(tmp_path / "new" / "a") as partial:
        (partial / "done").write_text("")
        assert not (tmp_path / "new" / "a").exists()
    assert listing(tmp_path / "new") == ["a"]
    assert listing(tmp_path / "new" / "a") == ["done"]


def test_a_folder_without_its_last_file_leaves_nothing(tmp_path):
    with make(tmp_path / "a") as partial:
        (partial / "other").write_text("")
    assert listing(tmp_path) == []


def test_a_block_that_raises_leaves_no_folder(tmp_path):
    with pytest.raises(KeyboardInterrupt), make(tmp_path / "a") as partial:
        (partial / "done").write_text("")
        raise KeyboardInterrupt
    assert listing(tmp_path) == []


@pytest.mark.parametrize("name", ["a", "a[b]*"])
def test_what_a_killed_process_left_of_a_folder_is_removed_whatever_its_number(tmp_path, name):
    for pid in (1, os.getpid()):  # a container gives every run the same number
        (tmp_path / f".{name}.partial-{pid}").mkdir()
        (tmp_path / f".{name}.partial-{pid}" / "half").write_text("")
    with make(tmp_path / name) as partial:
        (partial / "done").write_text("")
    assert listing(tmp_path) == [name]
    assert listing(tmp_path / name) == ["done"]


def test_a_folder_that_another_process_is_making_is_left_alone(tmp_path):
    theirs = tmp_path / ".a.partial-7"
    theirs.mkdir()
    words = "another process is writing .*a at this moment: wait for it, or choose another"
    with FileLock(theirs / LOCK), pytest.raises(InputError, match=words), make(tmp_path / "a"):
        pass
    assert theirs.exists()


def test_a_folder_is_left_alone_until_it_is_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "sync_folder", lambda folder: make(tmp_path / "a").__enter__())
    with pytest.raises(InputError, match="another process is writing"), make(tmp_path / "a") as partial:
        (partial / "done").write_text("")


def test_a_folder_that_appeared_meanwhile_is_not_replaced(tmp_path):
    with pytest.raises(InputError, match=r"exists by now: .*; choose another"), make(tmp_path / "a") as partial:
        (partial / "done").write_text("")
        (tmp_path / "a").mkdir()
    assert listing(tmp_path) == ["a"]
    assert listing(tmp_path / "a") == []


def test_a_folder_below_a_file_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be made: .*; choose another"), make(tmp_path / "file" / "a"):
        pass
