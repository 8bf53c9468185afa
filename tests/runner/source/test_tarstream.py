"""Trees as tar streams."""

import os
from pathlib import Path

from runner.source.tarstream import every_file, tar_stream
from tests.trees import contents, members


def test_files_arrive_whole_with_their_directories(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "deep").write_bytes(b"x" * 3_000_001)
    (tmp_path / "empty").touch()
    stream = list(tar_stream(every_file(tmp_path)))
    assert contents(stream) == {"a/b/deep": b"x" * 3_000_001, "empty": b""}
    assert [name for name, member in members(stream).items() if member.isdir()] == ["a", "a/b"]


def test_anyone_may_write_and_only_the_executable_bit_is_kept(tmp_path: Path) -> None:
    """A step's image may run as any user."""
    for name, mode in (("plain", 0o600), ("tool", 0o750)):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    found = members(tar_stream(every_file(tmp_path)))
    assert {name: member.mode for name, member in found.items()} == {"plain": 0o666, "tool": 0o777}
    assert {(member.uid, member.uname) for member in found.values()} == {(0, "")}


def test_symbolic_links_stay_links(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "to-directory").symlink_to("directory")
    (tmp_path / "to-nowhere").symlink_to("/etc/shadow")
    found = members(tar_stream(every_file(tmp_path)))
    assert {name: member.linkname for name, member in found.items()} == {
        "to-directory": "directory",
        "to-nowhere": "/etc/shadow",
    }


def test_what_is_no_file_is_left_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert members(tar_stream(every_file(tmp_path))) == {}


def test_file_that_vanishes_is_left_out(tmp_path: Path) -> None:
    assert members(tar_stream([("gone", tmp_path / "gone")])) == {}


def test_names_of_any_length_and_alphabet_survive(tmp_path: Path) -> None:
    names = {"ä" * 100, "n" * 200, "with space", "-dash"}
    for name in names:
        (tmp_path / name).write_text(name)
    assert set(contents(tar_stream(every_file(tmp_path)))) == names
