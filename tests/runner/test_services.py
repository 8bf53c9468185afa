"""Services: when the steps begin, and what a service's end means for them. In every world."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.details import Healthcheck
from pipelines.plan import PlannedStep
from pipelines.records import AnyRecord, StepFinished, Stream
from pipelines.status import Status
from runner.stop import Stop
from tests.runner.scripted import ScriptedBackend
from tests.runner.world import BOTH, FAILURE, World, wait_for, when_it_says
from tests.waiting import wait_until

FOREVER = "while :; do sleep 0.05; done"
UP = wait_for("up")


def test_services_run_before_the_steps_and_until_their_end(world: World) -> None:
    service = world.step("db", "echo serving; touch ready; while :; do sleep 0.05; done")
    result = world.run(world.step("a", wait_for("ready"), timeout=60), services=(service,))
    assert result.started() == ["db", "a"]
    assert result.lines("db") == ["serving"]
    assert result.finished("db").status is Status.SUCCESS
    assert result.finished("db").reason == "stopped at the end of the job"
    assert result.status is Status.SUCCESS


def test_a_service_that_dies_is_told_at_once(world: World) -> None:
    """Its Record comes while the step still runs: the step ends only once the Record is there."""
    step = world.step("a", "touch running", wait_for("told"), timeout=60)
    service = world.step("db", wait_for("running"), "exit 9")
    result = world.run(step, services=(service,), watch=when_it_ends("db", lambda: world.touch("told")))
    assert result.finished("a").status is Status.SUCCESS
    finished = [each.step for each in result.records if isinstance(each, StepFinished)]
    assert finished == ["db", "a"]
    assert result.finished("db").exit_code == 9


def test_a_service_that_cannot_start_is_an_error_of_the_job(world: World) -> None:
    service = world.step("db", "true", image="missing/db")
    result = world.run(world.step("a"), services=(service,))
    assert result.statuses() == {"db": "error", "a": "skipped"}
    assert result.status is Status.ERROR
    assert result.job.reason.startswith("service db: image missing/db: ")


def when_it_ends(service: str, act: Callable[[], None]) -> Callable[[AnyRecord], None]:
    """A watcher that acts once the end of a service is told."""

    def watch(record: AnyRecord) -> None:
        if isinstance(record, StepFinished) and record.step == service:
            act()

    return watch


HEALTHY_LATE = Healthcheck(command=("[ -e healthy ]",))


def test_steps_wait_until_a_service_is_healthy(world: World) -> None:
    service = world.step("db", "sleep 0.7; touch healthy", FOREVER, healthcheck=HEALTHY_LATE)
    result = world.run(world.step("a", "[ -e healthy ]"), services=(service,))
    assert result.status is Status.SUCCESS
    assert result.finished("db").reason == "stopped at the end of the job"


def test_the_first_steps_are_made_ready_while_a_service_is_not(tmp_path: Path) -> None:
    scripted = ScriptedBackend(lanes=2)
    world = World(backend=scripted, image="scripted", directory=tmp_path)
    held: list[list[str]] = []

    def look() -> None:
        wait_until(lambda: len(scripted.held) == 2, what="two steps are held")
        held.append(sorted(scripted.held))

    service = world.step("db", "sleep 0.5; echo up; touch healthy", FOREVER, healthcheck=HEALTHY_LATE)
    steps = world.chain(world.step("a", "[ -e healthy ]"), world.step("b"))
    result = world.run(*steps, services=(service,), watch=when_it_says("up", look))
    assert held == [["a", "b"]]
    assert result.status is Status.SUCCESS


@pytest.mark.parametrize(
    ("check", "why"),
    [
        (Healthcheck(command=(UP, "echo no table yet; exit 1"), retries=2, interval=0.1), "after 2 checks"),
        (Healthcheck(command=(UP, "echo no table yet; exit 1"), retries=1, start_period=0.5), "after one check"),
        (Healthcheck(command=(UP, "echo no table yet; sleep 60"), retries=1, timeout=5.0), "after one check"),
    ],
)
def test_a_service_that_never_gets_healthy_fails_the_job(world: World, check: Healthcheck, why: str) -> None:
    service = world.step("db", "echo starting; touch up", FOREVER, healthcheck=check)
    steps = world.chain(world.step("a"), world.step("mourn", on=FAILURE))
    result = world.run(*steps, services=(service,))
    reason = f"not healthy {why}; its check says: no table yet"
    assert (result.finished("db").status, result.finished("db").reason) == (Status.FAILURE, reason)
    assert result.lines("db", Stream.STDOUT) == ["starting"]
    assert result.finished("a").status is Status.SKIPPED
    assert result.finished("a").reason == "a service failed: db"
    assert result.finished("mourn").status is Status.SUCCESS
    assert (result.status, result.job.reason) == (Status.FAILURE, f"service db: {reason}")


def test_failures_within_the_start_period_do_not_count(world: World) -> None:
    check = Healthcheck(command=("[ -e healthy ]",), retries=1, interval=0.1, start_period=20.0)
    service = world.step("db", "sleep 0.6; touch healthy", FOREVER, healthcheck=check)
    assert world.run(world.step("a"), services=(service,)).status is Status.SUCCESS


def test_a_service_that_ends_before_it_is_healthy_fails_the_job(world: World) -> None:
    service = world.step("db", "echo broken; exit 7", healthcheck=Healthcheck(command=("false",)))
    result = world.run(world.step("a"), services=(service,))
    assert result.lines("db", Stream.STDOUT) == ["broken"]
    assert result.finished("a").status is Status.SKIPPED
    assert (result.status, result.job.reason) == (Status.FAILURE, "service db: exit code 7")


def dying(world: World, **values: object) -> tuple[PlannedStep, PlannedStep]:
    """A service that ends with an error while a step runs, and that step, which waits until it is `told`."""
    service = world.step("db", wait_for("bye"), "exit 3", **values)
    return service, world.step("a", "touch bye", wait_for("told"), timeout=60)


def test_a_service_that_fails_while_steps_run_fails_the_job(world: World) -> None:
    """What runs goes on, what was to come is left out."""
    service, step = dying(world)
    steps = world.chain(step, world.step("b"), world.step("mourn", on=FAILURE), world.step("always", on=BOTH))
    result = world.run(*steps, services=(service,), watch=when_it_ends("db", lambda: world.touch("told")))
    assert result.statuses() == {
        "db": "failure",
        "a": "success",
        "b": "skipped",
        "mourn": "success",
        "always": "success",
    }
    assert result.finished("b").reason == "a service failed: db"
    assert (result.status, result.job.reason) == (Status.FAILURE, "service db: exit code 3")


def test_a_services_failure_may_be_ignored(world: World) -> None:
    service, step = dying(world, failure="ignore")
    told = when_it_ends("db", lambda: world.touch("told"))
    result = world.run(*world.chain(step, world.step("b")), services=(service,), watch=told)
    assert result.statuses() == {"db": "failure", "a": "success", "b": "success"}
    assert (result.status, result.job.reason) == (Status.SUCCESS, "")


def test_a_services_failure_may_cancel_the_run(world: World) -> None:
    stop = Stop()
    service = world.step("db", wait_for("bye"), "exit 3", failure="cancel")
    result = world.run(world.step("a", "touch bye; sleep 60"), services=(service,), stop=stop)
    assert result.statuses() == {"db": "failure", "a": "cancelled"}
    assert stop.reason == "service db failed and cancels the run"
    assert result.status is Status.FAILURE


def test_a_service_that_ends_well_is_no_failure(world: World) -> None:
    result = world.run(world.step("a", wait_for("set-up"), timeout=60), services=(world.step("db", "touch set-up"),))
    assert result.finished("db").status is Status.SUCCESS
    assert result.status is Status.SUCCESS


def test_a_cancel_does_not_wait_for_health(world: World) -> None:
    stop = Stop()
    service = world.step("db", "echo up", FOREVER, healthcheck=Healthcheck(command=("false",), retries=1000))
    watch = when_it_says("up", lambda: stop.request(Status.CANCELLED, "enough"))
    result = world.run(world.step("a"), services=(service,), stop=stop, watch=watch)
    assert result.statuses() == {"db": "cancelled", "a": "skipped"}
    assert result.status is Status.CANCELLED
