"""Runs that wait for a person: nothing of them starts before, and an approval is of one commit."""

import pytest
from msgspec.structs import replace

from pipelines.event import Event, EventKind, PullRequest
from pipelines.status import Status
from runner.errors import UsageError
from runner.remote.server import Decision
from tests.worker.conftest import EVENT, Service, Story
from worker.commands.approve import decide
from worker.local import local_connection
from worker.store import repositories, tasks
from worker.store.repositories import StoredRepository
from worker.store.tasks import TaskState
from worker.trust import Approval

FORK = Event(
    kind=EventKind.PULL_REQUEST,
    ref="refs/pull/7/head",
    branch="main",
    sha="a" * 40,
    message="Add a miner",
    author="the owner",
    sender="mallory",
    pull_request=PullRequest(number=7, source_branch="main", target_branch="main", from_fork=True),
)
PUSHED_AGAIN = replace(FORK, sha="b" * 40)


@pytest.fixture
def repository(service: Service) -> StoredRepository:
    return service.add_repository()


def to_do(service: Service) -> list[str]:
    """The ids of the runs of which a worker could do something."""
    with service.database.read() as connection:
        return [task.run_id for task in tasks.in_state(connection, TaskState.PENDING)]


def shown(service: Service, story: Story) -> tuple[str, str]:
    run = service.client.get(f"/api/runs/{story.run.id}").json()
    return run["status"], run["reason"]


def approve(service: Service, story: Story) -> int:
    return service.client.post(f"/api/runs/{story.run.id}/approve", json={}).status_code


def test_run_of_a_fork_waits_and_says_so_in_one_phrase(service: Service, repository: StoredRepository) -> None:
    story = service.add_run(repository, FORK)
    assert shown(service, story) == ("blocked", "waits for approval: the pull request comes from a fork")
    assert to_do(service) == []


def test_approved_run_begins(service: Service, repository: StoredRepository) -> None:
    story = service.add_run(repository, FORK)
    assert approve(service, story) == 202
    assert shown(service, story) == ("pending", "")
    assert to_do(service) == [story.run.id]
    assert service.announced.is_set(), "the dispatcher hears of it at once"


def test_declined_run_never_begins(service: Service, repository: StoredRepository) -> None:
    story = service.add_run(repository, FORK)
    assert service.client.post(f"/api/runs/{story.run.id}/decline", json={}).status_code == 202
    assert shown(service, story) == ("cancelled", "declined by ada")
    assert to_do(service) == []
    assert approve(service, story) == 409


def test_new_push_waits_anew_and_ends_what_waited_before(service: Service, repository: StoredRepository) -> None:
    first = service.add_run(repository, FORK)
    other = service.add_run(repository, replace(FORK, ref="refs/pull/8/head"))
    second = service.add_run(repository, PUSHED_AGAIN)
    assert shown(service, first) == ("cancelled", "run 3 is of a newer push")
    assert shown(service, second)[0] == shown(service, other)[0] == "blocked"


def test_push_after_an_approval_waits_all_the_same(service: Service, repository: StoredRepository) -> None:
    """Else whoever was approved once could run anything."""
    approve(service, service.add_run(repository, FORK))
    assert shown(service, service.add_run(repository, PUSHED_AGAIN))[0] == "blocked"


def test_approved_commit_runs_again_without_a_second_look(service: Service, repository: StoredRepository) -> None:
    story = service.add_run(repository, FORK)
    approve(service, story)
    again = service.client.post("/api/runs", json={"again": story.run.id}).json()
    assert again["status"] == "pending"


def test_waiting_run_that_is_run_again_still_waits(service: Service, repository: StoredRepository) -> None:
    story = service.add_run(repository, FORK)
    again = service.client.post("/api/runs", json={"again": story.run.id}).json()
    assert again["status"] == "blocked"


def test_approval_of_a_commit_in_another_pull_request_does_not_count(
    service: Service, repository: StoredRepository
) -> None:
    approve(service, service.add_run(repository, FORK))
    assert shown(service, service.add_run(repository, replace(FORK, ref="refs/pull/8/head")))[0] == "blocked"


@pytest.mark.parametrize(("ref", "sha"), [("refs/pull-requests/7/from", "a" * 12), ("refs/tags/v1.0", "")])
def test_approval_of_a_commit_that_the_forge_has_not_named_whole_is_of_that_run_alone(
    service: Service, repository: StoredRepository, ref: str, sha: str
) -> None:
    """Two commits may begin alike, and a tag may have been moved."""
    event = replace(FORK, ref=ref, sha=sha)
    story = service.add_run(repository, event)
    assert approve(service, story) == 202
    assert shown(service, story)[0] == "pending"
    assert shown(service, service.add_run(repository, event))[0] == "blocked"


def test_approval_in_another_repository_does_not_count(service: Service, repository: StoredRepository) -> None:
    approve(service, service.add_run(repository, FORK))
    assert shown(service, service.add_run(service.add_repository(name="api"), FORK))[0] == "blocked"


def test_policy_says_what_waits(service: Service, repository: StoredRepository) -> None:
    for policy, fork, push in (("none", "pending", "pending"), ("all", "blocked", "blocked")):
        service.client.patch("/api/repositories/acme/web", json={"approval": policy})
        with service.database.read() as connection:
            changed = repositories.named(connection, "acme", "web")
        assert changed.approval is Approval(policy)
        assert shown(service, service.add_run(changed, replace(FORK, sha=policy[0] * 40)))[0] == fork
        assert shown(service, service.add_run(changed, EVENT))[0] == push


def test_run_that_does_not_wait_can_not_be_approved(service: Service, repository: StoredRepository) -> None:
    story = service.add_run(repository)
    answer = service.client.post(f"/api/runs/{story.run.id}/approve", json={})
    assert answer.status_code == 409
    assert "run 1 of acme/web does not wait for approval: it is pending" in answer.json()["detail"]
    assert to_do(service) == [story.run.id]


def test_waiting_run_can_be_cancelled(service: Service, repository: StoredRepository) -> None:
    story = service.add_run(repository, FORK)
    assert service.client.post(f"/api/runs/{story.run.id}/cancel", json={}).status_code == 202
    assert shown(service, story)[0] == "cancelled"


@pytest.mark.parametrize("verb", ["approve", "decline"])
def test_page_of_another_site_can_decide_nothing(service: Service, repository: StoredRepository, verb: str) -> None:
    story = service.add_run(repository, FORK)
    for content_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        headers = {"content-type": content_type} if content_type else {}
        answer = service.client.post(f"/api/runs/{story.run.id}/{verb}", content="{}", headers=headers)
        assert answer.status_code in (400, 415, 422)
    assert service.client.get(f"/api/runs/{story.run.id}/{verb}").status_code in (404, 405)
    assert shown(service, story)[0] == "blocked"


def test_page_of_a_waiting_run_offers_the_choice(service: Service, repository: StoredRepository) -> None:
    story = service.add_run(repository, FORK)
    page = service.client.get("/acme/web/runs/1").text
    assert 'data-action="approve"' in page
    assert 'data-action="decline"' in page
    assert "waits for approval: the pull request comes from a fork" in page
    approve(service, story)
    assert 'data-action="approve"' not in service.client.get("/acme/web/runs/1").text


def test_command_decides_in_the_name_of_its_user(service: Service, repository: StoredRepository) -> None:
    story = service.add_run(repository, FORK)
    with local_connection(service.settings) as here:
        decide(here, run="acme/web#1", job="", decision=Decision.APPROVE)
        assert shown(service, story)[0] == Status.PENDING
        other = service.add_run(repository, PUSHED_AGAIN)
        decide(here, run=other.run.id, job="", decision=Decision.DECLINE)
        assert shown(service, other)[0] == Status.CANCELLED
        with pytest.raises(UsageError, match="does not wait for approval: it is cancelled"):
            decide(here, run=other.run.id, job="", decision=Decision.APPROVE)
        with pytest.raises(UsageError, match="no run acme/web#9"):
            decide(here, run="acme/web#9", job="", decision=Decision.APPROVE)


def test_repository_is_trusted_as_an_administrator_says(service: Service, repository: StoredRepository) -> None:
    assert (repository.trust, repository.approval) == (frozenset(), Approval.FORKS), "with nothing to begin with"
    answer = service.client.patch("/api/repositories/acme/web", json={"trust": ["volumes", "network"]})
    assert answer.json()["trust"] == ["network", "volumes"]
    [listed] = service.client.get("/api/repositories").json()["repositories"]
    assert (listed["trust"], listed["approval"]) == (["network", "volumes"], "forks")
    assert service.client.patch("/api/repositories/acme/web", json={"trust": ["root"]}).status_code == 400
    assert service.client.patch("/api/repositories/acme/nope", json={"trust": []}).status_code == 404
