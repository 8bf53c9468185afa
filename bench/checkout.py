"""What a checkout costs: a warm mirror into a job's workspace against `git clone --shared`, paired in one run.

    python bench/checkout.py [--megabytes 500] [--files 5000] [--random 0.25] [--rounds 5] [--json]

The repository is made for it: a first commit of all files, a quarter of whose bytes are random, so that they compress
as source code does (`--random` is that share), and more commits that each change a hundredth of the files. How large
the last commit's files are is `--megabytes`. Ours fills a volume as a worker does, with a `.git` that needs no mirror:
written where the volume lies, if that is here, and as streams through the engine, until all of it is unpacked; theirs
writes to a directory on this machine and leaves the objects in the mirror. All find the mirror in the system's cache.
What would fall to one side and not to the other is kept away: who comes first changes with each round; before each,
what was written is synced, and as much memory as it will take is used and given back, because a virtual machine's host
gives it memory only when that is first used, which takes longer than the rest. All is kept until the last round has
ended: a file system such as ext4 gives out no inode that was deleted in the last minutes, and looking for others among
thousands of those takes long, too.
"""

import argparse
import json
import mmap
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
from runner.engine.filling import Here, Volume, fill
from runner.engine.ground import spare_files
from runner.engine.sandbox import FILES_AT, sandbox_image
from runner.engine.spec import Place, files_options
from runner.engine.volumedirectory import volume_directory
from runner.source.mirror import Mirror
from runner.source.mirrors import fetched
from runner.source.tree import commit_streams
from runner.stop import Stop

_WORKSPACE = f"{FILES_AT}/src/bench"
_COMMITS = 20
_MEMORY = 4  # times what the files take: they are read from the mirror, written and packed
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
        figures = _measure(Path(directory), origin, sha, options)
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


def _measure(directory: Path, origin: Path, sha: str, options: argparse.Namespace) -> dict[str, float]:
    event = Event(repository=Repository(clone_url=str(origin)), sha=sha, ref="refs/heads/main", branch="main")
    mirror = fetched(directory / "mirrors", event)
    times: dict[str, list[float]] = {"headrace, s": [], "headrace by streams, s": [], "git clone --shared, s": []}
    with closing(Engine(options.engine)) as engine, ExitStack() as kept:
        for number in range(options.rounds):
            written, streamed = (kept.enter_context(_workspace(engine, f"{number}{way}")) for way in ("", "s"))
            work = [
                _ours(engine, mirror, *written),
                _ours(engine, mirror, *streamed, here=lambda: None),
                _theirs(mirror.directory, directory / f"clone{number}"),
            ]
            sides = list(zip(times.values(), work, strict=True))
            for found, side in sides[number % 3 :] + sides[: number % 3]:
                _use_memory(_MEMORY * options.megabytes * 1_000_000)
                found.append(seconds(side))
    ours, streams, theirs = times.values()
    medians = {name: statistics.median(found) for name, found in times.items()}
    return {**medians, "ratio": _ratio(ours, theirs), "ratio by streams": _ratio(streams, theirs)}


def _ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of the rounds' own ratios."""
    return statistics.median(our / their for our, their in zip(ours, theirs, strict=True))


def _use_memory(size_bytes: int) -> None:
    """Use so much memory, and give it back."""
    with mmap.mmap(-1, size_bytes) as memory:
        for page in range(0, size_bytes, mmap.PAGESIZE):
            memory[page] = 1


def _ours(
    engine: Engine, mirror: Mirror, place: Place, container: str, *, here: Here | None = None
) -> Callable[[], object]:
    tree, image = partial(commit_streams, mirror), sandbox_image(engine, engine.info().architecture)
    spare = partial(spare_files, engine, image, place, f"{place.volume}-spare")
    here = here or partial(volume_directory, engine, place.volume)
    volume = Volume(engine=engine, container=container, base=FILES_AT, spare=spare, here=here)
    return lambda: fill(volume, workspace=_WORKSPACE, tree=tree, stop=Stop())


@contextmanager
def _workspace(engine: Engine, number: str) -> Iterator[tuple[Place, str]]:
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


def _theirs(mirror: Path, clone: Path) -> Callable[[], object]:
    command = ["git", "clone", "--quiet", "--shared", "--branch=main", str(mirror), str(clone)]
    return lambda: subprocess.run(command, check=True)


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
