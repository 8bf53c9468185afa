"""Jobs that wait for a person before they begin: nothing of them starts before, and who decided is kept."""

from datetime import timedelta

import click
import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from sqlalchemy import update

from pipelines.details import Approval
from pipelines.plan import PlannedJob
from runner.errors import UsageError
from tests.worker.conftest import Service, Story, job, step
from worker.access.identity import Role
from worker.commands import approve, decline
from worker.store import asking, decisions, tasks
from worker.store.repositories import StoredRepository
from worker.store.tables import jobs
from worker.store.tasks import TaskState


@pytest.fixture
def repository(service: Service) -> StoredRepository:
    return service.add_repository()


def asks(approval: Approval = Approval()) -> PlannedJob:  # noqa: B008 -- a frozen value
    return replace(job("deploy", replace(step("ship"), approval=approval)), depends_on=("build",))


def waiting(service: Service, repository: StoredRepository, asked: PlannedJob | None = None) -> Story:
    """A run whose job `build` has succeeded, so that it is the turn of `deploy`."""
    story = service.add_run(repository)
    story.plan(job("build", step("make")), asked or asks())
    story.start_job("build")
    story.finish_step("build", "make")
    story.finish_job("build")
    return story


def shown(service: Service, story: Story, name: str = "deploy") -> dict[str, str]:
    found: list[dict[str, str]] = service.client.get(f"/api/runs/{story.run.id}").json()["jobs"]
    return next(each for each in found if each["name"] == name)


def status(service: Service, story: Story) -> tuple[str, str]:
    deploy = shown(service, story)
    return deploy["status"], deploy["reason"]


def to_do(service: Service) -> list[str]:
    with service.database.read() as connection:
        return [task.id for task in tasks.in_state(connection, TaskState.PENDING)]


def decide(service: Service, story: Story, word: str, job: str = "deploy") -> int:
    return service.client.post(f"/api/runs/{story.run.id}/jobs/{job}/{word}", json={}).status_code


def test_job_with_a_step_that_asks_waits_without_a_worker(service: Service, repository: StoredRepository) -> None:
    story = waiting(service, repository, asks(Approval(message="Deploy to\nproduction?", users=("ada", "grace"))))
    assert status(service, story) == ("blocked", "")
    assert to_do(service) == []
    phrase = "for approval by ada or grace: Deploy to production?"
    run = service.client.get(f"/api/runs/{story.run.id}").json()
    assert (shown(service, story)["waits_for"], run["waits_for"], run["status"]) == (phrase, phrase, "running")
    assert service.client.get("/api/runs").json()["runs"][0]["waits_for"] == "for approval by a person"
    page = service.client.get("/acme/web/runs/1").text
    assert f"waits {phrase}" in page
    assert 'data-action="approveJob" data-job="deploy"' in page


def test_step_that_is_left_out_asks_nobody(service: Service, repository: StoredRepository) -> None:
    left_out = replace(step("ship"), approval=Approval(), included=False)
    story = waiting(service, repository, replace(job("deploy", left_out, step("rest")), depends_on=("build",)))
    assert status(service, story)[0] == "pending"
    assert len(to_do(service)) == 1


def test_approved_job_begins_and_it_is_kept_who_approved(service: Service, repository: StoredRepository) -> None:
    story = waiting(service, repository)
    assert decide(service, story, "approve") == 202
    assert status(service, story)[0] == "pending"
    assert len(to_do(service)) == 1
    assert service.announced.is_set(), "the dispatcher hears of it at once"
    story.start_job("deploy")
    story.finish_job("deploy")
    assert (status(service, story), shown(service, story)["decided_by"]) == (("success", ""), "ada")
    assert decide(service, story, "approve") == 409


def test_declined_job_is_cancelled_and_ends_the_run(service: Service, repository: StoredRepository) -> None:
    story = waiting(service, repository)
    assert decide(service, story, "decline") == 202
    assert status(service, story) == ("cancelled", "declined by ada")
    assert service.client.get(f"/api/runs/{story.run.id}").json()["status"] == "cancelled"
    assert to_do(service) == []


def test_only_those_who_are_named_decide(service: Service, repository: StoredRepository) -> None:
    story = waiting(service, repository, asks(Approval(users=("grace",))))
    assert decide(service, story, "approve") == decide(service, story, "decline") == 403
    assert status(service, story)[0] == "blocked"
    path = f"/api/runs/{story.run.id}/jobs/deploy/approve"
    with service.browser("grace", Role.MEMBER) as browser:
        assert browser.post(path, json={}).status_code == 202
    assert shown(service, story)["decided_by"] == "grace"


def test_job_that_does_not_wait_or_is_not_there_can_not_be_approved(
    service: Service, repository: StoredRepository
) -> None:
    story = waiting(service, repository)
    assert decide(service, story, "approve", "build") == 409
    assert decide(service, story, "approve", "nothing") == 404


def test_job_that_nobody_approves_is_timed_out(service: Service, repository: StoredRepository) -> None:
    story = waiting(service, repository, asks(Approval(timeout=timedelta(hours=2).total_seconds())))
    with service.database.write() as connection:
        assert decisions.overdue(connection) == []
        connection.execute(update(jobs).where(jobs.c.name == "deploy").values(decide_until="2026-01-01T00:00:00.000Z"))
        [late] = decisions.overdue(connection)
        decisions.end_overdue(connection, late)
        decisions.end_overdue(connection, late)
    assert status(service, story) == ("timed_out", "nobody has approved it in time")


def test_cancelled_run_asks_nobody_any_more(service: Service, repository: StoredRepository) -> None:
    story = waiting(service, repository)
    service.client.post(f"/api/runs/{story.run.id}/cancel", json={"reason": "enough"}).raise_for_status()
    assert status(service, story) == ("cancelled", "enough")
    assert service.client.get(f"/api/runs/{story.run.id}").json()["status"] == "cancelled"


def test_shortest_time_out_of_its_steps_counts(service: Service, repository: StoredRepository) -> None:
    steps = [replace(step(name), approval=Approval(timeout=hours)) for name, hours in (("a", 7200.0), ("b", 60.0))]
    story = waiting(service, repository, replace(job("deploy", *steps), depends_on=("build",)))
    with service.database.read() as connection:
        until = connection.exec_driver_sql("SELECT max(decide_until) FROM jobs").scalar_one()
        assert timedelta(days=7) == asking.LONGEST_WAIT
    created = service.client.get(f"/api/runs/{story.run.id}").json()["created_at"]
    assert created < until < created[:11] + "99"


def test_commands_decide_in_the_name_of_the_machines_user(service: Service, repository: StoredRepository) -> None:
    first, second = waiting(service, repository), waiting(service, repository)
    headrace(service, approve.command, f"acme/web#{first.run.number}")
    headrace(service, decline.command, second.run.id)
    assert status(service, first)[0] == "pending"
    assert status(service, second)[0] == "cancelled"
    assert shown(service, first)["decided_by"]
    third = waiting(service, repository, asks(Approval(users=("grace",))))
    with pytest.raises(UsageError, match="waits for grace"):
        headrace(service, approve.command, third.run.id)
    assert status(service, third)[0] == "blocked"


def headrace(service: Service, command: click.Command, run: str) -> None:
    environment = service.settings.as_environment()
    given = [run, "--job", "deploy"]
    CliRunner().invoke(command, given, env=environment, catch_exceptions=False, standalone_mode=False)
