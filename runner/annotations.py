"""Annotations: problems in the forms that forges show beside a change, GitHub's and GitLab's.

A forge shows only what is in a file of the change's own repository. So a problem of another repository's file is placed
where one of ours includes that file, and says itself where it is: `brought` has those places by the files' names.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import msgspec

from pipelines.nodes import Position, printable
from pipelines.problems import Level, Problem

_CHECK_NAME = "headrace lint"
_SEVERITIES = {Level.ERROR: "major", Level.WARNING: "minor"}
_NOTHING: Mapping[str, Position] = MappingProxyType({})


def github(problems: Iterable[Problem], brought: Mapping[str, Position] = _NOTHING) -> Iterator[str]:
    """A workflow command a problem, such as `::error file=a.yaml,line=3,col=5::message`, for a step's output."""
    for problem in problems:
        line, column, file = _place(problem, brought)
        place = f"file={_property(file)},line={line},col={column}"
        yield f"::{problem.level} {place}::{_data(_description(problem, brought))}"


def gitlab(problems: Iterable[Problem], brought: Mapping[str, Position] = _NOTHING) -> bytes:
    """A Code Quality report: a JSON list, to be kept as the artifact `codequality`."""
    seen: Counter[str] = Counter()
    return msgspec.json.encode([_finding(problem, brought, seen) for problem in problems])


def _finding(problem: Problem, brought: Mapping[str, Position], seen: Counter[str]) -> dict[str, object]:
    line, column, file = _place(problem, brought)
    return {
        "description": _description(problem, brought),
        "check_name": _CHECK_NAME,
        "fingerprint": _fingerprint(problem, seen),
        "severity": _SEVERITIES[problem.level],
        "location": {
            "path": file,
            "positions": {"begin": {"line": line, "column": column}},
            "lines": {"begin": line},
        },
    }


def _fingerprint(problem: Problem, seen: Counter[str]) -> str:
    """The same for the same problem when it moves to another line; another for each of several that are alike."""
    what = f"{problem.file}\0{problem.path}\0{problem.message}"
    seen[what] += 1
    return hashlib.sha256(f"{what}\0{seen[what]}".encode("utf-8", "surrogateescape")).hexdigest()


def _place(problem: Problem, brought: Mapping[str, Position]) -> Position:
    return brought.get(problem.file) or Position(problem.line, problem.column, problem.file)


def _description(problem: Problem, brought: Mapping[str, Position]) -> str:
    where = f"{problem.file}:{problem.line}:{problem.column}: " if problem.file in brought else ""
    hint = f" ({problem.hint})" if problem.hint else ""
    return printable(where + problem.message + hint)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
