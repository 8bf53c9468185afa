"""Scratch directories go with their work, or, where that was killed, when something else is run here."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from runner.scratch import scratch_directory, sweep_scratch

HOLD = """
from runner.scratch import scratch_directory
with scratch_directory("checkout") as directory:
    (directory / "tree").mkdir()
    (directory / "tree" / "file").write_text("much")
    print(directory, flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def _place_of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


def aged(path: Path) -> Path:
    """As if it had been there for long."""
    os.utime(path, (time.time() - 3600,) * 2)
    return path


def holder() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
    )


def place_of(process: "subprocess.Popen[str]") -> Path:
    assert process.stdout
    return Path(process.stdout.readline().strip())


def test_directory_is_gone_after_its_work() -> None:
    with scratch_directory("key") as directory:
        assert directory.name.startswith("headrace-scratch-key-")
        assert directory.stat().st_mode & 0o777 == 0o700
    assert not directory.exists()


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_holds_is_not() -> None:
    with holder() as killed, holder() as living:
        left, held = aged(place_of(killed)), aged(place_of(living))
        killed.kill()
        killed.wait()
        assert sweep_scratch() == 1
        assert not left.exists()
        assert (held / "tree" / "file").read_text() == "much"
        living.communicate("\n")
    assert not held.exists()


def test_what_has_only_just_appeared_is_let_be(tmp_path: Path) -> None:
    """Whoever has made it may be about to lock it."""
    new = tmp_path / "headrace-scratch-tree-new"
    new.mkdir()
    assert sweep_scratch() == 0
    aged(new)
    assert sweep_scratch() == 1


def test_what_is_not_ours_is_let_be(tmp_path: Path) -> None:
    """A link in a place where everybody may write could lead anywhere."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "headrace-scratch-tree-link").symlink_to(elsewhere)
    (tmp_path / "headrace-scratch-tree-file").touch()
    (tmp_path / "headrace-other").mkdir()
    foreign = tmp_path / "headrace-scratch-tree-foreign"
    foreign.mkdir()
    if os.geteuid() == 0:
        os.chown(foreign, 65534, 65534)
    for path in tmp_path.iterdir():
        aged(path)
    assert sweep_scratch() == (0 if os.geteuid() == 0 else 1)
    assert elsewhere.exists()
