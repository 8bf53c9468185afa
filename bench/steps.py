"""What a step costs over its own work: ours against `docker run --rm`, paired in one run.

    python bench/steps.py [--steps 20] [--sleep 0.5] [--rounds 3] [--json]

A job of N steps of `sleep S` on our backend, from an empty engine to an empty engine, against N times
`docker run --rm` on the default bridge with one volume. Cost = (whole time - N * S) / N. Medians over the rounds.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pipelines.plan import PlannedJob, PlannedStep
from pipelines.status import Status
from runner.backend import Ticket
from runner.engine.containers import DockerBackend
from runner.execute import execute
from runner.results.artifacts import DirectoryArtifacts
from runner.scribe import Scribe
from runner.source.tarstream import tar_stream

ROOT = Path(__file__).parent.parent


def main() -> int:
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--sleep", type=float, default=0.5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engine", default="unix:///var/run/docker.sock")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    image = _busybox()
    backend = DockerBackend(options.engine)
    ours: list[float] = []
    theirs: list[float] = []
    _job(backend, image, 1, 0)  # the first job imports the sandbox's image
    for _ in range(options.rounds):
        whole = _seconds(lambda: _job(backend, image, options.steps, options.sleep))
        ours.append((whole - options.steps * options.sleep) / options.steps * 1000)
        whole = _seconds(lambda: _docker_run(image, options.steps, options.sleep))
        theirs.append((whole - options.steps * options.sleep) / options.steps * 1000)
    backend.close()
    _print(statistics.median(ours), statistics.median(theirs), options)
    return 0


def _print(ours: float, theirs: float, options: argparse.Namespace) -> None:
    if options.json:
        result = {"steps": options.steps, "sleep_seconds": options.sleep, "rounds": options.rounds}
        print(json.dumps({**result, "headrace_ms": ours, "docker_run_ms": theirs, "ratio": ours / theirs}))
        return
    print(
        f"{options.steps} steps of sleep {options.sleep}, median of {options.rounds} rounds, ms a step over the sleep"
    )
    print(f"  headrace, whole job     {ours:8.1f}")
    print(f"  docker run --rm         {theirs:8.1f}")
    print(f"  ratio                   {ours / theirs:8.2f}")


def _job(backend: DockerBackend, image: str, count: int, sleep: float) -> None:
    names = [f"step-{number}" for number in range(count)]
    steps = tuple(
        PlannedStep(name=name, image=image, commands=(f"sleep {sleep}",), depends_on=tuple(names[:place][-1:]))
        for place, name in enumerate(names)
    )
    job = PlannedJob(
        name="bench", workflow="bench", file="", workspace_base="/headrace", workspace="/headrace/src", steps=steps
    )
    with tempfile.TemporaryDirectory() as directory:
        status = execute(
            job,
            backend,
            Scribe("bench", lambda _record: None),
            ticket=Ticket(run="bench", job="bench"),
            tree=lambda: tar_stream([("bench.py", Path(__file__))]),
            artifacts=DirectoryArtifacts(Path(directory)),
        )
    assert status is Status.SUCCESS


def _docker_run(image: str, count: int, sleep: float) -> None:
    volume = subprocess.run(["docker", "volume", "create"], check=True, capture_output=True, text=True).stdout.strip()
    try:
        for _ in range(count):
            command = ["docker", "run", "--rm", "--volume", f"{volume}:/w", image, "sleep", str(sleep)]
            subprocess.run(command, check=True, capture_output=True)
    finally:
        subprocess.run(["docker", "volume", "rm", volume], check=True, capture_output=True)


def _busybox() -> str:
    command = [sys.executable, str(ROOT / "scripts" / "busybox_image.py")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
