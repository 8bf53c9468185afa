"""What the language costs: `headrace lint` and `--version` as whole processes, planning and hostile files in process.

    python bench/language.py [--rounds 5] [--json]

Of the rounds the quickest counts, since other work on the machine only ever slows one down. Processes are measured by
the clock, what runs in process by the processor's time.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from pipelines.event import Event
from pipelines.planner import make_plan
from pipelines.reading.document import MAX_BYTES
from tests.pipelines.hostile import EVENT, SHAPES

ROOT = Path(__file__).parent.parent
PROGRAM = str(Path(sys.executable).parent / "headrace")
WORKFLOWS, STEPS = 200, 20
_SIZES = (20, 60, 250, 500, 1_000, 2_500, 5_000, 10_000, 100_000)

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Result:
    """A time and the goal that it should stay below, in seconds."""

    what: str
    seconds: float
    goal_seconds: float


def main() -> int:
    """Measure, print a table. The exit code is 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = list(_results(options.rounds))
    if options.json:
        print(json.dumps([asdict(result) for result in results]))
    else:
        for result in results:
            verdict = "" if result.seconds <= result.goal_seconds else "   missed"
            print(
                f"{result.what:<44} {result.seconds * 1000:8.0f} ms   goal {result.goal_seconds * 1000:5.0f}{verdict}"
            )
    return 1 if any(result.seconds > result.goal_seconds for result in results) else 0


def _results(rounds: int) -> list[Result]:
    example = ROOT / "pipelines/examples/go.yaml"
    expression = ROOT / "pipelines/examples/deploy.yaml"
    workflows = {f".headrace/w{number}.yaml": _workflow(number) for number in range(WORKFLOWS)}
    return [
        Result("headrace --version", _process(rounds, "--version"), 0.15),
        Result("headrace lint, one file", _process(rounds, "lint", str(example)), 0.4),
        Result("headrace lint, one file with `evaluate`", _process(rounds, "lint", str(expression)), 0.4),
        Result(f"plan {WORKFLOWS} workflows x {STEPS} steps", _best(rounds, lambda: _plan(workflows)), 1.0),
        *_hostile(min(rounds, 2)),
    ]


def _plan(workflows: dict[str, bytes]) -> None:
    plan = make_plan(workflows, Event(ref="refs/heads/main", branch="main", sha="0" * 40))
    assert len(plan.included_jobs) == WORKFLOWS, plan.why_not


def _workflow(number: int) -> bytes:
    """As teams write them: conditions, variables and a graph, nothing that is skipped at once."""
    return f"""\
when: [{{event: push, branch: [main, 'release/**']}}, {{event: tag}}]
environment: {{N: '{number}'}}
steps:
{"".join(_step(step) for step in range(STEPS))}""".encode()


def _step(number: int) -> str:
    return f"""\
  step-{number}:
    image: golang:1.26
    commands: [go vet ./..., 'echo ${{CI_COMMIT_SHA:0:8}}']
    environment: {{STEP: '{number}', REF: '${{CI_COMMIT_REF}}'}}
    when: {{event: [push, tag], path: {{exclude: 'docs/**'}}}}
    depends_on: [{f"step-{number - 1}" if number % 4 else ""}]
"""


def _hostile(rounds: int) -> Iterator[Result]:
    """The processor's time for each shape, at the size at which it is the longest: those that are refused are quick."""
    for name, shape in SHAPES.items():
        texts = [text for size in _SIZES if len(text := shape(size).encode()) <= MAX_BYTES]
        yield Result(f"hostile: {name}", max(_best(rounds, partial(_answer, text)) for text in texts), 0.1)


def _answer(text: bytes) -> None:
    make_plan({".headrace/hostile.yaml": text}, EVENT)


def _process(rounds: int, *arguments: str) -> float:
    command = [PROGRAM, *arguments]
    run = partial(subprocess.run, command, check=True, capture_output=True, cwd=ROOT)
    return _best(rounds, run, clock=time.perf_counter)


def _best(rounds: int, work: Callable[[], object], clock: Clock = time.process_time) -> float:
    return min(_seconds(work, clock) for _ in range(rounds))


def _seconds(work: Callable[[], object], clock: Clock) -> float:
    began = clock()
    work()
    return clock() - began


if __name__ == "__main__":
    sys.exit(main())
