"""The data directory tells one installation from another."""

import threading
from pathlib import Path

import pytest

from worker.data_directory import installation
from worker.errors import Unavailable


def test_all_who_share_a_directory_are_one_installation(tmp_path: Path) -> None:
    """Also if they look at it for the first time together."""
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(installation(tmp_path / "data"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["installation"]


def test_another_directory_is_another_installation(tmp_path: Path) -> None:
    assert installation(tmp_path / "one") != installation(tmp_path / "two")


def test_directory_that_can_not_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match=r"can't keep data in .*/file/data: "):
        installation(tmp_path / "file" / "data")
