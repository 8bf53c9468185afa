"""What becomes of mirrors that a crash or a disk has harmed, or that many fetches have left in pieces."""

import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pipelines.event import Event
from pipelines.records import Stream
from pipelines.status import Status
from runner.errors import SourceDamaged, SourceError
from runner.source import upkeep
from runner.source.damage import tells_of_damage
from runner.source.mirror import Mirror
from runner.source.mirrorlock import lock_of, try_lock
from runner.source.mirrors import fetched, read_from
from runner.source.tree import commit_tree
from runner.source.tries import Tries
from runner.source.upkeep import MOST_PACKS, tidy
from runner.stop import Stop
from tests.gitrepo import GitRepository
from tests.runner.source.checkouts import push_of
from tests.runner.source.gitserver import GitServer
from tests.runner.source.test_fetch import fetching, processes_with
from tests.runner.world import World
from tests.trees import contents
from tests.waiting import wait_until


def mirrored(origin: GitRepository, root: Path) -> Mirror:
    """The mirror of a repository with one commit."""
    return fetched(root / "mirrors", push_of(origin.path, origin.commit(file="text\n" * 50)))


def objects(directory: Path) -> list[Path]:
    return [path for path in (directory / "objects").rglob("*") if path.is_file()]


def empty_all(directory: Path) -> None:
    """What a power failure leaves of files that the disk was never told to keep."""
    for path in objects(directory):
        path.chmod(0o600)
        path.write_bytes(b"")


def overwrite_all(directory: Path) -> None:
    for path in objects(directory):
        path.chmod(0o600)
        path.write_bytes(b"\xff" * path.stat().st_size)


def remove_objects(directory: Path) -> None:
    for path in objects(directory):
        path.unlink()


def remove_configuration(directory: Path) -> None:
    (directory / "config").unlink()


def spoil_configuration(directory: Path) -> None:
    (directory / "config").write_text("[core\n\0\0")


def empty_head(directory: Path) -> None:
    (directory / "HEAD").write_text("")


def spoil_packed_refs(directory: Path) -> None:
    (directory / "packed-refs").write_bytes(b"\0" * 100)


@pytest.mark.parametrize(
    "harm",
    [
        empty_all,
        overwrite_all,
        remove_objects,
        remove_configuration,
        spoil_configuration,
        empty_head,
        spoil_packed_refs,
        shutil.rmtree,
    ],
)
def test_damaged_mirror_is_made_anew(origin: GitRepository, tmp_path: Path, harm: Callable[[Path], None]) -> None:
    mirror = mirrored(origin, tmp_path)
    harm(mirror.directory)
    again = read_from(lambda: fetched(tmp_path / "mirrors", mirror.event), lambda found: found.paths())
    assert again == ("file",)
    event = push_of(origin.path, origin.commit(other="1"))
    assert contents(commit_tree(fetched(tmp_path / "mirrors", event)))["other"] == b"1"


def harm_blob(mirror: Mirror, origin: GitRepository) -> None:
    """Spoil the file's contents alone: the commit and its tree can be read."""
    blob = origin.git("rev-parse", "HEAD:file")
    path = mirror.directory / "objects" / blob[:2] / blob[2:]
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-9])


def test_damage_that_only_a_checkout_meets_is_told_and_mended_by_the_next(
    origin: GitRepository, tmp_path: Path
) -> None:
    mirror = mirrored(origin, tmp_path)
    harm_blob(mirror, origin)
    with pytest.raises(SourceDamaged, match="the worker's mirror of the repository is damaged: git "):
        list(commit_tree(fetched(tmp_path / "mirrors", mirror.event)))
    assert contents(commit_tree(fetched(tmp_path / "mirrors", mirror.event)))["file"] == b"text\n" * 50


@pytest.mark.docker
def test_job_whose_checkout_meets_damage_runs_all_the_same(
    origin: GitRepository, tmp_path: Path, containers: World
) -> None:
    mirror = mirrored(origin, tmp_path)
    harm_blob(mirror, origin)
    result = containers.run(
        containers.step("a", "wc -l < file"),
        tree=lambda: commit_tree(fetched(tmp_path / "mirrors", mirror.event)),
    )
    assert result.lines("a", Stream.STDOUT) == ["50"]


def test_damage_that_stays_is_told(origin: GitRepository, tmp_path: Path) -> None:
    def harmed() -> Mirror:
        mirror = fetched(tmp_path / "mirrors", event)
        harm_blob(mirror, origin)
        return mirror

    event = push_of(origin.path, origin.commit(file="text\n" * 50))
    with pytest.raises(SourceDamaged):
        read_from(harmed, lambda mirror: mirror.contents("file"))


@pytest.mark.parametrize(
    "said",
    [
        "fatal: could not read Username for 'https://x': terminal prompts disabled",
        "fatal: Could not read from remote repository.",
        "error: RPC failed; curl 56 Broken pipe",
        "fatal: unable to find remote helper for 'ext'",
        "remote: fatal: bad object 0123",
        "fatal: '/srv/x' does not appear to be a git repository",
        "fatal: unable to access 'http://x/': The requested URL returned error: 503",
    ],
)
def test_trouble_at_the_other_end_is_no_damage(said: str) -> None:
    assert not tells_of_damage(said)


@pytest.mark.parametrize("lock", ["packed-refs.lock", "refs/heads/main.lock", "config.lock", "shallow.lock"])
def test_lock_file_that_a_killed_git_left_is_in_nobodys_way(origin: GitRepository, tmp_path: Path, lock: str) -> None:
    mirror = mirrored(origin, tmp_path)
    (mirror.directory / lock).touch()
    event = push_of(origin.path, origin.commit(file="2"))
    assert contents(commit_tree(fetched(tmp_path / "mirrors", event)))["file"] == b"2"
    assert not (mirror.directory / lock).exists()


def test_git_of_a_worker_that_was_killed_keeps_the_lock_until_it_ends(
    origin: GitRepository, server: GitServer, tmp_path: Path
) -> None:
    """What it has begun to write, nobody else writes at the same time."""
    sha = origin.commit(file="1")
    event = push_of(server.publish(origin, "acme/web"), sha)
    server.answers.clear()
    process = fetching(tmp_path / "mirrors", event.repository.clone_url, sha)
    wait_until(lambda: server.seen, what="it asks")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    [directory] = [path for path in (tmp_path / "mirrors").iterdir() if path.is_dir()]
    with try_lock(directory) as lock:
        assert lock is None
    assert processes_with(server.url)
    server.answers.set()
    with lock_of(directory, Tries()):
        assert not [line for line in processes_with(server.url) if "git" in line]


def in_pieces(origin: GitRepository, tmp_path: Path) -> Event:
    """The last of many pushes, each of which has left a pack of its own in the mirror."""
    event = None
    for number in range(MOST_PACKS + 1):
        event = push_of(origin.path, origin.commit(file=str(number)))
        directory = fetched(tmp_path / "mirrors", event).directory
        subprocess.run(["git", "repack", "-q", "-d"], cwd=directory, check=True)
    assert event
    return event


def packs(root: Path) -> int:
    return len(list((root / "mirrors").glob("*/objects/pack/*.pack")))


def test_mirror_in_many_pieces_is_put_together(origin: GitRepository, tmp_path: Path) -> None:
    event = in_pieces(origin, tmp_path)
    [abandoned] = [path / "tmp_pack_x" for path in (tmp_path / "mirrors").glob("*/objects/pack")]
    abandoned.touch()
    assert packs(tmp_path) > MOST_PACKS
    tidy(tmp_path / "mirrors", Stop())
    assert packs(tmp_path) == 1
    assert not abandoned.exists()
    origin.path.rename(tmp_path / "elsewhere")
    assert contents(commit_tree(fetched(tmp_path / "mirrors", event)))["file"] == b"20"


def test_commit_that_is_on_no_branch_any_more_is_kept(origin: GitRepository, tmp_path: Path) -> None:
    first = mirrored(origin, tmp_path)
    origin.git("commit", "--quiet", "--amend", "--message", "rewritten")
    in_pieces(origin, tmp_path)
    tidy(tmp_path / "mirrors", Stop())
    assert packs(tmp_path) < MOST_PACKS
    assert contents(commit_tree(first))["file"] == b"text\n" * 50


def test_reader_goes_on_while_its_mirror_is_put_together(origin: GitRepository, tmp_path: Path) -> None:
    event = in_pieces(origin, tmp_path)
    with closing(commit_tree(fetched(tmp_path / "mirrors", event))) as tree:  # type: ignore[type-var] # a generator
        first = next(tree)
        tidy(tmp_path / "mirrors", Stop())
        assert contents([first, *tree])["file"] == b"20"


def test_mirror_that_somebody_fills_is_left_alone(origin: GitRepository, tmp_path: Path) -> None:
    directory = fetched(tmp_path / "mirrors", in_pieces(origin, tmp_path)).directory
    before = packs(tmp_path)
    with lock_of(directory, Tries()):
        tidy(tmp_path / "mirrors", Stop())
    assert packs(tmp_path) == before


def test_few_pieces_are_let_be(origin: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirrored(origin, tmp_path)
    monkeypatch.setattr(upkeep, "git", lambda *_arguments, **_options: pytest.fail("nothing is to be done"))
    tidy(tmp_path / "mirrors", Stop())
    tidy(tmp_path / "nowhere", Stop())


def test_upkeep_ends_when_the_worker_is_to_end(
    origin: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a failure of it is nobody's."""
    in_pieces(origin, tmp_path)
    before = packs(tmp_path)
    stop = Stop()
    stop.request(Status.CANCELLED, "the worker was stopped")
    tidy(tmp_path / "mirrors", stop)
    assert packs(tmp_path) == before


def test_who_waits_for_a_lock_gets_it_when_it_is_free(tmp_path: Path) -> None:
    got = threading.Event()

    def wait() -> None:
        with lock_of(tmp_path / "web", Tries()):
            got.set()

    with lock_of(tmp_path / "web", Tries()):
        thread = threading.Thread(target=wait)
        thread.start()
        assert not got.is_set()
    thread.join()
    assert got.is_set()
    stopped = Stop()
    stopped.request(Status.CANCELLED, "enough")
    with (
        lock_of(tmp_path / "web", Tries()),
        pytest.raises(SourceError, match="enough"),
        lock_of(tmp_path / "web", Tries(stop=stopped)),
    ):
        pass
