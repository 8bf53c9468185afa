"""What a step costs over its own work: ours against `docker run --rm`, paired in one run.

    python bench/steps.py [--steps 20] [--sleep 0.5] [--rounds 5] [--json]

A job of N steps of `sleep S`, one after another, on our backend, against N times `docker run --rm` on the default
bridge with one volume. Two costs a step, each the median over the rounds:

- *whole*: all that isn't sleep, from an empty engine to an empty engine, over N;
- *marginal*: what a step more costs: the same for N steps less that for one step, over N - 1.
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
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engine", default="unix:///var/run/docker.sock")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = _measure(options.engine, options.steps, options.sleep, options.rounds)
    if options.json:
        given = {"steps": options.steps, "sleep_seconds": options.sleep, "rounds": options.rounds}
        print(json.dumps({**given, **figures}))
    else:
        print(f"{options.steps} steps of sleep {options.sleep}, median of {options.rounds} rounds, ms a step over it")
        for name, figure in figures.items():
            print(f"  {name:32} {figure:8.2f}")
    return 0


def _measure(engine: str, steps: int, sleep: float, rounds: int) -> dict[str, float]:
    image = busybox()
    backend = DockerBackend(engine)
    _job(backend, image, 1, 0)  # the first job imports the sandbox's image
    whole, marginal, theirs = [], [], []
    for _ in range(rounds):
        many = milliseconds(lambda: _job(backend, image, steps, sleep)) - steps * sleep * 1000
        one = milliseconds(lambda: _job(backend, image, 1, sleep)) - sleep * 1000
        docker = milliseconds(lambda: docker_run(image, steps, ["sleep", str(sleep)])) - steps * sleep * 1000
        whole.append(many / steps)
        marginal.append((many - one) / (steps - 1))
        theirs.append(docker / steps)
    backend.close()
    return {
        "headrace, whole job": statistics.median(whole),
        "headrace, one step more": statistics.median(marginal),
        "docker run --rm": statistics.median(theirs),
        "ratio of the whole job": _ratio(whole, theirs),
        "ratio of one step more": _ratio(marginal, theirs),
    }


def _ratio(ours: list[float], theirs: list[float]) -> float:
    """The median over the rounds: what a busy machine does to one round, it does to both of its halves."""
    return statistics.median(our / their for our, their in zip(ours, theirs, strict=True))


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


def docker_run(image: str, count: int, command: list[str]) -> None:
    """So many times `docker run --rm` of a command, one after another, with one volume."""
    volume = subprocess.run(["docker", "volume", "create"], check=True, capture_output=True, text=True).stdout.strip()
    try:
        for _ in range(count):
            arguments = ["docker", "run", "--rm", "--volume", f"{volume}:/w", image, *command]
            subprocess.run(arguments, check=True, capture_output=True)
    finally:
        subprocess.run(["docker", "volume", "rm", volume], check=True, capture_output=True)


def busybox() -> str:
    """The name of a busybox image on the engine."""
    command = [sys.executable, str(ROOT / "scripts" / "busybox_image.py")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def milliseconds(work: Callable[[], object]) -> float:
    """How long the work takes."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    sys.exit(main())
