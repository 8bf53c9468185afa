"""Runs that people start by hand, and deployments, over a real socket."""

from typing import Any

import pytest
from msgspec.structs import replace

from pipelines.details import Parameter
from pipelines.event import Deployment, Event, EventKind, PullRequest
from tests.worker.conftest import EVENT, Service, Story, job, step
from worker.access.identity import Scope
from worker.store import queries, repositories
from worker.trust import Approval

RUNS = "/api/repositories/acme/web/runs"


def start(service: Service, **wanted: Any) -> Any:
    answer = service.client.post(RUNS, json=wanted)
    assert answer.status_code == 201, answer.text
    return answer.json()


def event_of(service: Service, run: dict[str, Any]) -> Event:
    with service.database.read() as connection:
        return queries.run_with_id(connection, run["id"]).event


def finished(service: Service, event: Event = EVENT) -> Story:
    story = service.add_run(service.add_repository(), event)
    story.plan(job("build", step("make")))
    story.start_job("build")
    story.finish_job("build")
    return story


def test_started_run_is_a_manual_one_of_the_default_branch_in_the_callers_name(service: Service) -> None:
    service.add_repository()
    run = start(service)
    assert (run["number"], run["status"], run["event"]["sender"]) == (1, "pending", "ada")
    event = event_of(service, run)
    assert (event.kind, event.ref, event.branch, event.sha) == (EventKind.MANUAL, "refs/heads/main", "main", "")
    assert service.announced.is_set(), "the dispatcher hears of it at once"


def test_what_is_asked_for_reaches_the_run(service: Service) -> None:
    service.add_repository()
    run = start(service, branch="dev", sha="abcdef0", params={"TARGET": "a b\n"}, workflows=["deploy"])
    event = event_of(service, run)
    assert (event.ref, event.branch, event.asked_sha, event.sha) == ("refs/heads/dev", "dev", "abcdef0", "")
    assert (event.params, event.workflows) == ({"TARGET": "a b\n"}, ("deploy",))
    tag = event_of(service, start(service, tag="v1"))
    assert (tag.ref, tag.branch, tag.tag) == ("refs/tags/v1", "", "v1")


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        ({"branch": "-x"}, "branch"),
        ({"branch": "a b"}, "branch"),
        ({"tag": "v1", "branch": "main"}, "a tag says which commit to run"),
        ({"sha": "HEAD"}, "sha"),
        ({"params": {"A-B": "1"}}, "params"),
        ({"params": {"CI_COMMIT_SHA": "1"}}, "the param CI_COMMIT_SHA has a name that is Headrace's own"),
        ({"params": {"A": "a\0b"}}, "params"),
        ({"params": {"A": [1]}}, "params.A"),
        ({"parms": {"A": "1"}}, "parms: there is no such field"),
        ({"params": {f"A{number}": "" for number in range(101)}}, "params"),
        ({"workflows": ["a/b"]}, "workflows"),
    ],
)
def test_what_can_not_be_meant_is_refused_and_starts_nothing(
    service: Service, wanted: dict[str, Any], complaint: str
) -> None:
    service.add_repository()
    answer = service.client.post(RUNS, json=wanted)
    assert answer.status_code == 400
    assert complaint in answer.json()["detail"]
    assert service.count("runs") == 0


def test_run_of_an_unknown_repository_is_answered_404(service: Service) -> None:
    assert service.client.post(RUNS, json={}).status_code == 404


def test_who_may_only_look_starts_nothing(service: Service) -> None:
    service.add_repository()
    headers = {"authorization": f"Bearer {service.new_token(Scope.READ)}"}
    assert service.client.post(RUNS, json={}, headers=headers).status_code == 403
    assert service.count("runs") == 0


def test_person_who_starts_a_run_needs_nobody_to_approve_it(service: Service) -> None:
    finished(service)
    with service.database.write() as connection:
        repositories.set_approval(connection, "acme", "web", Approval.ALL)
    assert start(service)["status"] == "pending"
    assert deploy(service).json()["status"] == "pending"


def test_commit_that_was_never_found_is_looked_for_again_and_never_deployed(service: Service) -> None:
    """Or it would be trusted, the second time, on the word of whoever named it."""
    service.add_repository()
    run = start(service, sha="a" * 40)
    service.client.post(f"/api/runs/{run['id']}/cancel", json={})
    again = service.client.post("/api/runs", json={"again": run["id"]}).json()
    event = event_of(service, again)
    assert (event.sha, event.asked_sha, event.reruns) == ("", "a" * 40, 1)
    answer = deploy(service)
    assert (answer.status_code, "never came to a commit" in answer.json()["detail"]) == (409, True)


def deploy(service: Service, number: int = 1, **wanted: Any) -> Any:
    return service.client.post(f"{RUNS}/{number}/deploy", json={"environment": "production", **wanted})


def test_deployment_is_a_run_of_an_earlier_ones_commit(service: Service) -> None:
    finished(service, replace(EVENT, sender="grace", workflows=("build",), action="opened"))
    answer = deploy(service, task="migrate", params={"SLOW": "true"})
    assert answer.status_code == 201
    event = event_of(service, answer.json())
    assert (event.kind, event.sha, event.ref) == (EventKind.DEPLOYMENT, EVENT.sha, EVENT.ref)
    assert event.deployment == Deployment(target="production", task="migrate")
    assert (event.parent, event.sender, event.params) == (1, "ada", {"SLOW": "true"})
    assert (event.workflows, event.action) == ((), "")


def test_run_that_goes_on_is_not_deployed(service: Service) -> None:
    service.add_run(service.add_repository())
    answer = deploy(service)
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "run 1 of acme/web goes on: deploy what has ended",
    )


@pytest.mark.parametrize(("is_fork", "status"), [(True, 409), (False, 201)])
def test_pull_request_of_a_fork_is_not_deployed(service: Service, *, is_fork: bool, status: int) -> None:
    request = PullRequest(number=7, source_branch="fix", target_branch="main", from_fork=is_fork)
    event = replace(EVENT, kind=EventKind.PULL_REQUEST, ref="refs/pull/7/head", pull_request=request)
    story = service.add_run(service.add_repository(), event)
    service.client.post(f"/api/runs/{story.run.id}/cancel", json={})
    answer = deploy(service)
    assert answer.status_code == status, answer.text
    if not is_fork:
        assert event_of(service, answer.json()).branch == "fix", "not the branch that it is not in"


@pytest.mark.parametrize("environment", ["", " ", "a\nb", "x" * 101])
def test_environment_is_a_name(service: Service, environment: str) -> None:
    finished(service)
    assert deploy(service, environment=environment).status_code == 400


def test_inputs_are_those_that_the_last_run_of_the_branch_has_found(service: Service) -> None:
    where = Parameter(type="choice", options=("eu", "us"), required=True, description="Where to")
    count = Parameter(type="number", default="1")
    repository = service.add_repository()
    for branch, params in (("main", {"WHERE": where, "COUNT": count}), ("dev", {})):
        story = service.add_run(repository, replace(EVENT, branch=branch))
        story.plan(replace(job("a"), params=params), replace(job("b"), params=params))
    found = service.client.get("/api/repositories/acme/web/parameters").json()["parameters"]
    assert found[0] == {
        "name": "WHERE",
        "type": "choice",
        "default": None,
        "options": ["eu", "us"],
        "required": True,
        "description": "Where to",
        "workflows": ["a", "b"],
    }
    assert [each["name"] for each in found] == ["WHERE", "COUNT"]
    of_dev = service.client.get("/api/repositories/acme/web/parameters", params={"branch": "dev"}).json()
    assert of_dev == {"parameters": []}


COUNT = Parameter(type="number", default="1")
REGION = Parameter(type="choice", options=("eu", "us"))


def planned(service: Service, *params: dict[str, Parameter], event: Event = EVENT) -> Story:
    """A run whose workflows a, b, … ask for these."""
    with service.database.read() as connection:
        repository = repositories.named(connection, "acme", "web")
    story = service.add_run(repository, event)
    story.plan(*(replace(job(name), params=each) for name, each in zip("abc", params, strict=False)))
    return story


def test_value_of_another_type_is_answered_422_with_its_place_and_starts_nothing(service: Service) -> None:
    service.add_repository()
    planned(service, {"COUNT": COUNT, "REGION": REGION, "DRY": Parameter(type="bool")})
    answer = service.client.post(RUNS, json={"params": {"COUNT": "many", "REGION": "mars", "DRY": 1}})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert {each["field"]: each["detail"] for each in answer.json()["errors"]} == {
        "params.COUNT": "must be a number, not 'many'",
        "params.REGION": "must be one of eu, us, not 'mars'",
        "params.DRY": "must be true or false, not '1'",
    }
    assert service.count("runs") == 1


def test_values_are_given_as_json_has_them(service: Service) -> None:
    service.add_repository()
    planned(service, {"COUNT": COUNT, "DRY": Parameter(type="bool")})
    run = start(service, params={"COUNT": -1.5, "DRY": True, "OTHER": "x"})
    assert event_of(service, run).params == {"COUNT": "-1.5", "DRY": "true", "OTHER": "x"}


def test_value_is_refused_only_if_every_workflow_that_is_to_run_refuses_it(service: Service) -> None:
    service.add_repository()
    planned(service, {"COUNT": COUNT}, {"COUNT": Parameter()}, {"REGION": REGION})
    start(service, params={"COUNT": "many"})
    assert service.client.post(RUNS, json={"params": {"COUNT": "many"}, "workflows": ["a"]}).status_code == 422
    start(service, params={"REGION": "mars"}, workflows=["b"])


@pytest.mark.parametrize("asked", [{"branch": "dev"}, {"tag": "v1"}, {"sha": "abcdef0"}])
def test_files_that_nobody_has_seen_refuse_nothing(service: Service, asked: dict[str, str]) -> None:
    service.add_repository()
    planned(service, {"COUNT": COUNT})
    start(service, params={"COUNT": "many"}, **asked)


def test_push_that_is_not_planned_yet_may_ask_for_something_else(service: Service) -> None:
    repository = service.add_repository()
    planned(service, {"COUNT": COUNT})
    service.add_run(repository, EVENT)
    start(service, params={"COUNT": "many"})


def test_deployment_is_held_to_what_its_commit_asks_for(service: Service) -> None:
    service.add_repository()
    story = planned(service, {"COUNT": COUNT})
    story.start_job("a")
    story.finish_job("a")
    planned(service, {"COUNT": Parameter()})
    assert deploy(service, params={"COUNT": "many"}).status_code == 422
    assert deploy(service, params={"COUNT": 2}).status_code == 201


def test_repository_without_a_run_declares_nothing(service: Service) -> None:
    service.add_repository()
    assert service.client.get("/api/repositories/acme/web/parameters").json() == {"parameters": []}
