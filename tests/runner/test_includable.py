"""Files to include come from the tree and from nowhere else, and only when asked for."""

from pathlib import Path

import pytest

from pipelines.reading.document import MAX_BYTES
from runner.includable import Includable, files_below


def test_a_file_is_read_once_when_it_is_asked_for() -> None:
    asked: list[str] = []

    def read(path: str) -> bytes | None:
        asked.append(path)
        return b"text" if path == "a" else None

    files = Includable(read)
    assert dict(files) == {}
    assert [files.get("a"), files.get("a"), files.get("b"), files.get("b")] == [b"text", b"text", None, None]
    assert asked == ["a", "b"]
    assert dict(files) == {"a": b"text"}


def test_files_of_a_directory_are_found_by_their_paths(tmp_path: Path) -> None:
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci/base.yaml").write_text("steps: {}")
    assert files_below(tmp_path)["ci/base.yaml"] == b"steps: {}"


@pytest.mark.parametrize(
    "path", ["../out.yaml", "/etc/passwd", "link.yaml", "circle", "ci", "none", "", "a\0b", "a" * 500, "a" * 5_000]
)
def test_what_is_no_file_of_the_tree_is_not_there(path: str, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    (root / "ci").mkdir(parents=True)
    (tmp_path / "out.yaml").write_text("secret")
    (root / "link.yaml").symlink_to(tmp_path / "out.yaml")
    (root / "circle").symlink_to(root / "circle")
    assert path not in files_below(root)


def test_no_more_is_read_of_a_huge_file_than_shows_that_it_is_one(tmp_path: Path) -> None:
    (tmp_path / "huge").write_bytes(b"x" * (MAX_BYTES + 100))
    assert len(files_below(tmp_path)["huge"]) == MAX_BYTES + 1
