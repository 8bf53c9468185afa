"""What a checkout costs: a repository from a warm mirror into a job's workspace, against `git clone --shared`.

    python bench/checkout.py [--megabytes 500] [--files 5000] [--rounds 5] [--engine URL] [--json]

Seconds, paired in one run, medians over the rounds. The mirror holds the commit, so nothing is fetched. Ours is what
opening a job takes with this tree in its workspace, a volume of the engine, less what it takes with an empty one;
`git clone --shared` of the same mirror writes to this machine's disk. What either has written is brought to the disk
before the other begins.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from pipelines.event import Event, Repository
from pipelines.plan import PlannedJob
from runner.backend import Ticket, Tree
from runner.engine.containers import DockerBackend
from runner.source.mirror import Mirror, fetched
from runner.source.tarstream import tar_stream
from runner.stop import Stop

MEGABYTE = 1_000_000
JOB = PlannedJob(name="bench", workflow="bench", file="", workspace_base="/headrace", workspace="/headrace/src")


def main() -> int:
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engine", default="unix:///var/run/docker.sock")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, closing(DockerBackend(options.engine)) as backend:
        root = Path(directory)
        mirror, bare = _mirror(root, _repository(root / "origin", options.megabytes, options.files))
        figures = _measure(backend, mirror, bare, root / "clone", options.rounds)
    if options.json:
        print(json.dumps({"megabytes": options.megabytes, "files": options.files, **figures}))
        return 0
    print(f"{options.megabytes} MB in {options.files} files, median of {options.rounds} rounds, seconds")
    for name, figure in figures.items():
        print(f"  {name:32} {figure:8.2f}")
    return 0


def _measure(backend: DockerBackend, mirror: Mirror, bare: Path, clone: Path, rounds: int) -> dict[str, float]:
    _open(backend, _empty)  # the first job imports the sandbox's image
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(_open(backend, mirror.tree) - _open(backend, _empty))
        theirs.append(_seconds(lambda: _clone(bare, clone)))
        shutil.rmtree(clone)
    return {
        "into the workspace": statistics.median(ours),
        "git clone --shared": statistics.median(theirs),
        "ratio": statistics.median(our / their for our, their in zip(ours, theirs, strict=True)),
    }


def _open(backend: DockerBackend, tree: Tree) -> float:
    """How long it takes to open a job with this tree in its workspace."""
    os.sync()
    began = time.perf_counter()
    with closing(backend.open(JOB, Ticket(run="bench", job="bench"), tree, Stop())) as site:
        site.wait_until_open()
        return time.perf_counter() - began


def _empty() -> Iterator[bytes]:
    return tar_stream([])


def _clone(bare: Path, directory: Path) -> None:
    subprocess.run(["git", "clone", "--quiet", "--shared", str(bare), str(directory)], check=True)


def _repository(directory: Path, megabytes: int, files: int) -> str:
    """A repository with one commit of so many files; the commit. The text is code's kind: it packs to a fifth."""
    chosen = random.Random(1)  # noqa: S311 - the same text each time
    words = [chosen.randbytes(chosen.randint(1, 5)).hex() for _ in range(4000)]
    for number in range(files):
        path = directory / f"{number % 50:02}" / f"{number % 1000 // 50:02}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        size = megabytes * MEGABYTE // files
        text = " ".join(chosen.choices(words, k=200))
        path.write_text("\n".join(f"{line} {text}" for line in range(size // len(text) + 1))[:size])
    for arguments in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["add", "--all"],
        ["-c", "user.name=bench", "-c", "user.email=bench@git.example", "commit", "--quiet", "--message", "bench"],
    ):
        subprocess.run(["git", *arguments], cwd=directory, check=True)
    answer = subprocess.run(["git", "rev-parse", "HEAD"], cwd=directory, check=True, capture_output=True, text=True)
    return answer.stdout.strip()


def _mirror(root: Path, commit: str) -> tuple[Mirror, Path]:
    """A mirror that holds the commit, and its directory, which also has a branch for a clone to check out."""
    origin = root / "origin"
    event = Event(repository=Repository(clone_url=origin.as_uri()), sha=commit, ref="refs/heads/main", branch="main")
    mirror = fetched(root / "mirrors", event)
    [bare] = [path for path in (root / "mirrors").iterdir() if path.is_dir()]
    subprocess.run(["git", "symbolic-ref", "HEAD", "refs/heads/main"], cwd=bare, check=True)
    shutil.rmtree(origin)
    return mirror, bare


def _seconds(work: Callable[[], None]) -> float:
    os.sync()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
