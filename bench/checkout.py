"""What a checkout costs: a warm mirror into a job's workspace against `git clone --shared`, paired in one run.

    python bench/checkout.py [--megabytes 500] [--files 5000] [--random 0.25] [--rounds 5] [--json]

The repository is made for it: a first commit of all files, a quarter of whose bytes are random, so that they compress
as source code does (`--random` is that share), and more commits that each change a hundredth of the files. How large
the last commit's files are is `--megabytes`. Ours fills a volume through the engine, as a worker does, timed until the
engine has unpacked all of it, with a `.git` that needs no mirror; theirs writes to a directory on this machine and
leaves the objects in the mirror. Both find the mirror in the system's cache; before each, what was written is synced.
All is kept until the last round has ended: a file system such as ext4 gives out no inode that was deleted in the last
minutes, and looking for others among thousands of those would take longer than what is measured.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

from pipelines.event import Event, Repository
from runner.engine.client import Engine
from runner.engine.ground import spare_files
from runner.engine.sandbox import sandbox_image
from runner.engine.spec import FILES_AT, Place, files_options
from runner.engine.workspace import fill
from runner.source.mirror import Mirror
from runner.source.mirrors import fetched
from runner.source.tree import commit_streams
from runner.stop import Stop

_WORKSPACE = f"{FILES_AT}/src/bench"
_COMMITS = 20
_LABEL = {"headrace.bench": "checkout"}


def main() -> int:
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--random", type=float, default=0.25)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engine", default="unix:///var/run/docker.sock")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headrace-bench-", ignore_cleanup_errors=True) as directory:
        origin = Path(directory) / "origin"
        sha = make_repository(origin, options.megabytes, options.files, options.random)
        figures = _measure(Path(directory), origin, sha, options.engine, options.rounds)
    if options.json:
        print(json.dumps({"megabytes": options.megabytes, "files": options.files, **figures}))
    else:
        print(f"{options.megabytes} MB in {options.files} files, median of {options.rounds} rounds")
        for name, figure in figures.items():
            print(f"  {name:32} {figure:8.2f}")
    return 0


def make_repository(path: Path, megabytes: int, files: int, share: float) -> str:
    """A repository as the head of this file tells; gives its last commit."""
    path.mkdir()
    _git(path, "init", "--quiet", "--initial-branch=main")
    chance = random.Random(1)  # noqa: S311 - the same repository each time
    size = megabytes * 1_000_000 // files
    for commit in range(_COMMITS):
        changed = range(files) if commit == 0 else chance.sample(range(files), max(1, files // 100))
        for number in changed:
            file = path / f"d{number % 50}" / f"e{number % 7}" / f"file{number}"
            file.parent.mkdir(parents=True, exist_ok=True)
            unlike = chance.randbytes(int(size * share))
            file.write_bytes(unlike + unlike[:100] * ((size - len(unlike)) // 100))
        _git(path, "add", "--all")
        _git(path, "-c", "user.name=b", "-c", "user.email=b@example.org", "commit", "--quiet", "--message", str(commit))
    _git(path, "repack", "-a", "-d", "--quiet")
    return _git(path, "rev-parse", "HEAD")


def _measure(directory: Path, origin: Path, sha: str, engine_url: str, rounds: int) -> dict[str, float]:
    event = Event(repository=Repository(clone_url=str(origin)), sha=sha, ref="refs/heads/main", branch="main")
    mirror = fetched(directory / "mirrors", event)
    ours, theirs = [], []
    with closing(Engine(engine_url)) as engine, ExitStack() as kept:
        for number in range(rounds):
            ours.append(_ours(engine, mirror, *kept.enter_context(_workspace(engine, number))))
            theirs.append(_theirs(mirror.directory, directory / f"clone{number}"))
    return {
        "headrace, s": statistics.median(ours),
        "git clone --shared, s": statistics.median(theirs),
        "ratio": statistics.median(our / their for our, their in zip(ours, theirs, strict=True)),
    }


def _ours(engine: Engine, mirror: Mirror, place: Place, container: str) -> float:
    tree, image = partial(commit_streams, mirror), sandbox_image(engine, engine.info().architecture)
    spare = partial(spare_files, engine, image, place, f"{place.volume}-spare")
    fill_it = partial(fill, base=FILES_AT, workspace=_WORKSPACE, tree=tree, stop=Stop(), spare=spare)
    return seconds(lambda: fill_it(engine, container))


@contextmanager
def _workspace(engine: Engine, number: int) -> Iterator[tuple[Place, str]]:
    """An empty volume and a container that has it, gone afterwards."""
    name = f"headrace-bench-{os.getpid()}-{number}"
    place = Place(volume=name, shim_volume=f"{name}-shim", network="none", labels=_LABEL)
    for volume in (place.volume, place.shim_volume):
        engine.create_volume(volume, _LABEL)
    container = engine.create_container(files_options(sandbox_image(engine, engine.info().architecture), place), name)
    try:
        yield place, container
    finally:
        engine.remove_container(container)
        for volume in (place.volume, place.shim_volume):
            engine.remove_volume(volume)


def _theirs(mirror: Path, clone: Path) -> float:
    command = ["git", "clone", "--quiet", "--shared", "--branch=main", str(mirror), str(clone)]
    return seconds(lambda: subprocess.run(command, check=True))


def _git(directory: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=directory, check=True, capture_output=True, text=True).stdout.strip()


def seconds(work: Callable[[], object]) -> float:
    """How long the work takes."""
    os.sync()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
