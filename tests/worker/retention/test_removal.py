"""Retention: what goes, what stays whatever the rules say, and what is told of what has gone."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from pipelines.event import Event, EventKind
from pipelines.status import Status
from tests.waiting import wait_until
from tests.worker.conftest import EVENT, Service, job, step
from tests.worker.test_backup import tell_run
from worker.commands.retention import command
from worker.retention.keeper import Keeper
from worker.retention.orphans import sweep
from worker.retention.policy import FOREVER, Policy
from worker.retention.removal import Removed, Retention, would_remove
from worker.store import history, inbox, outbox, repositories
from worker.store.deliveries import Delivery
from worker.store.repositories import StoredRepository
from worker.store.retained import policy_of, set_policy
from worker.store.tables import deliveries, runs
from worker.store.tables import outbox as outbox_table

OTHER = Event(ref="refs/heads/next", branch="next", sha="c" * 40)


def remove(service: Service, policy: Policy) -> list[Removed]:
    """What retention removes, after a dry run has said just that."""
    expected = would_remove(service.database, policy)
    removed = Retention(service.database, service.storage, policy, pause=lambda: False).remove()
    assert removed == expected
    assert would_remove(service.database, policy) == []
    return removed


def age(service: Service, days: int, *run_ids: str) -> None:
    """These runs were made so many days ago; all, if none are named."""
    then = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    with service.database.write() as connection:
        query = update(runs).values(created_at=then)
        connection.execute(query.where(runs.c.id.in_(run_ids)) if run_ids else query)


def numbers(service: Service) -> list[int]:
    return [run["number"] for run in service.client.get("/api/runs").json()["runs"]]


@pytest.fixture
def repository(service: Service) -> StoredRepository:
    return service.add_repository()


def test_runs_go_by_age_but_never_the_last_of_a_branch(service: Service, repository: StoredRepository) -> None:
    ended = [tell_run(service, repository).run.id for _ in range(3)]
    other = tell_run(service, repository, OTHER).run.id
    age(service, 91)
    assert remove(service, Policy(runs_days=90)) == [Removed(repository="acme/web", runs=2)]
    assert numbers(service) == [4, 3]
    kept = {path.name for path in service.settings.runs_directory.iterdir()}
    assert kept == {ended[2], other}


def test_last_run_of_each_kind_of_event_stays(service: Service, repository: StoredRepository) -> None:
    tell_run(service, repository)
    tell_run(service, repository, Event(kind=EventKind.CRON, branch="main", ref="refs/heads/main", cron="nightly"))
    age(service, 500)
    assert remove(service, Policy(runs_days=90, runs_count=1, runs_per_branch=1)) == []


def test_run_that_goes_on_is_never_removed(service: Service, repository: StoredRepository) -> None:
    waiting = service.add_run(repository)
    going_on = service.add_run(repository)
    going_on.plan(job("build", step("make")))
    tell_run(service, repository)
    age(service, 500)
    assert remove(service, Policy(runs_days=1, runs_count=1, runs_per_branch=1, logs_days=1, files_bytes=1)) == []
    assert {waiting.run.number, going_on.run.number} <= set(numbers(service))


def test_run_whose_jobs_another_is_to_take_over_stays_until_that_has_ended(
    service: Service, repository: StoredRepository
) -> None:
    earlier, later = (tell_run(service, repository) for _ in range(2))
    with service.database.write() as connection:
        again = inbox.add_run(connection, repository, EVENT, kept_from=earlier.run.id)
    assert remove(service, Policy(runs_count=1)) == [Removed(repository="acme/web", runs=1)]
    assert numbers(service) == [3, 1], later.run.number
    with service.database.write() as connection:
        history.cancel(connection, again.id, "enough")
    remove(service, Policy(runs_count=1))
    assert numbers(service) == [3]


def test_run_of_which_the_forge_is_still_to_be_told_stays_until_it_is(
    service: Service, repository: StoredRepository
) -> None:
    stories = [tell_run(service, repository) for _ in range(3)]
    said = outbox.Saying(
        repository_id=repository.id,
        run_id=stories[0].run.id,
        number=1,
        sha="a" * 40,
        context="headrace/push",
        ref="main",
        status=Status.SUCCESS,
        description="passed",
    )
    with service.database.write() as connection:
        outbox.put(connection, said)
    remove(service, Policy(runs_count=1))
    assert numbers(service) == [3, 1]
    with service.database.write() as connection:
        connection.execute(update(outbox_table).values(state=outbox.LetterState.TAKEN.value))
    remove(service, Policy(runs_count=1))
    assert numbers(service) == [3]


def test_runs_go_by_number_of_their_repository_and_of_their_branch(
    service: Service, repository: StoredRepository
) -> None:
    for event in (OTHER, OTHER, None, None, None, None):
        tell_run(service, repository, *([event] if event else []))
    remove(service, Policy(runs_per_branch=3))
    assert numbers(service) == [6, 5, 4, 2, 1]
    remove(service, Policy(runs_count=2))
    assert numbers(service) == [6, 5, 2]


def test_many_runs_go_in_short_steps(service: Service, repository: StoredRepository) -> None:
    pauses: list[int] = []

    def pause() -> bool:
        pauses.append(service.count("runs"))
        return False

    for _ in range(120):
        tell_run(service, repository)
    Retention(service.database, service.storage, Policy(runs_count=1), pause=pause).remove()
    assert pauses == [70, 20]
    assert service.count("runs") == service.count("jobs") == 1
    assert service.count("tasks") == 2


def test_log_that_was_removed_says_so_everywhere(service: Service, repository: StoredRepository) -> None:
    run_id = tell_run(service, repository).run.id
    tell_run(service, repository)
    age(service, 31)
    before = datetime.now(UTC)
    assert remove(service, Policy(logs_days=30)) == [Removed(repository="acme/web", logs=1)]
    days = {f"{moment:%Y-%m-%d}" for moment in (before, datetime.now(UTC))}  # two at midnight
    answer = service.client.get(f"/api/runs/{run_id}/jobs/build/steps/make/log")
    assert answer.status_code == 410
    said = answer.json()["detail"]
    assert said in {f"the logs of this run were removed on {day} by retention: older than 30 days" for day in days}
    assert said in service.client.get("/acme/web/runs/1").text
    assert said not in service.client.get("/acme/web/runs/2").text
    [artifact] = service.client.get(f"/api/runs/{run_id}/artifacts").json()["artifacts"]
    assert service.client.get(f"/api/artifacts/{artifact['id']}/content").status_code == 200


def test_artifacts_that_were_removed_are_still_listed_and_say_so(
    service: Service, repository: StoredRepository
) -> None:
    run_id = tell_run(service, repository).run.id
    tell_run(service, repository)
    age(service, 8)
    assert remove(service, Policy(artifacts_days=7)) == [Removed(repository="acme/web", artifacts=1)]
    listed = service.client.get(f"/api/runs/{run_id}/artifacts").json()
    assert "by retention: older than 7 days" in listed["removed"]
    answer = service.client.get(f"/api/artifacts/{listed['artifacts'][0]['id']}/content")
    assert (answer.status_code, answer.json()["detail"]) == (410, listed["removed"])
    page = service.client.get("/acme/web/runs/1").text
    assert listed["removed"] in page
    assert "/content" not in page


def test_number_of_a_run_that_was_removed_is_gone_and_not_unknown(
    service: Service, repository: StoredRepository
) -> None:
    tell_run(service, repository)
    tell_run(service, repository)
    remove(service, Policy(runs_count=1))
    answer = service.client.get("/acme/web/runs/1")
    assert answer.status_code == 410
    assert "run 1 of acme/web is not kept any more" in answer.text
    assert service.client.get("/acme/web/runs/3").status_code == 404


def test_files_of_the_oldest_runs_go_when_all_take_too_much(service: Service, repository: StoredRepository) -> None:
    ended = [tell_run(service, repository).run.id for _ in range(4)]
    size_bytes = service.storage.size_bytes(ended[0])
    policy = Policy(files_bytes=2 * size_bytes + size_bytes // 2)
    Retention(service.database, service.storage, policy, pause=lambda: False).remove()
    assert [service.storage.size_bytes(run_id) > 0 for run_id in ended] == [False, False, True, True]
    assert numbers(service) == [4, 3, 2, 1]


def test_content_of_deliveries_goes_by_age_unless_their_run_goes_on(
    service: Service, repository: StoredRepository
) -> None:
    """That they were accepted stays known: a delivery that somebody has caught and sends again is no new one."""
    ended, going_on = tell_run(service, repository), service.add_run(repository)
    with service.database.write() as connection:
        for number, story in enumerate((ended, going_on), 1):
            row = {"id": number, "repository_id": repository.id, "key": f"{number}", "event": "push", "payload": b"{}"}
            connection.execute(deliveries.insert().values(**row, received_at="2026-01-01T00:00:00.000Z"))
            connection.execute(update(runs).where(runs.c.id == story.run.id).values(delivery_id=number))
        refused = {"repository_id": repository.id, "event": "push", "payload": b"x", "verdict": "refused", "id": 3}
        connection.execute(deliveries.insert().values(**refused, received_at="2026-01-01T00:00:00.000Z"))
    assert remove(service, Policy(deliveries_days=30)) == [Removed(repository="acme/web", deliveries=2)]
    path = "/api/repositories/acme/web/deliveries"
    assert [each["id"] for each in service.client.get(path).json()["deliveries"]] == [2, 1]
    assert service.client.get(f"{path}/2").status_code == 200
    answer = service.client.get(f"{path}/1")
    assert (answer.status_code, answer.json()["detail"].partition(":")[0]) == (
        410,
        "what was sent with delivery 1 is not kept any more",
    )
    with service.database.write() as connection:
        again = inbox.accept(
            connection, repository, Delivery(key="1", event="push", headers={}, payload=b"{}", size_bytes=2), [EVENT]
        )
    assert [run.id for run in again] == [ended.run.id]


@pytest.mark.parametrize(
    ("policy", "left"),
    [
        (Policy(deliveries_count=2), [4, 3]),
        (Policy(deliveries_count=9), [4, 3, 2]),
        (Policy(deliveries_bytes=250), [4, 3]),
        (Policy(deliveries_bytes=10), []),
        (Policy(deliveries_bytes=400, deliveries_count=1), [4]),
    ],
)
def test_content_of_deliveries_goes_by_number_and_size_the_oldest_first(
    service: Service, repository: StoredRepository, policy: Policy, left: list[int]
) -> None:
    other = service.add_repository(name="other")
    with service.database.write() as connection:
        for number, owner in enumerate((other, repository, repository, repository), 1):
            row = {"id": number, "repository_id": owner.id, "key": f"{number}", "event": "push", "payload": b"x" * 100}
            connection.execute(deliveries.insert().values(**row, received_at="2026-01-01T00:00:00.000Z"))
        set_policy(connection, other.id, Policy(deliveries_count=FOREVER, deliveries_bytes=FOREVER))
    remove(service, policy)
    path = "/api/repositories/acme/web/deliveries"
    assert [number for number in (4, 3, 2) if service.client.get(f"{path}/{number}").status_code == 200] == left
    assert service.client.get("/api/repositories/acme/other/deliveries/1").status_code == 200


def test_repository_s_own_rules_count_for_it_alone(service: Service, repository: StoredRepository) -> None:
    other = service.add_repository(name="other")
    for each in (repository, repository, other, other):
        tell_run(service, each)
    age(service, 100)
    with service.database.write() as connection:
        set_policy(connection, other.id, Policy(runs_days=200))
    assert remove(service, Policy(runs_days=90)) == [Removed(repository="acme/web", runs=1)]


def test_files_that_a_kill_has_left_are_swept_and_nothing_else(service: Service, repository: StoredRepository) -> None:
    known = tell_run(service, repository).run.id
    old, young, foreign = "0" * 26, "1" * 26, "mine"
    for name in (old, young, foreign):
        (service.settings.runs_directory / name / "logs").mkdir(parents=True)
    touch(service.settings.runs_directory / old, time.time() - 2 * 86400)
    touch(service.settings.runs_directory / foreign, time.time() - 2 * 86400)
    assert sweep(service.database, service.storage, pause=lambda: False) == 1
    assert {path.name for path in service.settings.runs_directory.iterdir()} == {known, young, foreign}


def touch(directory: Path, moment: float) -> None:
    for path in (*directory.rglob("*"), directory):
        os.utime(path, (moment, moment))


def test_server_s_keeper_removes_by_itself_and_ends_when_told(service: Service, repository: StoredRepository) -> None:
    for _ in range(3):
        tell_run(service, repository)
    keeper = Keeper(service.database, service.storage, Policy(runs_count=1), first_seconds=0.01)
    keeper.thread.start()
    wait_until(lambda: service.count("runs") == 1, what="the keeper has had its turn")
    keeper.thread.stop()
    assert not keeper.thread.is_alive()


def test_command_says_what_would_go_and_sets_rules(service: Service, repository: StoredRepository) -> None:
    for _ in range(3):
        tell_run(service, repository)
    place = ["--data", str(service.settings.data)]
    environment = {"HEADRACE_DATABASE_URL": service.settings.database_url}

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(command, [*arguments, *place], env=environment, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    assert (
        run("set", "acme/web", "runs_count=1", "logs=forever") == "acme/web: runs_count=1 logs=forever deliveries=90d\n"
    )
    assert run("set", "acme/web", "logs=default") == "acme/web: runs_count=1 deliveries=90d\n"
    assert "acme/web: runs_count=1 deliveries=90d\n" in run("show")
    assert run("--dry-run").startswith("acme/web: 2 runs, ")
    assert service.count("runs") == 3
    assert run().startswith("acme/web: 2 runs, ")
    assert service.count("runs") == 1
    with service.database.read() as connection:
        stored = repositories.named(connection, "acme", "web")
        assert policy_of(connection, stored.id) == Policy(runs_count=1)


def test_api_sets_and_shows_what_counts(service: Service, repository: StoredRepository) -> None:
    path = "/api/repositories/acme/web/retention"
    assert service.client.get(path).json() == {"rules": "", "in_force": "deliveries=90d"}
    answer = service.client.put(path, json={"rules": "runs=30d deliveries=forever"})
    assert answer.json() == {"rules": "runs=30d deliveries=forever", "in_force": "runs=30d deliveries=forever"}
    assert service.client.get(path).json() == answer.json()
    wrong = service.client.put(path, json={"rules": "runs=soon"})
    assert (wrong.status_code, wrong.json()["detail"].partition(":")[0]) == (400, "runs is 'soon'")
