"""Whatever is in a file: a Workflow or problems, never an exception, and never a Plan that JSON can't hold."""

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.event import Event, EventKind
from pipelines.plan import decode, encode
from pipelines.planner import make_plan
from pipelines.syntax.conditions import WHEN_KEYS
from pipelines.syntax.steps import SERVICE_KEYS, STEP_KEYS
from pipelines.syntax.workflow import WORKFLOW_KEYS
from pipelines.validate import read_workflow

KEYS = sorted({*WORKFLOW_KEYS.names, *STEP_KEYS.names, *SERVICE_KEYS.names, *WHEN_KEYS.names, "include", "from_secret"})
WORDS = [
    "",
    "x",
    "a",
    "push",
    "main",
    "success",
    "10m",
    "true",
    "~",
    "*",
    "[",
    "{a",
    "/",
    "..",
    "1.10",
    "é",
    "\x1b",
    "<<",
]

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=8)
trees: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=25,
)

names = st.sampled_from(["a", "b", "c", "d"])
dependencies = st.lists(names | st.fixed_dictionaries({"name": names, "optional": st.booleans()}), max_size=3)
conditions = st.fixed_dictionaries(
    {},
    optional={
        "event": st.sampled_from([kind.value for kind in EventKind]),
        "branch": st.sampled_from(["main", "*", "dev/**"]),
        "status": st.lists(st.sampled_from(["success", "failure"]), max_size=2),
    },
)
steps = st.fixed_dictionaries(
    {"image": st.just("x")},
    optional={
        "commands": st.lists(st.text(max_size=5), max_size=3),
        "depends_on": dependencies,
        "when": st.lists(conditions, max_size=2) | conditions,
        "environment": st.dictionaries(st.sampled_from("AB"), st.text(max_size=4)),
        "failure": st.sampled_from(["fail", "ignore", "cancel"]),
        "artifacts": st.sampled_from(["dist/**", "a", "{x,y}"]),
    },
)
workflows = st.fixed_dictionaries(
    {"steps": st.dictionaries(names, steps, min_size=1)},
    optional={"when": st.lists(conditions, max_size=2), "depends_on": dependencies},
)
events = st.builds(
    Event, kind=st.sampled_from(EventKind), branch=st.sampled_from(["", "main", "dev/x"]), message=st.text(max_size=9)
)


def has_an_answer(text: bytes) -> bool:
    reading = read_workflow(text, ".headrace/a.yaml")
    return (reading.workflow is not None) or bool(reading.problems)


@given(st.binary(max_size=300))
def test_any_bytes_have_an_answer(data: bytes) -> None:
    assert has_an_answer(data)


@given(st.text(st.characters(codec="utf-8") | st.sampled_from(" \n\t:-[]{}&*!|>'\"%@`#,?<"), max_size=200))
def test_any_text_has_an_answer(text: str) -> None:
    assert has_an_answer(text.encode())


@given(trees)
def test_any_tree_has_an_answer(tree: Any) -> None:
    assert has_an_answer(yaml.safe_dump(tree, allow_unicode=True).encode())


@given(
    st.dictionaries(st.sampled_from(WORKFLOW_KEYS.names), trees),
    st.dictionaries(st.sampled_from(STEP_KEYS.names), trees),
)
def test_any_values_of_known_keys_have_an_answer(workflow: dict[str, Any], step: dict[str, Any]) -> None:
    text = yaml.safe_dump({"steps": [step | {"image": "x"}], **workflow}, sort_keys=False)
    assert has_an_answer(text.encode())


@given(st.data())
def test_half_a_file_has_an_answer(data: st.DataObject) -> None:
    text = yaml.safe_dump(data.draw(workflows)).encode()
    assert has_an_answer(text[: data.draw(st.integers(0, len(text)))])


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from("abcd"), workflows, min_size=1), events)
def test_plans_hold_together(files: dict[str, Any], event: Event) -> None:
    """Everything an included step or job waits for is included too, and the plan survives JSON."""
    plan = make_plan({f".headrace/{name}.yaml": yaml.safe_dump(each).encode() for name, each in files.items()}, event)
    assert decode(encode(plan)) == plan
    broken = {problem.file for problem in plan.problems}
    assert {job.file for job in plan.jobs}.isdisjoint(broken)
    jobs = {job.name for job in plan.included_jobs}
    for job in plan.included_jobs:
        if not plan.has_errors:
            assert set(job.depends_on) <= jobs
        steps = {step.name for step in job.included_steps}
        assert steps
        assert all(set(step.depends_on) <= steps - {step.name} for step in job.included_steps)
        assert all(step.reason for step in job.steps)
