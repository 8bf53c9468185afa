"""Whatever a file asks of an event: a plan that holds together, and that its JSON gives back."""

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.event import Event, EventKind
from pipelines.plan import PlannedJob, decode, encode
from pipelines.planner import make_plan

AXES = {"PY": ["3.12", "3.13"], "OS": ["a", "b"]}

templates = st.lists(
    st.sampled_from(
        ["x", "${PY}", "${CI_COMMIT_BRANCH##*/}", "${NOPE:-y}", "$$", "${", "${OS^^}", "\\/", "${CI_REPO}"]
    ),
    min_size=1,
    max_size=3,
).map("".join)
expressions = st.sampled_from(
    [
        'PY == "3.12"',
        "true",
        "len(CI_COMMIT_MESSAGE) > 3",
        "CI_REPO",
        '(NOPE ?? "") matches "(a*)*b"',
        "1 <",
        "NOPE == nil",
    ]
)
conditions = st.fixed_dictionaries(
    {},
    optional={
        "event": st.sampled_from([kind.value for kind in EventKind]),
        "branch": st.sampled_from(["main", "*", "${CI_COMMIT_BRANCH}", {"exclude": "dev/**"}]),
        "path": st.sampled_from(["a/**", {"exclude": "**"}, {"include": "b", "on_empty": False}]),
        "matrix": st.sampled_from([{"PY": "3.12"}, {"exclude": {"OS": "a"}}]),
        "cron": st.just("night*"),
        "evaluate": expressions,
        "status": st.just("failure"),
    },
)
steps = st.fixed_dictionaries(
    {"image": templates},
    optional={
        "commands": st.lists(templates, max_size=2),
        "when": conditions | st.lists(conditions, max_size=2),
        "environment": st.dictionaries(st.sampled_from("AB"), templates, max_size=2),
        "settings": st.dictionaries(st.sampled_from("ab"), templates | st.lists(templates, max_size=2), max_size=2),
        "depends_on": st.lists(st.sampled_from("abc"), max_size=2),
        "group": st.sampled_from(["g", "h"]),
    },
)
workflows = st.fixed_dictionaries(
    {"steps": st.dictionaries(st.sampled_from("abc"), steps, min_size=1)},
    optional={
        "matrix": st.dictionaries(st.sampled_from(["PY", "OS"]), st.just(["3.12", "3.13"]))
        | st.just({"include": [AXES]}),
        "when": conditions,
        "depends_on": st.lists(st.sampled_from(["f", "g", {"name": "f", "optional": True}]), max_size=2),
        "clone": st.sampled_from([{"git": {}}, {"hg": {"image": "c"}}]),
        "params": st.just({"LEVEL": {"type": "number", "default": "1"}}),
    },
)
events = st.builds(
    Event,
    kind=st.sampled_from(EventKind),
    branch=st.sampled_from(["", "main", "dev/x"]),
    message=st.text(max_size=9),
    cron=st.sampled_from(["", "nightly"]),
    changed_files=st.none() | st.lists(st.sampled_from(["a/x", "b"]), max_size=2).map(tuple),
    params=st.dictionaries(st.sampled_from(["LEVEL", "X"]), st.sampled_from(["1", "x"])),
)


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from("fgh"), workflows, min_size=1), events)
def test_plan_holds_together_and_survives_its_json(files: dict[str, Any], event: Event) -> None:
    texts = {f".headrace/{name}.yaml": yaml.safe_dump(each).encode() for name, each in files.items()}
    plan = make_plan(texts, event, variables={"GLOBAL": "1"})
    assert decode(encode(plan)) == plan
    assert len({job.name for job in plan.jobs}) == len(plan.jobs)
    running = {job.workflow for job in plan.included_jobs}
    for job in plan.included_jobs:
        if not plan.has_errors:
            assert set(job.depends_on) <= running
        check(job)


def check(job: PlannedJob) -> None:
    """Each step has a reason, waits for what runs before it, and something runs."""
    steps = [step.name for step in job.included_steps]
    assert any(step.type != "clone" for step in job.included_steps)
    assert all(step.reason for step in job.steps)
    for step in job.included_steps:
        assert set(step.depends_on) <= set(steps) - {step.name}
    assert "" not in job.variables.values()
    assert job.variables["CI_WORKFLOW_NAME"] == job.workflow


@given(st.dictionaries(st.sampled_from("fgh"), workflows, min_size=1), events)
def test_plan_does_not_hang_on_the_order_of_files(files: dict[str, Any], event: Event) -> None:
    texts = {f".headrace/{name}.yaml": yaml.safe_dump(each).encode() for name, each in files.items()}
    assert make_plan(texts, event) == make_plan(dict(reversed(texts.items())), event)
