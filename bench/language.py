"""What the language costs: `headrace lint` and `--version` as whole processes, planning and hostile files in process.

    python bench/language.py [--rounds 5] [--json]

The smallest of the rounds counts for processes, which other work on the machine only ever slows down.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.event import Event
from pipelines.planner import make_plan
from pipelines.validate import read_workflow

ROOT = Path(__file__).parent.parent
PROGRAM = str(Path(sys.executable).parent / "headrace")
WORKFLOWS, STEPS = 200, 20


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
        *(
            Result(f"hostile: {name}", _best(rounds, lambda text=text: _read(text)), 0.1)
            for name, text in _hostile().items()
        ),
    ]


def _plan(workflows: dict[str, bytes]) -> None:
    plan = make_plan(workflows, Event(ref="refs/heads/main", branch="main", sha="0" * 40))
    assert len(plan.included_jobs) == WORKFLOWS, plan.why_not


def _read(text: bytes) -> None:
    read_workflow(text, ".headrace/hostile.yaml")


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


def _hostile() -> dict[str, bytes]:
    laughs = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20))
    globs = ", ".join(f'"{"*a" * 20}{number}"' for number in range(400))
    return {
        "a billion laughs": f"a0: &a0 lol\n{laughs}\nsteps: *a19".encode(),
        "deep nesting": b"steps: " + b"[" * 50_000,
        "a megabyte of one key": b"steps: {a: {image: x, " + b"k: 1, " * 160_000 + b"}}",
        "many globs": f"when: {{branch: [{globs}]}}\nsteps: {{a: {{image: x}}}}".encode(),
        "many substitutions": b"steps: {a: {image: x, directory: '" + b"${A:-" * 20_000 + b"}" * 20_000 + b"'}}",
        "a deep expression": b"steps: {a: {image: x, when: {evaluate: '" + b"(" * 20_000 + b")" * 20_000 + b"'}}}",
    }


def _process(rounds: int, *arguments: str) -> float:
    command = [PROGRAM, *arguments]
    return _best(rounds, lambda: subprocess.run(command, check=True, capture_output=True, cwd=ROOT))


def _best(rounds: int, work: Callable[[], object]) -> float:
    return min(_seconds(work) for _ in range(rounds))


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
