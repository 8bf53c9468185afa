"""Large commits: their `.git` is a stream of its own, and nobody who looks at the workspace could tell."""

import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipelines.records import Stream
from pipelines.status import Status
from runner.backend import Beside, Ticket
from runner.engine.client import Engine
from runner.engine.ownership import FILES, PROCESS, ROLE, RUN, this_process
from runner.errors import BackendError
from runner.source.clonesettings import CloneSettings
from runner.source.mirror import Mirror
from runner.source.mirrors import fetched
from runner.source.tree import commit_streams, commit_tree
from runner.stop import Stop
from tests.gitrepo import GitRepository
from tests.runner.engine.belongings import left
from tests.runner.source.checkouts import push_of
from tests.runner.source.gitserver import GitServer
from tests.runner.source.test_damage import harm_blob
from tests.runner.source.test_submodules import with_submodule
from tests.runner.world import World
from tests.trees import contents

MEGABYTES = 64


def large(origin: GitRepository, root: Path) -> Mirror:
    """The mirror of a repository whose second commit is large, and can be packed small."""
    origin.commit("small", file="text\n" * 50)
    write_zeros(origin)
    return fetched(root / "mirrors", push_of(origin.path, origin.commit("large", **{"d/file": "1"})))


def write_zeros(origin: GitRepository) -> None:
    """A file that is large, and small once it is packed."""
    with (origin.path / "zeros").open("wb") as file:
        file.truncate(MEGABYTES * 1_000_000)


def streams(mirror: Mirror, settings: CloneSettings) -> tuple[bytes, list[bytes]]:
    """The tree's stream, and those beside it."""
    main: list[bytes] = []
    beside: list[bytes] = []
    for chunk in commit_streams(mirror, settings):
        if isinstance(chunk, Beside):
            beside.append(b"".join(chunk.chunks()))
        elif isinstance(chunk, bytes):
            main.append(chunk)
    return b"".join(main), beside


def without_times(files: dict[str, bytes]) -> dict[str, bytes]:
    """Without the logs, which say when a branch was made."""
    return {name: text for name, text in files.items() if not name.startswith(".git/logs/")}


def files_containers(engine: Engine, run: str) -> list[str]:
    """Those through which the workspace of this run is filled, of this process: what a sweep would know them by."""
    found = engine.containers(f"{RUN}={run}")
    ours = [each for each in found if each.labels[PROCESS] == this_process().process]
    return [each.name for each in ours if each.labels.get(ROLE) == FILES]


@pytest.mark.parametrize("settings", [CloneSettings(), CloneSettings(depth=0), CloneSettings(tags=True, depth=0)])
def test_streams_of_a_large_commit_hold_what_one_would(
    origin: GitRepository, tmp_path: Path, settings: CloneSettings
) -> None:
    mirror = large(origin, tmp_path)
    origin.git("tag", "v1")
    main, [beside] = streams(mirror, settings)
    files, git = contents([main]), contents([beside])
    assert all(name.startswith(".git/") for name in git)
    assert not any(name.startswith(".git/") for name in files)
    assert without_times(files | git) == without_times(contents(commit_tree(mirror, settings)))


def test_small_commit_is_one_stream(origin: GitRepository, tmp_path: Path) -> None:
    mirror = fetched(tmp_path / "mirrors", push_of(origin.path, origin.commit(file="1")))
    main, beside = streams(mirror, CloneSettings())
    assert beside == []
    assert without_times(contents([main])) == without_times(contents(commit_tree(mirror)))


def test_streams_of_a_large_commit_make_one_working_tree(origin: GitRepository, tmp_path: Path) -> None:
    main, [beside] = streams(large(origin, tmp_path), CloneSettings())
    copy = GitRepository.at(tmp_path / "workspace")
    copy.path.mkdir()
    for stream in (main, beside):
        subprocess.run(["tar", "-x"], cwd=copy.path, input=stream, check=True)
    assert copy.git("diff-index", "HEAD") == ""  # told by the index alone
    assert copy.git("status", "--porcelain") == ""
    assert copy.git("fsck") == ""


def test_submodules_of_a_large_commit_are_known_to_its_git(
    origin: GitRepository, server: GitServer, tmp_path: Path
) -> None:
    library = GitRepository(tmp_path / "library")
    sha = library.commit(code="1")
    write_zeros(origin)
    origin.git("add", "zeros")
    commit = with_submodule(origin, "lib", server.publish(library, "acme/lib"), sha)
    event = push_of(server.publish(origin, "acme/app"), commit)
    main, [beside] = streams(fetched(tmp_path / "mirrors", event), CloneSettings())
    assert b'[submodule "it"]' in contents([beside])[".git/config"]
    assert contents([main])["lib/code"] == b"1"
    assert "lib/.git/HEAD" in contents([main])


@pytest.mark.docker
def test_step_finds_a_large_commit_whole_and_the_spare_container_gone(
    origin: GitRepository, tmp_path: Path, containers: World, engine: Engine
) -> None:
    mirror = large(origin, tmp_path)
    seen: list[int] = []
    result = containers.run(
        containers.step("a", "wc -c < zeros", "cat .git/HEAD d/file", "ls .git/objects/pack | wc -l"),
        tree=lambda: commit_streams(mirror),
        watch=lambda _record: seen.append(len(files_containers(engine, "large"))),
        run="large",
    )
    assert result.status is Status.SUCCESS
    assert result.lines("a", Stream.STDOUT) == ["64000000", "ref: refs/heads/main", "1", "2"]
    assert seen[-2] == 1  # the step has ended, the job has not
    assert files_containers(engine, "large") == []


@pytest.mark.docker
def test_job_whose_large_checkout_meets_damage_runs_all_the_same(
    origin: GitRepository, tmp_path: Path, containers: World
) -> None:
    mirror = large(origin, tmp_path)
    harm_blob(mirror, origin)
    result = containers.run(
        containers.step("a", "wc -l < file", "cat .git/HEAD"),
        tree=lambda: commit_streams(fetched(tmp_path / "mirrors", mirror.event)),
    )
    assert result.lines("a", Stream.STDOUT) == ["50", "ref: refs/heads/main"]


@pytest.mark.docker
def test_stop_ends_both_streams_and_leaves_nothing(containers: World, engine: Engine) -> None:
    """Each stream goes on for ever; the one beside has its own container by the time of the stop."""
    stop, under_way = Stop(), threading.Barrier(3)

    def endless(name: str) -> Iterator[bytes]:
        header = tarfile.TarInfo(name)
        header.size = 1 << 50
        yield header.tobuf(tarfile.GNU_FORMAT)
        under_way.wait(150)
        while True:
            yield bytes(1 << 16)

    def tree() -> Iterator[bytes | Beside]:
        yield Beside(lambda: endless("a"))
        yield from endless("b")

    job = containers.job(containers.step("a"))
    with closing(containers.backend.open(job, Ticket(run="endless", job="build"), tree, stop)) as site:
        under_way.wait(150)
        assert len(files_containers(engine, "endless")) == 2
        stop.request(Status.CANCELLED, "enough")
        with pytest.raises(BackendError, match="stopped while the workspace was filled"):
            site.wait_until_open()
    assert left(engine, "endless") == []
