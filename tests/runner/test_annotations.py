"""Annotations: problems as GitHub's and GitLab's own tools read them."""

import json

import msgspec

from pipelines.problems import Level, Problem
from runner.annotations import github, gitlab

SLIP = Problem(file=".headrace/a.yaml", line=3, column=5, path="steps.a", message="no such key", hint="write `when`")


def test_github_gets_a_workflow_command_a_problem() -> None:
    warning = msgspec.structs.replace(SLIP, level=Level.WARNING, hint="")
    assert list(github([SLIP, warning])) == [
        "::error file=.headrace/a.yaml,line=3,col=5::no such key (write `when`)",
        "::warning file=.headrace/a.yaml,line=3,col=5::no such key",
    ]


def test_nothing_in_a_file_can_end_a_github_command_and_begin_another() -> None:
    """GitHub undoes these escapes: https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts."""
    odd = msgspec.structs.replace(SLIP, file="a,b:c%\n.yaml", message="50% off\n::set-env name=A::b", hint="")
    (line,) = github([odd])
    assert "\n" not in line
    assert line.startswith("::error file=a%2Cb%3Ac%25%0A.yaml,line=3,col=5::50%25 off")


def findings(*problems: Problem) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(gitlab(problems))
    return found


def test_gitlab_gets_a_code_quality_report() -> None:
    (finding,) = findings(SLIP)
    assert len(str(finding.pop("fingerprint"))) == 64
    assert finding == {
        "description": "no such key (write `when`)",
        "check_name": "headrace lint",
        "severity": "major",
        "location": {
            "path": ".headrace/a.yaml",
            "positions": {"begin": {"line": 3, "column": 5}},
            "lines": {"begin": 3},
        },
    }


def test_warning_is_minor_to_gitlab() -> None:
    assert findings(msgspec.structs.replace(SLIP, level=Level.WARNING))[0]["severity"] == "minor"


def test_report_without_problems_is_an_empty_list() -> None:
    assert findings() == []


def test_finding_stays_the_same_when_its_line_moves() -> None:
    """Otherwise a merge request that adds a line on top would seem to mend every problem and to add it again."""
    moved = msgspec.structs.replace(SLIP, line=9, column=1)
    assert findings(SLIP)[0]["fingerprint"] == findings(moved)[0]["fingerprint"]


def test_findings_that_are_alike_are_told_apart() -> None:
    """GitLab shows one of those with the same fingerprint."""
    twice = findings(SLIP, msgspec.structs.replace(SLIP, line=9))
    assert twice[0]["fingerprint"] != twice[1]["fingerprint"]
