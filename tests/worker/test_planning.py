"""A worker plans from the mirror, at the commit, with the files that workflows include."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from pipelines.event import Event, EventKind, PullRequest, Repository
from pipelines.plan import Plan
from pipelines.reading.document import MAX_BYTES
from runner.source.access import GitCredentials
from runner.source.mirrors import fetched
from tests.gitrepo import GitRepository
from tests.runner.source.gitserver import GitServer, git_server
from worker.libraries import libraries_of
from worker.order import PlanOrder
from worker.planning import _planned, _read_plan


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with git_server(tmp_path / "server") as server:
        yield server


def test_included_file_is_read_at_the_commit_and_its_problems_name_it(tmp_path: Path) -> None:
    origin = GitRepository(tmp_path / "origin")
    (origin.path / "ci").mkdir()
    (origin.path / "ci/common.yaml").write_text("steps: {lint: {image: x, comands: make}}\n")
    workflow = "include: [ci/common.yaml, ci/nowhere.yaml]\nsteps: {test: {image: y}}\n"
    sha = origin.commit(**{".headrace.yaml": workflow})
    event = Event(
        repository=Repository(owner="o", name="n", clone_url=str(origin.path)), sha=sha, ref="refs/heads/main"
    )
    order = PlanOrder(task="t", run="r", event=event)
    mirror = fetched(tmp_path / "mirrors", event)
    plan = _planned(mirror, (".headrace.yaml",), event, order, libraries_of(mirror, event).own)
    missing, unknown = plan.problems
    assert (missing.file, missing.message) == (".headrace.yaml", 'there is no file "ci/nowhere.yaml" to include')
    assert (unknown.file, unknown.line, unknown.column) == ("ci/common.yaml", 1, 26)


def test_other_repository_is_read_in_our_name_but_not_for_a_pull_request_from_a_fork(
    server: GitServer, tmp_path: Path
) -> None:
    server.password = "t0ken"
    access = GitCredentials(owner="acme/web", username="ann", password=server.password)
    templates = GitRepository(tmp_path / "ci")
    templates.commit(**{"a.yaml": "steps: {theirs: {image: x}}"})
    server.publish(templates, "acme/ci")
    origin = GitRepository(tmp_path / "web")
    sha = origin.commit(**{".headrace.yaml": "include: {repo: acme/ci, ref: main, path: a.yaml}"})
    repository = Repository(owner="acme", name="web", clone_url=server.publish(origin, "acme/web"))
    event = Event(repository=repository, sha=sha, ref="refs/heads/main")
    mirror = fetched(tmp_path / "mirrors", event, access=access)
    plan = _read_plan(mirror, PlanOrder(task="t", run="r", event=event))
    assert isinstance(plan, Plan)
    assert [step.name for step in plan.jobs[0].steps] == ["theirs"]

    fork = replace(plan.event, kind=EventKind.PULL_REQUEST, pull_request=PullRequest(number=1, from_fork=True))
    asked = len(server.seen)
    refused = _read_plan(dataclasses.replace(mirror, event=fork), PlanOrder(task="t", run="r", event=fork))
    assert isinstance(refused, Plan)
    [problem] = refused.errors
    assert "would be read without credentials" in problem.message
    assert len(server.seen) == asked


def test_event_that_an_included_file_alone_asks_for_is_planned(tmp_path: Path) -> None:
    origin = GitRepository(tmp_path / "origin")
    origin.commit(**{"a.yaml": "when: {event: pull_request_closed}", "b.yaml": "when: {event: push}"})
    for name, is_planned in (("a", True), ("b", False)):
        sha = origin.commit(**{".headrace.yaml": f"include: {name}.yaml\nsteps: {{s: {{image: x}}}}"})
        event = Event(kind=EventKind.PULL_REQUEST_CLOSED, repository=Repository(clone_url=str(origin.path)), sha=sha)
        read = _read_plan(fetched(tmp_path / "mirrors", event), PlanOrder(task="t", run="r", event=event))
        assert isinstance(read, Plan) == is_planned


def test_included_file_that_is_too_large_is_told_as_that(tmp_path: Path) -> None:
    origin = GitRepository(tmp_path / "origin")
    huge = {"huge.yaml": "x" * (MAX_BYTES + 1), ".headrace.yaml": "include: huge.yaml\nsteps: {s: {image: x}}"}
    event = Event(repository=Repository(clone_url=str(origin.path)), sha=origin.commit(**huge))
    plan = _read_plan(fetched(tmp_path / "mirrors", event), PlanOrder(task="t", run="r", event=event))
    assert isinstance(plan, Plan)
    assert plan.why_not == ".headrace.yaml:1:10: huge.yaml has 1048577 bytes: a workflow file may have 1048576"
