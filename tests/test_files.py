"""Files and folders appear whole or not at all; leftovers of killed processes are told from what is being written."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

import stylegan
from stylegan import files
from stylegan.errors import InputError
from stylegan.files import LOCK, remove_partial_files, user_path, whole_file, whole_folder


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


def killed_while_writing(path):
    """What is left when a process is killed in the block of `whole_file` or `whole_folder`."""
    code = f"""
import os, signal
from pathlib import Path
from stylegan.files import whole_file
with whole_file(Path({str(path)!r})) as partial:
    partial.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL


def test_what_a_killed_process_left_of_a_file_is_removed_by_the_next(tmp_path):
    killed_while_writing(tmp_path / "a.txt")
    assert listing(tmp_path) == [".a.txt.partial-0"]
    with whole_file(tmp_path / "a.txt") as partial:
        assert not partial.exists()
        partial.write_text("new")
    assert listing(tmp_path) == ["a.txt"]


def test_two_at_a_time_write_a_file_without_meeting_and_the_later_one_stays(tmp_path):
    with whole_file(tmp_path / "a.txt") as first, whole_file(tmp_path / "a.txt") as second:
        first.write_text("first")
        second.write_text("second")
    assert listing(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "first"


def new_file(path):
    return whole_file(path, exist_ok=False)


def test_a_new_file_replaces_nothing(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    words = r"a.txt exists already: choose another name, or delete it first"
    with pytest.raises(InputError, match=words), new_file(tmp_path / "a.txt"):
        raise AssertionError("no work is done in vain")
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_new_file_is_there_after_the_block(tmp_path):
    with new_file(tmp_path / "a.txt") as partial:
        partial.write_text("new")
    assert listing(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "new"
    assert (tmp_path / "a.txt").stat().st_nlink == 1


@pytest.mark.parametrize("links", [True, False])
def test_a_new_file_does_not_replace_what_appeared_meanwhile(links, tmp_path, monkeypatch):
    def no_links(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")  # as on FAT

    if not links:
        monkeypatch.setattr(os, "link", no_links)
    with pytest.raises(InputError, match=r"a.txt exists by now"), new_file(tmp_path / "a.txt") as partial:
        partial.write_text("mine")
        (tmp_path / "a.txt").write_text("theirs")
    assert listing(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "theirs"


def test_a_new_file_appears_where_there_are_no_hard_links_too(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "link")
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOTSUP, "")), raising=False)
    with new_file(tmp_path / "a.txt") as partial:
        partial.write_text("new")
    assert (tmp_path / "a.txt").read_text() == "new"
    assert listing(tmp_path) == ["a.txt"]


def test_a_new_file_that_another_process_is_writing_is_left_to_it(tmp_path):
    words = "another process is writing .*a.txt at this moment: wait for it, or choose another name"
    with new_file(tmp_path / "a.txt") as partial:
        partial.write_text("mine")
        with pytest.raises(InputError, match=words), new_file(tmp_path / "a.txt"):
            pass
    assert (tmp_path / "a.txt").read_text() == "mine"


def test_home_is_what_a_tilde_means(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~/run") == tmp_path / "run"
    assert user_path(Path("~")) == tmp_path
    assert user_path("a/~b") == Path("a/~b")
    assert user_path("~nobody.zip") == Path("~nobody.zip")  # as a shell: there is no such user


def test_the_home_of_nobody_is_refused_unless_there_is_such_a_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        InputError, match=r"^~nobody-here/x: there is no user nobody-here; for a name with ~, type \./~nobody-here/x"
    ):
        user_path("~nobody-here/x")
    Path("~nobody-here").mkdir()
    assert user_path("~nobody-here/x") == Path("~nobody-here/x")


@pytest.mark.parametrize("wrong", [None, 5, b"run", ["run"], "a" * 5000, "b" * 300, "b" * 250, "\ud800"])
def test_what_cannot_be_a_path_is_refused_by_readers_and_writers(wrong):
    with pytest.raises(InputError, match=r"is not a path|is too long") as error, whole_file(wrong):
        pass
    assert len(str(error.value)) < 500
    with pytest.raises(InputError):
        stylegan.load(wrong)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), OSError("encoder error -2")])
def test_an_error_of_the_system_names_the_file_that_was_to_be(error, tmp_path):
    with pytest.raises(OSError, match=str(tmp_path / "a.png")), whole_file(tmp_path / "a.png"):
        raise error
    with (
        pytest.raises(OSError, match=str(tmp_path / "data")),
        whole_folder(tmp_path / "data", last="manifest.json", remedy="") as partial,
    ):
        raise OSError(errno.ENOSPC, "No space left on device", str(partial / "4x4.npy"))
    with pytest.raises(FileNotFoundError, match="elsewhere"), whole_file(tmp_path / "a.png"):
        raise FileNotFoundError(errno.ENOENT, "No such file", "elsewhere")


@pytest.mark.parametrize("text", ["", " ", "a\0b"])
def test_an_empty_path_and_one_with_nul_are_refused(text):
    with pytest.raises(InputError, match=r"give a name, or \. for the current folder|contains a NUL character"):
        user_path(text)


def test_what_killed_processes_left_of_the_named_files_is_removed_and_nothing_else(tmp_path):
    killed_while_writing(tmp_path / "fakes-2.png")
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


def test_a_folder_is_left_alone_until_it_has_its_name(tmp_path, monkeypatch):
    plain = Path.rename

    def rename(partial, path):
        with pytest.raises(InputError, match="another process is writing"), make(tmp_path / "a"):
            pass
        return plain(partial, path)

    monkeypatch.setattr(Path, "rename", rename)
    with make(tmp_path / "a") as partial:
        (partial / "done").write_text("whole")
    assert listing(tmp_path) == ["a"]
    assert (tmp_path / "a" / "done").read_text() == "whole"


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
