"""Golden plans: `tests/golden/NAME.yaml` gives the plan of `NAME.json`, which is written by hand from the rules.

The JSON has the Plan's shape, with the `event` to plan for and the planner's `options`. A line `# file: PATH` in the
YAML starts another file, which is a workflow or one to include; without it the file is `.headrace/NAME.yaml`.

What a golden plan leaves out has its default, save where it speaks for itself: reasons, types, the workspace and the
wording of problems are compared where they are written. Of `variables` those written are, and `null` means not set.
Which keys have no effect yet is not of the language, and left out.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipelines.event import Event
from pipelines.files import workflow_name, workflow_paths
from pipelines.plan import Plan, PlannedJob, decode, encode
from pipelines.planner import make_plan
from pipelines.reading.library import Library

GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.yaml"))
OF_JOBS = ("workflow", "file", "reason", "workspace", "workspace_base", "variables")
OF_STEPS = ("reason", "type")
OF_PROBLEMS = ("file", "path", "message", "hint", "line", "column")
IDLE = re.compile("has no effect (yet|in a local run)")


@dataclass(frozen=True, slots=True)
class Golden:
    """One pair of files, read."""

    plan: Plan
    expected: dict[str, Any]


@pytest.fixture(scope="module", params=NAMES)
def golden(request: pytest.FixtureRequest) -> Golden:
    """Each golden plan in turn, with what the planner makes of its workflows."""
    name: str = request.param
    expected = json.loads((GOLDEN / f"{name}.json").read_bytes())
    files = texts_of(name)
    workflows = {path: files.pop(path) for path in workflow_paths(files)}
    event = msgspec.convert(expected["event"], type=Event)
    return Golden(make_plan(workflows, event, **options_of(expected, includable=files)), expected)


def texts_of(name: str) -> dict[str, bytes]:
    """The files of a golden plan; the header of each stays a comment, so that lines count from it."""
    text = (GOLDEN / f"{name}.yaml").read_text()
    parts = re.split(r"^(?=# file: )", text, flags=re.MULTILINE)
    headers = [(part, re.match(r"# file: (\S+)", part)) for part in parts if part]
    return {header[1] if header else f".headrace/{name}.yaml": part.encode() for part, header in headers}


def options_of(expected: Mapping[str, Any], *, includable: Mapping[str, bytes]) -> dict[str, Any]:
    options = {**expected.get("options", {}), "library": Library(files=includable)}
    if "trust" in options:
        options["trust"] = frozenset(options["trust"])
    return {name: value for name, value in options.items() if value}


def test_there_are_golden_plans() -> None:
    assert len(NAMES) >= 60


def test_problems_are_as_written(golden: Golden) -> None:
    written = [{"level": "error", **problem} for problem in golden.expected.get("problems", [])]
    found: list[dict[str, Any]] = plain([each for each in golden.plan.problems if not IDLE.search(each.message)])
    compared = [as_far_as_written(each, other, OF_PROBLEMS) for each, other in zip(found, written, strict=False)]
    assert [*compared, *found[len(written) :]] == written


def test_jobs_are_as_written(golden: Golden) -> None:
    written: list[dict[str, Any]] = golden.expected.get("jobs", [])
    assert [job.name for job in golden.plan.jobs] == [job["name"] for job in written]
    for job, other in zip(golden.plan.jobs, written, strict=True):
        assert found_job(job, other) == written_job(other)


def test_plan_survives_its_json(golden: Golden) -> None:
    assert decode(encode(golden.plan)) == golden.plan


def found_job(job: PlannedJob, written: dict[str, Any]) -> dict[str, Any]:
    found = as_far_as_written(plain(job), written, OF_JOBS)
    if "variables" in written:
        found["variables"] = {name: job.variables.get(name) for name in written["variables"]}
    return with_steps(found, written)


def written_job(written: dict[str, Any]) -> dict[str, Any]:
    """With all the defaults, so that what is not written and not the default is a difference."""
    needed = {"workflow": written["name"], "file": "", "workspace": "", "workspace_base": ""}
    job = msgspec.convert({**needed, **written, "variables": {}}, type=PlannedJob)
    complete = {**plain(job), "variables": written.get("variables", {})}
    return with_steps(as_far_as_written(complete, written, OF_JOBS), written)


def with_steps(job: dict[str, Any], written: dict[str, Any]) -> dict[str, Any]:
    """The job, with its steps and services as far as they are written."""
    for part in ("steps", "services"):
        pairs = zip_longest(job[part], written.get(part, ()))
        job[part] = [as_far_as_written(each or {}, other or {}, OF_STEPS) for each, other in pairs]
    return job


def plain(value: object) -> Any:
    """What the value is as JSON."""
    return json.loads(msgspec.json.encode(value))


def as_far_as_written(
    found: Mapping[str, Any], written: Mapping[str, Any], optional: tuple[str, ...]
) -> dict[str, Any]:
    """What was found, without the optional parts that are not written."""
    return {key: value for key, value in found.items() if key in written or key not in optional}


def test_every_golden_plan_has_both_files() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.json")) == NAMES


def test_workflows_of_golden_plans_are_named_after_their_files() -> None:
    for name in NAMES:
        for job in json.loads((GOLDEN / f"{name}.json").read_bytes()).get("jobs", []):
            if "file" in job:
                assert job.get("workflow", job["name"]) == workflow_name(job["file"])
