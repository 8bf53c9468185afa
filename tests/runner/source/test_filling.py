"""Filling a volume: written where it lies or unpacked by the engine, nobody who looks at it could tell."""

import os
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, cast

import pytest

from pipelines.records import Stream
from pipelines.status import Status
from runner.backend import Piece, Ticket, Writer
from runner.engine.client import Engine
from runner.engine.filling import Here, Volume, fill
from runner.engine.ground import spare_files
from runner.engine.sandbox import FILES_AT, sandbox_image
from runner.engine.spec import Place
from runner.engine.tarchunks import ChunkFile
from runner.engine.volumedirectory import volume_directory
from runner.errors import BackendError, SourceDamaged, SourceError
from runner.source.clonesettings import CloneSettings
from runner.source.mirror import Mirror
from runner.source.mirrors import fetched
from runner.source.tarstream import END
from runner.source.tree import commit_streams
from runner.source.written import write_commit
from runner.stop import Stop
from tests.gitrepo import GitRepository
from tests.runner.engine.belongings import left
from tests.runner.source.checkouts import push_of
from tests.runner.world import World

pytestmark = pytest.mark.docker

WORKSPACE = f"{FILES_AT}/src/web"
IS_ROOT = os.geteuid() == 0
"""Whether we may write where the engine of this machine has its volumes."""


def nowhere() -> None:
    """Where a volume is that only its engine can reach."""


@contextmanager
def volume_of(engine: Engine, name: str, here: Here | None = None) -> Iterator[Volume]:
    """An empty volume, gone after the block."""
    place = Place(volume=f"headrace-test-{name}", shim_volume=f"headrace-test-{name}-shim", network="none", labels={})
    image = sandbox_image(engine, engine.info().architecture)
    for volume in (place.volume, place.shim_volume):
        engine.create_volume(volume, {})
    try:
        with spare_files(engine, image, place, f"{place.volume}-files") as container:
            yield Volume(
                engine=engine,
                container=container,
                base=FILES_AT,
                spare=lambda: spare_files(engine, image, place, f"{place.volume}-spare"),
                here=here or (lambda: volume_directory(engine, place.volume)),
            )
    finally:
        for volume in (place.volume, place.shim_volume):
            engine.remove_volume(volume)


def looks(volume: Volume) -> dict[str, tuple[object, ...]]:
    """What a container finds in the volume; without the times of git's own files, and its logs, which tell times."""
    chunks = ChunkFile(volume.engine.get_archive(volume.container, FILES_AT))
    with tarfile.open(fileobj=cast("IO[bytes]", chunks), mode="r|") as archive:
        return {each.name: _look(each) for each in archive if not _is_gits(each)}


def _is_gits(member: tarfile.TarInfo) -> bool:
    parts = member.name.split("/")
    return ".git" in parts and (member.isdir() or "logs" in parts)


def _look(member: tarfile.TarInfo) -> tuple[object, ...]:
    time = None if member.isdir() or ".git" in member.name.split("/") else member.mtime
    return member.type, member.mode, member.uid, member.gid, member.size, member.linkname, time


def mirror_of_all_kinds(origin: GitRepository, root: Path) -> Mirror:
    """The mirror of a commit with a program, a link out of the tree, converted line ends and a taken directory."""
    origin.write("d/program", "#!/bin/sh\n").chmod(0o755)
    (origin.path / "link").symlink_to("/etc/passwd")
    (origin.path / "taken").symlink_to("/etc")
    files = {".gitattributes": "*.bat eol=crlf export-ignore\n", "a.bat": "1\n2\n", "d/e/file": "1"}
    return fetched(root / "mirrors", push_of(origin.path, origin.commit(**files)))


def test_written_or_unpacked_a_workspace_looks_the_same(engine: Engine, origin: GitRepository, tmp_path: Path) -> None:
    """To the last mode, owner and time, with the directories that steps begin in."""
    mirror = mirror_of_all_kinds(origin, tmp_path)
    directories = (f"{WORKSPACE}/d/new/newer", f"{WORKSPACE}/taken", f"{WORKSPACE}/.git/hooks/mine", "/elsewhere")
    found = []
    for here in (None, nowhere):
        with volume_of(engine, "same", here) as volume:
            tree = lambda: commit_streams(mirror)  # noqa: E731 - shorter than a function
            fill(volume, workspace=WORKSPACE, tree=tree, stop=Stop(), directories=directories)
            found.append(looks(volume))
    assert found[0] == found[1]
    assert found[0]["workspace/src/web/taken"][0] == tarfile.SYMTYPE
    assert "workspace/src/web/d/new/newer" in found[0]


@pytest.fixture(params=["docker", pytest.param("podman", marks=pytest.mark.podman)])
def each_engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Docker's engine and Podman's in turn."""
    url = request.getfixturevalue("engine_url") if request.param == "docker" else request.getfixturevalue("podman").url
    with closing(Engine(url)) as engine:
        yield engine


@pytest.mark.parametrize("workspace", [FILES_AT, WORKSPACE])
@pytest.mark.parametrize("here", [None, nowhere], ids=["written", "unpacked"])
def test_the_top_of_the_volume_is_open_to_all(each_engine: Engine, workspace: str, here: Here | None) -> None:
    """It is the workspace itself where that is `path: .`, and the image of a step may run as any user."""
    with volume_of(each_engine, "top", here) as volume:
        fill(volume, workspace=workspace, tree=lambda: iter([END]), stop=Stop())
        chunks = ChunkFile(each_engine.get_archive(volume.container, FILES_AT))
        with tarfile.open(fileobj=cast("IO[bytes]", chunks), mode="r|") as archive:
            top = next(iter(archive))
    assert (top.isdir(), oct(top.mode & 0o777)) == (True, "0o777")


def test_a_tree_is_written_where_its_volume_is_ours(engine: Engine) -> None:
    told: list[Path] = []

    def tree() -> Iterator[Piece]:
        yield Writer(lambda directory, _stop: told.append(directory))
        yield END

    with volume_of(engine, "ours") as volume:
        fill(volume, workspace=WORKSPACE, tree=tree, stop=Stop())
    assert [path.parts[-2:] for path in told] == ([("src", "web")] if IS_ROOT else [])


@pytest.mark.skipif(not IS_ROOT, reason="only root can give a directory away")
def test_a_volume_that_belongs_to_another_user_is_the_engines_to_fill(engine: Engine) -> None:
    """As it does where the engine maps a container's root to somebody else: what we write would be nobody's there."""
    with volume_of(engine, "theirs") as volume:
        directory = volume.here()
        assert directory is not None
        os.chown(directory, 100000, 100000)
        assert volume.here() is None


def test_a_workspace_outside_of_its_volume_is_never_written_here(engine: Engine) -> None:
    """`workspace.path` may lead anywhere in a container, and would lead anywhere on this machine."""
    told: list[Path] = []

    def tree() -> Iterator[Piece]:
        yield Writer(lambda directory, _stop: told.append(directory))
        yield END

    with volume_of(engine, "outside") as volume:
        for path in (f"{FILES_AT}/../tmp", "/", "/tmp", f"{FILES_AT}-not"):
            with suppress(BackendError):  # most of these are refused by the engine, too
                fill(volume, workspace=path, tree=tree, stop=Stop())
    assert told == []


def test_what_was_written_of_a_damaged_mirror_is_unpacked_over(engine: Engine) -> None:
    calls: list[str] = []

    def broken(directory: Path, _stop: Stop) -> None:
        (directory / "half").write_text("1")
        raise SourceDamaged("the mirror is damaged")

    def tree() -> Iterator[Piece]:
        calls.append("asked")
        yield Writer(broken)
        yield END

    with volume_of(engine, "damaged") as volume:
        fill(volume, workspace=WORKSPACE, tree=tree, stop=Stop())
        assert len(calls) == 1 + IS_ROOT


def test_step_runs_in_what_was_written(containers: World, origin: GitRepository, tmp_path: Path) -> None:
    mirror = mirror_of_all_kinds(origin, tmp_path)
    result = containers.run(
        containers.step("a", "d/program && echo more >> d/e/file", "cat d/e/file", "ls -a | head -4"),
        tree=lambda: commit_streams(mirror),
    )
    assert result.lines("a", Stream.STDOUT) == ["1more", ".", "..", ".git", ".gitattributes"]


def test_stop_ends_what_is_written_and_leaves_nothing(containers: World, engine: Engine) -> None:
    stop, under_way = Stop(), threading.Event()

    def write(directory: Path, asked: Stop) -> None:
        (directory / "half").write_text("1")
        under_way.set()
        asked.wait(150)
        raise SourceDamaged("git was stopped")

    def tree() -> Iterator[Piece]:
        yield Writer(write)
        under_way.set()
        stop.wait(150)
        yield END

    job = containers.job(containers.step("a"))
    with closing(containers.backend.open(job, Ticket(run="written", job="build"), tree, stop)) as site:
        under_way.wait(150)
        stop.request(Status.CANCELLED, "enough")
        with pytest.raises(BackendError, match="stopped while the workspace was filled"):
            site.wait_until_open()
    assert left(engine, "written") == []


@pytest.mark.skipif(not IS_ROOT, reason="only root can mount a small disk")
def test_a_full_disk_is_named_and_nothing_of_the_making_left(origin: GitRepository, tmp_path: Path) -> None:
    origin.write("large", "0" * 3_000_000)
    mirror, place = fetched(tmp_path / "mirrors", push_of(origin.path, origin.commit())), tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True)
    try:
        with pytest.raises(SourceError, match="'large': no space left on the disk of the engine's volumes"):
            write_commit(mirror, CloneSettings(), place, Stop())
        assert list(place.iterdir()) == []
    finally:
        subprocess.run(["umount", str(place)], check=True)
