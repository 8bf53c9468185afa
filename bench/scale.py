"""What a step costs in long jobs: the same in a job of ten and of a thousand, in time and in memory.

    python bench/scale.py [--sizes 10 100 1000] [--rounds 5] [--together] [--engine URL] [--json]

Jobs of so many trivial steps, one after another or all at once (`--together`), kept as a local run is kept, each in a
process of its own. The time a step is the job's, less that of a job with one step. The memory a step is how much more
the process held at most than that of the smallest job. Medians over the rounds; each round has all sizes.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from steps import busybox, milliseconds

from pipelines.plan import PlannedJob, PlannedStep
from pipelines.status import Status
from runner.backend import Ticket
from runner.engine.containers import DockerBackend
from runner.execute import execute
from runner.results.history import LocalHistory
from runner.scribe import Scribe
from runner.source.tarstream import tar_stream


def main() -> int:
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engine", default="unix:///var/run/docker.sock")
    parser.add_argument("--together", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)  # a job in a process of its own
    options = parser.parse_args()
    if options.one:
        print(json.dumps(_job(options.engine, busybox(), options.one, together=options.together)))
        return 0
    figures = _measure(options.engine, options.sizes, options.rounds, together=options.together)
    if options.json:
        print(json.dumps({"rounds": options.rounds, "sizes": figures}))
        return 0
    print(f"trivial steps in one job, median of {options.rounds} rounds")
    for size, (ms, kib) in figures.items():
        print(f"  {size:6} steps  {ms:8.1f} ms a step  {kib:8.1f} KiB a step")
    return 0


def _measure(engine: str, sizes: list[int], rounds: int, *, together: bool) -> dict[int, tuple[float, float]]:
    """For each size, milliseconds and KiB a step."""
    costs: dict[int, list[tuple[float, float]]] = {size: [] for size in sizes}
    for _ in range(rounds):
        one_ms, _ = _apart(engine, 1, together=together)
        figures = {size: _apart(engine, size, together=together) for size in sizes}
        least = min(sizes)
        for size, (ms, kib) in figures.items():
            costs[size].append(((ms - one_ms) / (size - 1), (kib - figures[least][1]) / max(1, size - least)))
    return {size: (_median(each, 0), _median(each, 1)) for size, each in costs.items()}


def _median(costs: list[tuple[float, float]], place: int) -> float:
    return statistics.median(cost[place] for cost in costs)


def _apart(engine: str, size: int, *, together: bool) -> tuple[float, float]:
    """A job's milliseconds, and the most KiB that its process held."""
    command = [sys.executable, __file__, "--one", str(size), "--engine", engine, *["--together"] * together]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    ms, kib = json.loads(answer.stdout)
    return ms, kib


def _job(engine: str, image: str, size: int, *, together: bool) -> tuple[float, float]:
    names = [f"step-{number}" for number in range(size)]
    steps = tuple(
        PlannedStep(
            name=name, image=image, commands=("true",), depends_on=tuple(() if together else names[:place][-1:])
        )
        for place, name in enumerate(names)
    )
    job = PlannedJob(
        name="bench", workflow="bench", file="", workspace_base="/headrace", workspace="/headrace/src", steps=steps
    )
    with (
        tempfile.TemporaryDirectory() as directory,
        closing(LocalHistory(Path(directory), "bench")) as history,
        closing(DockerBackend(engine)) as backend,
    ):
        took = milliseconds(lambda: _execute(job, backend, history))
    return took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _execute(job: PlannedJob, backend: DockerBackend, history: LocalHistory) -> None:
    status = execute(
        job,
        backend,
        Scribe("bench", history),
        ticket=Ticket(run="bench", job="bench"),
        tree=lambda: tar_stream([("bench.py", Path(__file__))]),
        artifacts=history.artifacts,
    )
    assert status is Status.SUCCESS


if __name__ == "__main__":
    sys.exit(main())
