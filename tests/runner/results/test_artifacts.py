"""The artifact store takes plain files below the workspace, whole or not at all."""

import hashlib
import io
from pathlib import Path

import pytest

from runner.backend import WorkspaceFile
from runner.errors import ArtifactError
from runner.results.artifacts import DirectoryArtifacts


def file(path: str, content: bytes = b"text") -> WorkspaceFile:
    return WorkspaceFile(path=path, size_bytes=len(content), content=io.BytesIO(content))


def files_below(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_a_file_is_kept_with_its_size_and_hash(tmp_path: Path) -> None:
    stored = DirectoryArtifacts(tmp_path).put("build", "pack", file("dist/a.whl", b"wheel"))
    assert (stored.job, stored.step, stored.path, stored.size_bytes) == ("build", "pack", "dist/a.whl", 5)
    assert stored.sha256 == hashlib.sha256(b"wheel").hexdigest()
    again = DirectoryArtifacts(tmp_path)
    assert again.list() == (stored,)
    with again.open(stored) as content:
        assert content.read() == b"wheel"
    assert (tmp_path / "build" / "pack" / "dist" / "a.whl").read_bytes() == b"wheel"


def test_a_file_put_again_replaces_the_first(tmp_path: Path) -> None:
    store = DirectoryArtifacts(tmp_path)
    store.put("build", "pack", file("a", b"old"))
    new = store.put("build", "pack", file("a", b"new"))
    assert store.list() == (new,)
    with store.open(new) as content:
        assert content.read() == b"new"


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../up", "a/../../up", "a//b", "./a", "a/", "a\0b", ".."])
def test_a_path_that_is_not_plain_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ArtifactError, match="not a plain path below the workspace"):
        DirectoryArtifacts(tmp_path / "root").put("build", "pack", file(path))
    assert files_below(tmp_path) == []


def test_job_and_step_names_do_not_leave_the_directory(tmp_path: Path) -> None:
    DirectoryArtifacts(tmp_path / "root").put("..", "../..", file("a"))
    assert all(path.startswith("root/") for path in files_below(tmp_path))


def test_a_file_over_the_limit_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    store = DirectoryArtifacts(tmp_path, limit_bytes=3)
    with pytest.raises(ArtifactError, match="artifact a: 4 bytes, and at most 3 are kept"):
        store.put("build", "pack", file("a"))
    assert files_below(tmp_path) == []


def test_a_read_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    class Breaking(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    broken = WorkspaceFile(path="a", size_bytes=4, content=Breaking())
    with pytest.raises(ArtifactError, match="artifact a: could not be stored: Input/output error"):
        DirectoryArtifacts(tmp_path).put("build", "pack", broken)
    assert files_below(tmp_path) == []


def test_a_torn_last_line_of_the_list_is_not_read(tmp_path: Path) -> None:
    store = DirectoryArtifacts(tmp_path)
    stored = store.put("build", "pack", file("a"))
    with (tmp_path / "artifacts.jsonl").open("ab") as listing:
        listing.write(b'{"job":"bui')
    assert store.list() == (stored,)
    second = store.put("build", "pack", file("b"))
    assert store.list() == (stored, second)


def test_what_is_gone_is_said_so(tmp_path: Path) -> None:
    store = DirectoryArtifacts(tmp_path)
    stored = store.put("build", "pack", file("a"))
    (tmp_path / "build" / "pack" / "a").unlink()
    with pytest.raises(ArtifactError, match="artifact a: can't be read"):
        store.open(stored)
