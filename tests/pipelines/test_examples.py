"""The example workflows are right, and for every event they do what their first line says."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import pipelines
from pipelines.event import Deployment, Event, EventKind, PullRequest, Repository
from pipelines.habits import bad_habits
from pipelines.plan import Plan, PlannedJob
from pipelines.planner import make_plan
from pipelines.validate import read_workflow

EXAMPLES = Path(pipelines.__file__).parent / "examples"
FILES = sorted(EXAMPLES.rglob("*.yaml"))
REPOSITORY = Repository(owner="acme", name="mill", forge="git.example.org", default_branch="main")
IDLE = re.compile("has no effect (yet|in a local run)")
Steps = dict[str, tuple[str, ...]]


def push(branch: str = "main", **more: object) -> Event:
    return event(EventKind.PUSH, ref=f"refs/heads/{branch}", branch=branch, **more)


def pull_request(**more: object) -> Event:
    request = PullRequest(number=7, source_branch="wheel", target_branch="main")
    return event(EventKind.PULL_REQUEST, ref="refs/pull/7/head", branch="main", pull_request=request, **more)


def tag(name: str = "v1.2.0") -> Event:
    return event(EventKind.TAG, ref=f"refs/tags/{name}")


def cron(name: str) -> Event:
    return event(EventKind.CRON, ref="refs/heads/main", branch="main", cron=name)


def manual() -> Event:
    return event(EventKind.MANUAL, ref="refs/heads/main", branch="main")


def deployment(target: str) -> Event:
    return event(EventKind.DEPLOYMENT, ref="refs/heads/main", branch="main", deployment=Deployment(target=target))


def event(kind: EventKind, **more: object) -> Event:
    return Event(**{"kind": kind, "repository": REPOSITORY, "sha": "0123456789abcdef", **more})  # type: ignore[arg-type] # fields by name


def planned(name: str, happened: Event) -> Plan:
    """The plan of one example, or of a directory of them."""
    place = EXAMPLES / name
    paths = sorted(place.glob("*.yaml")) if place.is_dir() else [place.with_suffix(".yaml")]
    plan = make_plan({f".headrace/{path.name}": path.read_bytes() for path in paths}, happened)
    assert [problem for problem in plan.problems if not IDLE.search(problem.message)] == []
    return plan


def steps_of(name: str, happened: Event) -> Steps:
    """The steps that run, each with what it waits for; nothing if the workflow doesn't run."""
    plan = planned(name, happened)
    return {step.name: step.depends_on for job in plan.included_jobs for step in job.included_steps}


def jobs_of(name: str, happened: Event) -> dict[str, PlannedJob]:
    return {job.name: job for job in planned(name, happened).included_jobs}


def test_there_are_examples_of_many_kinds() -> None:
    names = {path.relative_to(EXAMPLES).parts[0].removesuffix(".yaml") for path in FILES}
    assert names >= {"go", "python", "node", "rust", "monorepo", "matrix", "plugin", "cron", "deploy", "many"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(EXAMPLES)))
def test_example_has_neither_problems_nor_bad_habits(path: Path) -> None:
    text = path.read_bytes()
    reading = read_workflow(text, f".headrace/{path.name}")
    assert reading.problems == ()
    assert reading.workflow is not None
    assert bad_habits(reading.workflow, text) == ()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(EXAMPLES)))
def test_example_says_in_its_first_line_what_it_shows(path: Path) -> None:
    assert path.read_text().startswith("# ")


GO: list[tuple[Event, Steps]] = [
    (push("main"), {"vet": (), "test": ()}),
    (push("dev"), {}),
    (pull_request(), {"vet": (), "test": ()}),
    (tag(), {"vet": (), "test": (), "build": ("vet", "test")}),
]
GRAPH: list[tuple[Event, Steps]] = [
    (push("main"), {"schema": (), "front-end": (), "test": ("schema", "front-end"), "publish": ("test",)}),
    (push("dev"), {"schema": (), "front-end": (), "test": ("schema", "front-end")}),
    (pull_request(), {"schema": (), "front-end": (), "test": ("schema", "front-end")}),
    (tag(), {}),
]
HELLO: list[tuple[Event, Steps]] = [
    (push(), {"greet": (), "check": ("greet",)}),
    (manual(), {"greet": (), "check": ("greet",)}),
    (tag(), {}),
    (pull_request(), {}),
]
PYTHON: list[tuple[Event, Steps]] = [
    (push("main"), {"install": (), "lint": ("install",), "test": ("lint",), "tell": ("test",)}),
    (push("dev"), {"install": (), "lint": ("install",), "test": ("lint",)}),
    (pull_request(), {"install": (), "lint": ("install",), "test": ("lint",), "tell": ("test",)}),
    (tag(), {}),
]
_CHECKS = {"install": (), "lint": ("install",), "types": ("install",), "test": ("install",)}
NODE: list[tuple[Event, Steps]] = [
    (push("main"), _CHECKS),
    (pull_request(), _CHECKS),
    (tag("v2.0.0"), {**_CHECKS, "publish": ("lint", "types", "test")}),
    (tag("nightly"), {}),
]
RUST: list[tuple[Event, Steps]] = [
    (push("main"), {"format": (), "test": ("format",), "release-build": ("test",)}),
    (pull_request(), {"format": (), "test": ("format",)}),
    (cron("nightly"), {"format": (), "test-nightly": ("format",)}),
    (cron("weekly"), {}),
    (manual(), {"format": (), "test": ("format",)}),
]
MONOREPO: list[tuple[Event, Steps]] = [
    (push(changed_files=("api/main.go",)), {"api": ()}),
    (push(changed_files=("shared/wheel.go",)), {"shared": (), "api": ("shared",)}),
    (push(changed_files=("web/README.md",)), {}),
    (push(changed_files=("web/README.md", "docs/index.md")), {"web": (), "docs": ()}),  # not all files are excluded
    (pull_request(changed_files=("web/app.ts", "web/README.md")), {"web": ()}),
    (pull_request(changed_files=("LICENSE",), message="Tidy up [all]"), {"shared": (), "api": ("shared",), "web": ()}),
    (push(changed_files=("LICENSE",)), {}),
    (push(changed_files=()), {"shared": (), "api": ("shared",), "web": (), "docs": ()}),
]
PLUGIN: list[tuple[Event, Steps]] = [
    (push("main"), {"publish-newest": ()}),
    (push("dev"), {}),
    (pull_request(changed_files=("src/main.c",)), {"try": ()}),
    (pull_request(changed_files=("README.md",)), {}),
    (tag("v1.2.0"), {"publish": ()}),
    (tag("nightly"), {}),
]
CRON: list[tuple[Event, Steps]] = [
    (cron("nightly"), {"audit": (), "tell": ("audit",)}),
    (cron("weekly"), {"audit": (), "stale-branches": ("audit",), "back-up": ("stale-branches",), "tell": ("back-up",)}),
    (manual(), {"audit": (), "stale-branches": ("audit",)}),
    (push(), {}),
]
DEPLOY: list[tuple[Event, Steps]] = [
    (push("main"), {"build": (), "staging": ("build",)}),
    (push("dev"), {}),
    (deployment("staging"), {"build": (), "staging": ("build",)}),
    (deployment("production"), {"build": (), "production": ("build",), "roll-back": ("production",)}),
    (deployment("elsewhere"), {"build": ()}),
]
CASES = {
    "go": GO, "graph": GRAPH, "hello": HELLO, "python": PYTHON, "node": NODE, "rust": RUST, "monorepo": MONOREPO,
    "plugin": PLUGIN, "cron": CRON, "deploy": DEPLOY,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "happened", "steps"), [(name, *case) for name, cases in CASES.items() for case in cases]
)
def test_steps_of_example(name: str, happened: Event, steps: Steps) -> None:
    assert steps_of(name, happened) == steps


MATRIX: list[tuple[Event, list[str]]] = [
    (push("main"), ["test"]),
    (pull_request(), ["test", "coverage"]),
    (manual(), ["test"]),
    (push("dev"), []),
]


@pytest.mark.parametrize(("happened", "newest"), MATRIX)
def test_steps_of_matrix(happened: Event, newest: list[str]) -> None:
    """Coverage is measured once, on the newest Python. One combination is excluded."""
    jobs = list(jobs_of("matrix", happened).values())
    assert [(job.matrix["DATABASE"], job.matrix["PYTHON"]) for job in jobs] == (
        [("postgres:17", "3.12"), ("postgres:17", "3.13"), ("postgres:18", "3.13")] if newest else []
    )
    for job in jobs:
        assert [step.name for step in job.included_steps] == (newest if job.matrix["PYTHON"] == "3.13" else ["test"])
        assert [service.image for service in job.services] == [job.matrix["DATABASE"]]
        assert {step.image for step in job.steps} == {f"python:{job.matrix['PYTHON']}-slim"}


BUILDS: dict[str, tuple[str, ...]] = {"build (ARCH=amd64)": (), "build (ARCH=arm64)": ()}
MANY: list[tuple[Event, dict[str, tuple[str, ...]]]] = [
    (push(), {**BUILDS, "tell": ("build", "test"), "test": ()}),
    (pull_request(), {**BUILDS, "test": ()}),
    (tag(), {**BUILDS, "release": ("build", "test"), "tell": ("build", "test"), "test": ()}),
    (cron("nightly"), {"tell": ("test",), "test": ()}),
]


@pytest.mark.parametrize(("happened", "jobs"), MANY)
def test_jobs_of_many(happened: Event, jobs: dict[str, tuple[str, ...]]) -> None:
    assert {name: job.depends_on for name, job in jobs_of("many", happened).items()} == jobs


def test_every_example_is_planned_for_four_events_or_more() -> None:
    cases: dict[str, int] = {name: len(each) for name, each in CASES.items()}
    cases |= {"matrix": len(MATRIX), "many": len(MANY)}
    assert cases.keys() == {path.relative_to(EXAMPLES).parts[0].removesuffix(".yaml") for path in FILES}
    assert min(cases.values()) >= 4


def of(name: str, happened: Event, choose: Callable[[PlannedJob], object]) -> object:
    (job,) = jobs_of(name, happened).values()
    return choose(job)


def test_hello_keeps_the_file_it_writes() -> None:
    paths = of("hello", push(), lambda job: [rule.paths for step in job.steps for rule in step.artifacts])
    assert paths == [("dist/**",)]


def test_plugin_is_told_the_tag_without_its_v() -> None:
    settings = of("plugin", tag("v1.2.0"), lambda job: job.included_steps[0].settings)
    assert isinstance(settings, dict)
    assert (settings["tags"], settings["repo"]) == ("1.2.0,stable", "registry.example.org/acme/mill")


def test_deployment_to_production_waits_for_a_person() -> None:
    approval = of("deploy", deployment("production"), lambda job: [s.name for s in job.included_steps if s.approval])
    assert approval == ["production"]
