"""Golden plans: `tests/golden/NAME.yaml` and its event give `NAME.json`, which is written by hand from the rules.

What a golden plan leaves out has its default; `variables` are compared where it has them. A line `# file: PATH` in
the YAML starts another workflow file; without one, the file is `.headrace/NAME.yaml`.
"""

import json
import re
from pathlib import Path

import msgspec
import pytest

from pipelines.event import Event
from pipelines.plan import Plan, PlannedJob
from pipelines.planner import make_plan

GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.yaml"))


def test_there_are_golden_plans() -> None:
    assert len(NAMES) >= 12


@pytest.mark.parametrize("name", NAMES)
def test_plan_is_as_written(name: str) -> None:
    event = msgspec.json.decode((GOLDEN / f"{name}.event.json").read_bytes(), type=Event)
    golden = json.loads((GOLDEN / f"{name}.json").read_bytes())
    expected = msgspec.convert({"event": msgspec.to_builtins(event), **golden}, type=Plan)
    made = make_plan(_files(name), event)
    assert made.problems == expected.problems
    jobs = tuple(_comparable(job, expected) for job in made.jobs)
    assert jobs == expected.jobs


def _files(name: str) -> dict[str, bytes]:
    """The workflow files of a golden plan; the header of each stays a comment, so that lines count from it."""
    text = (GOLDEN / f"{name}.yaml").read_text()
    parts = re.split(r"^(?=# file: )", text, flags=re.MULTILINE)
    files = {}
    for part in filter(None, parts):
        header = re.match(r"# file: (\S+)", part)
        files[header[1] if header else f".headrace/{name}.yaml"] = part.encode()
    return files


def _comparable(job: PlannedJob, expected: Plan) -> PlannedJob:
    golden = next((each for each in expected.jobs if each.name == job.name), job)
    return job if golden.variables else msgspec.structs.replace(job, variables={})
