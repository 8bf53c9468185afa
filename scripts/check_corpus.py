"""How much of a directory of real workflow files Headrace accepts, and what it refuses and why.

    python scripts/check_corpus.py DIRECTORY [--json] [--strict-keys]

Every `.yaml` and `.yml` below the directory is read as a `.woodpecker` file (with `--strict-keys` as a `.headrace` one)
and planned for a push to `main`, a pull request, a tag and a schedule, each by itself: its needs for other workflows
are not looked at. Each counts once, as clean, with warnings, or refused. Problems are grouped by kind, which is the
message without what it quotes. The exit code is 1 if a plan took over a second.
"""

import argparse
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from msgspec import structs

from pipelines.event import Event, EventKind, PullRequest, Repository
from pipelines.plan import Plan
from pipelines.planner import make_plan
from pipelines.problems import Level, Problem

_PUSH = Event(
    repository=Repository(owner="owner", name="name", forge="git.example.org", default_branch="main"),
    ref="refs/heads/main",
    branch="main",
    sha="0" * 40,
    message="A change",
    author="Ada",
    changed_files=("README.md",),
)
_EVENTS = (
    _PUSH,
    structs.replace(
        _PUSH,
        kind=EventKind.PULL_REQUEST,
        ref="refs/pull/1/head",
        pull_request=PullRequest(number=1, source_branch="topic", target_branch="main"),
    ),
    structs.replace(_PUSH, kind=EventKind.TAG, ref="refs/tags/v1.0.0", branch="", changed_files=()),
    structs.replace(_PUSH, kind=EventKind.CRON, cron="nightly", changed_files=()),
)
_TRUST = frozenset({"volumes", "security", "network"})
_TOO_SLOW_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file. `runs` are the events that give it a job, `seconds` the time for its slowest plan."""

    file: str
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    runs: tuple[str, ...]
    seconds: float


def main() -> int:
    """Look at every file, print totals, refusals by kind and the refused files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--json", action="store_true", help="all outcomes, a JSON object a line")
    parser.add_argument("--strict-keys", action="store_true", help="read them as .headrace files: unknown keys fail")
    options = parser.parse_args()
    paths = sorted(path for path in options.directory.rglob("*") if path.suffix in {".yaml", ".yml"} and path.is_file())
    place = ".headrace" if options.strict_keys else ".woodpecker"
    outcomes = [_outcome(path, options.directory, place) for path in paths]
    if options.json:
        for outcome in outcomes:
            print(json.dumps(asdict(outcome)))
    else:
        _print(outcomes)
    return 1 if any(outcome.seconds > _TOO_SLOW_SECONDS for outcome in outcomes) else 0


def _outcome(path: Path, root: Path, place: str) -> Outcome:
    files = {f"{place}/{path.name}": path.read_bytes()}
    timed = [_timed_plan(files, event) for event in _EVENTS]
    plans = [plan for plan, _ in timed]
    return Outcome(
        file=str(path.relative_to(root)),
        errors=_lines(plans, Level.ERROR),
        warnings=_lines(plans, Level.WARNING),
        runs=tuple(plan.event.kind.value for plan in plans if plan.included_jobs),
        seconds=max(seconds for _, seconds in timed),
    )


def _timed_plan(files: dict[str, bytes], event: Event) -> tuple[Plan, float]:
    began = time.perf_counter()
    plan = make_plan(files, event, trust=_TRUST)
    return plan, time.perf_counter() - began


def _lines(plans: Iterable[Plan], level: Level) -> tuple[str, ...]:
    problems = (problem for plan in plans for problem in plan.problems if problem.level is level)
    return tuple(dict.fromkeys(_line(problem) for problem in problems if not _is_about_other_files(problem)))


def _is_about_other_files(problem: Problem) -> bool:
    return "there is no workflow" in problem.message


def _line(problem: Problem) -> str:
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"{problem.line}:{problem.column}: {problem.message}{hint}"


def _print(outcomes: list[Outcome]) -> None:
    refused = [outcome for outcome in outcomes if outcome.errors]
    warned = [outcome for outcome in outcomes if outcome.warnings and not outcome.errors]
    accepted = len(outcomes) - len(refused)
    print(f"{len(outcomes)} files: {accepted} accepted ({_percent(accepted, len(outcomes))}), ", end="")
    print(f"{len(warned)} of them with warnings, {len(refused)} refused")
    runs = Counter(event for outcome in outcomes for event in outcome.runs)
    print("with a job to run:", ", ".join(f"{event.kind} {runs[event.kind]}" for event in _EVENTS))
    print(f"slowest: {max((outcome.seconds for outcome in outcomes), default=0) * 1000:.0f} ms\n")
    _print_kinds("Refusals by kind, and in how many files:", (outcome.errors for outcome in outcomes))
    _print_kinds("Warnings by kind, and in how many files:", (outcome.warnings for outcome in outcomes))
    for outcome in refused:
        print(outcome.file)
        for error in outcome.errors:
            print(f"    {error}")


def _print_kinds(heading: str, lines: Iterable[tuple[str, ...]]) -> None:
    kinds = Counter(kind for each in lines for kind in {_kind(line) for line in each})
    print(heading)
    for kind, count in kinds.most_common():
        print(f"{count:6}  {kind}")
    print()


def _kind(line: str) -> str:
    """The message without its place, hint and what it quotes."""
    message = re.sub(r" \(.*\)$", "", line.split(": ", 1)[1])
    return re.sub(r'"[^"]*"|`[^`]*[.\[][^`]*`|\d+', "…", message)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "none"


if __name__ == "__main__":
    sys.exit(main())
