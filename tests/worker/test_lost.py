"""A job whose worker has vanished, and whose steps say that it is to begin anew."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from pipelines.details import Retry
from pipelines.pulls import PullProgress
from pipelines.records import AnyRecord, Log, StepFinished, Stream
from pipelines.status import Status
from runner.clock import from_now
from tests.waiting import wait_until
from tests.worker.conftest import TIME, Service, Story, job, step
from worker.continuing import Before, continued
from worker.store import history, tasks, turns
from worker.store.before import before_of

SHIP = replace(step("ship"), retry=Retry(attempts=2, on=("lost",)))
DEPLOY = job("deploy", step("make"), SHIP)


@pytest.fixture
def story(service: Service) -> Story:
    """Its first step has succeeded, and its second one runs."""
    story = service.add_run(service.add_repository())
    story.plan(DEPLOY)
    story.start_job("deploy")
    story.start_step("deploy", "make")
    story.finish_step("deploy", "make")
    story.start_step("deploy", "ship")
    story.log("deploy", "ship", 1, "one", "two")
    return story


def lose(service: Service, story: Story) -> None:
    with service.database.write() as connection:
        task = tasks.find(connection, story.task)
        assert task
        history.declare_lost(connection, task, "its worker has gone")


def deploy(service: Service, story: Story) -> dict[str, object]:
    [found] = service.client.get(f"/api/runs/{story.run.id}").json()["jobs"]
    return dict(found)


def statuses(service: Service, story: Story) -> list[str]:
    found = service.client.get(f"/api/runs/{story.run.id}").json()["jobs"][0]
    return [found["status"], *(each["status"] for each in found["steps"])]


def test_lost_job_begins_anew_and_late_records_of_its_first_attempt_are_refused(service: Service, story: Story) -> None:
    first = story.task
    lose(service, story)
    assert statuses(service, story) == ["pending", "pending", "pending"]
    assert deploy(service, story)["reason"] == "attempt 1 is lost: its worker has gone"
    late = StepFinished(
        seq=99, time=TIME, run=story.run.id, job="deploy", step="ship", status=Status.SUCCESS, duration_ms=1
    )
    with service.database.write() as connection:
        assert history.take(connection, first, [late]) == []
    story.take_job()
    assert story.task == f"{first[:-2]}-2"
    assert statuses(service, story) == ["pending", "pending", "pending"]


def test_second_attempt_may_succeed_and_both_are_shown(service: Service, story: Story) -> None:
    lose(service, story)
    story.seq = 0
    story.start_job("deploy")
    story.start_step("deploy", "make")
    story.finish_step("deploy", "make", attempt=2)
    story.start_step("deploy", "ship")
    story.finish_step("deploy", "ship", attempt=2)
    story.finish_job("deploy")
    run = service.client.get(f"/api/runs/{story.run.id}").json()
    assert (run["status"], run["jobs"][0]["reason"]) == ("success", "")
    make, ship = run["jobs"][0]["steps"]
    assert [each["status"] for each in make["attempts"]] == ["success", "success"]
    assert [each["status"] for each in ship["attempts"]] == ["lost", "success"]


def test_job_that_is_lost_too_often_is_lost(service: Service, story: Story) -> None:
    lose(service, story)
    story.seq = 0
    story.start_job("deploy")
    story.start_step("deploy", "ship")
    lose(service, story)
    assert statuses(service, story)[0] == "lost"
    assert service.client.get(f"/api/runs/{story.run.id}").json()["status"] == "lost"


def test_job_of_a_run_that_is_to_be_cancelled_does_not_begin_anew(service: Service, story: Story) -> None:
    service.client.post(f"/api/runs/{story.run.id}/cancel", json={}).raise_for_status()
    lose(service, story)
    assert statuses(service, story)[0] == "lost"


def test_lines_and_attempts_are_counted_on(service: Service, story: Story) -> None:
    lose(service, story)
    logs = service.storage.logs(story.run.id)
    with service.database.read() as connection:
        lines = {"make": 0, "ship": logs.next_line("deploy", "ship") - 1}
        before = before_of(connection, story.run.id, DEPLOY, lines.__getitem__)
    assert before["make"] == Before(attempts=1)
    assert (before["ship"].lines, before["ship"].attempts) == (2, 1)
    told: list[AnyRecord] = []
    sink = continued(told.append, before)
    place = {"seq": 1, "time": TIME, "run": story.run.id, "job": "deploy", "step": "ship"}
    sink(Log(**place, stream=Stream.STDOUT, line=1, lines=("three",)))  # type: ignore[arg-type]
    sink(StepFinished(**place, status=Status.SUCCESS, duration_ms=5))  # type: ignore[arg-type]
    line, finished = told
    assert isinstance(line, Log)
    assert isinstance(finished, StepFinished)
    assert (line.line, line.attempt, finished.attempt) == (3, 2, 2)
    assert finished.duration_ms == 5 + before["ship"].duration_ms


def test_job_begins_anew_after_the_longest_delay_of_its_steps_under_way(service: Service) -> None:
    patient = (replace(step(name), retry=Retry(attempts=2, on=("lost",), delay=delay)) for name, delay in DELAYS)
    story = service.add_run(service.add_repository())
    story.plan(job("deploy", *patient))
    story.start_job("deploy")
    for name in ("ship", "tell"):
        story.start_step("deploy", name)
    earliest = from_now(timedelta(hours=6))
    lose(service, story)
    latest = from_now(timedelta(hours=6))
    with service.database.read() as connection:
        assert turns.next_waiting(connection) == [], "its time has not come"
        assert turns.holds_any_back(connection), "so the dispatcher looks again"
        [(_, held)] = turns.waiting_of(connection, [story.run.id])
    assert earliest <= held.not_before <= latest
    assert deploy(service, story)["waits_for"] == f"until {held.not_before}, then it is tried again"


DELAYS = (("ship", 6 * 3600.0), ("tell", 3600.0), ("later", 9 * 3600.0))


def test_job_whose_delay_is_over_waits_for_its_turn_alone(service: Service) -> None:
    soon = replace(step("ship"), retry=Retry(attempts=2, on=("lost",), delay=0.05))
    story = service.add_run(service.add_repository())
    story.plan(job("deploy", soon))
    story.start_job("deploy")
    story.start_step("deploy", "ship")
    lose(service, story)
    with service.database.read() as connection:
        wait_until(lambda: turns.next_waiting(connection), what="its time has come")
        assert not turns.holds_any_back(connection)


def test_pull_of_the_attempt_that_was_lost_is_over(service: Service, story: Story) -> None:
    story.pull_image("deploy", "ship", progress=PullProgress())
    assert waits(service, story)["ship"] == "for its image: pulling busybox, waiting for the registry"
    lose(service, story)
    story.start_job("deploy")
    story.start_step("deploy", "ship")
    assert waits(service, story)["ship"] == ""


def waits(service: Service, story: Story) -> dict[str, str]:
    """What each step waits for, as the API says it."""
    [shown] = service.client.get(f"/api/runs/{story.run.id}").json()["jobs"]
    return {each["name"]: each["waits_for"] for each in shown["steps"]}
