"""Annotations: problems in the forms that forges show beside a change, GitHub's and GitLab's."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from pipelines.nodes import printable
from pipelines.problems import Level, Problem

_CHECK_NAME = "headrace lint"
_SEVERITIES = {Level.ERROR: "major", Level.WARNING: "minor"}


def github(problems: Iterable[Problem]) -> Iterator[str]:
    """A workflow command a problem, such as `::error file=a.yaml,line=3,col=5::message`, for a step's output."""
    for problem in problems:
        place = f"file={_property(problem.file)},line={problem.line},col={problem.column}"
        yield f"::{problem.level} {place}::{_data(_description(problem))}"


def gitlab(problems: Iterable[Problem]) -> bytes:
    """A Code Quality report: a JSON list, to be kept as the artifact `codequality`."""
    seen: Counter[str] = Counter()
    return msgspec.json.encode([_finding(problem, seen) for problem in problems])


def _finding(problem: Problem, seen: Counter[str]) -> dict[str, object]:
    return {
        "description": _description(problem),
        "check_name": _CHECK_NAME,
        "fingerprint": _fingerprint(problem, seen),
        "severity": _SEVERITIES[problem.level],
        "location": {
            "path": problem.file,
            "positions": {"begin": {"line": problem.line, "column": problem.column}},
            "lines": {"begin": problem.line},
        },
    }


def _fingerprint(problem: Problem, seen: Counter[str]) -> str:
    """The same for the same problem when it moves to another line; another for each of several that are alike."""
    what = f"{problem.file}\0{problem.path}\0{problem.message}"
    seen[what] += 1
    return hashlib.sha256(f"{what}\0{seen[what]}".encode("utf-8", "surrogateescape")).hexdigest()


def _description(problem: Problem) -> str:
    hint = f" ({problem.hint})" if problem.hint else ""
    return printable(problem.message + hint)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
