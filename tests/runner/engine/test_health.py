"""Services with a health check of their own, on a real engine: steps wait for it, and learn why it isn't met."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest

from pipelines.details import Healthcheck
from pipelines.plan import PlannedStep
from pipelines.records import AnyRecord, StepStarted, Stream
from pipelines.status import Status
from runner.engine.client import Engine, Image
from runner.engine.health import HealthCheck, check_of
from runner.errors import StepError
from runner.stop import Stop
from tests.runner.world import World

pytestmark = pytest.mark.docker

SERVE = "mkdir /www; until [ -e /headrace/src/go ]; do sleep 0.05; done; echo yes > /www/index.html; "
PROGRAM = f'ENTRYPOINT ["/bin/sh", "-c", "{SERVE}echo serving; httpd -f -p 80 -h /www"]'


@pytest.fixture
def image(engine: Engine, busybox: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Busybox with these Dockerfile lines on top, gone at the end."""
    name = f"headrace/test-health-{abs(hash(request.node.name))}:local"
    made = subprocess.run(["docker", "create", busybox], check=True, capture_output=True, text=True).stdout.strip()
    changes = [argument for line in request.param for argument in ("--change", line)]
    subprocess.run(["docker", "commit", *changes, made, name], check=True, capture_output=True)
    subprocess.run(["docker", "rm", made], check=True, capture_output=True)
    yield name
    subprocess.run(["docker", "image", "rm", name], check=True, capture_output=True)


def made_of(*lines: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("image", [lines], indirect=True, ids=["image"])


@made_of(PROGRAM, 'HEALTHCHECK --interval=10m CMD ["wget", "-qO-", "http://127.0.0.1/"]')
def test_steps_wait_until_the_service_is_healthy(containers: World, image: str) -> None:
    """The service answers only some time after it has started; its image would have the engine ask in ten minutes."""
    service = PlannedStep(name="web", image=image)
    result = containers.run(containers.step("a", "wget -qO- http://web/"), services=(service,), files={"go": ""})
    assert result.lines("a", Stream.STDOUT) == ["yes"]
    assert result.lines("web", Stream.STDOUT) == ["serving"]


@made_of('ENTRYPOINT ["/bin/sleep", "60"]', "HEALTHCHECK CMD echo no table yet; exit 1")
def test_a_service_that_does_not_become_healthy_fails_the_job_with_what_its_check_said(
    containers: World, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_health_to(monkeypatch, 4.0)
    result = containers.run(containers.step("a"), services=(PlannedStep(name="db", image=image),))
    reason = "not healthy within 4 s; its check says: no table yet"
    assert result.finished("db").status is Status.FAILURE
    assert result.finished("db").reason == reason
    assert result.finished("a").status is Status.SKIPPED
    assert result.job.reason == f"service db: {reason}"
    assert result.status is Status.FAILURE


@made_of('ENTRYPOINT ["/bin/sleep", "60"]', "HEALTHCHECK CMD sleep 60")
def test_a_check_that_hangs_is_given_up(containers: World, image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    limit_health_to(monkeypatch, 0.5)
    result = containers.run(containers.step("a"), services=(PlannedStep(name="db", image=image),))
    assert result.finished("db").reason == ("not healthy within 0.5 s; its check says: nothing, it has not ended")


@made_of('ENTRYPOINT ["/bin/sh", "-c", "echo broken; exit 7"]', "HEALTHCHECK CMD exit 1")
def test_a_service_that_ends_before_it_is_healthy_is_told_by_its_exit_code(containers: World, image: str) -> None:
    result = containers.run(containers.step("a"), services=(PlannedStep(name="db", image=image),))
    assert result.finished("db").exit_code == 7
    assert result.finished("db").reason == "exit code 7"
    assert result.lines("db") == ["broken"]
    assert result.job.reason == "service db: exit code 7"


@made_of('ENTRYPOINT ["/bin/sleep", "60"]', "HEALTHCHECK CMD exit 1")
def test_a_job_that_is_stopped_does_not_wait_for_health(containers: World, image: str) -> None:
    stop = Stop()

    def watch(record: AnyRecord) -> None:
        if isinstance(record, StepStarted):
            stop.request(Status.CANCELLED, "enough")

    result = containers.run(
        containers.step("a"), services=(PlannedStep(name="db", image=image),), stop=stop, watch=watch
    )
    assert result.status is Status.CANCELLED
    assert result.finished("db").status is Status.CANCELLED


@made_of("HEALTHCHECK --interval=1s CMD touch /headrace/src/asked")
def test_nobody_asks_a_step_or_goes_on_asking_a_service(containers: World, image: str) -> None:
    """An engine would, for as long as they run."""
    service = PlannedStep(name="db", image=image, entrypoint=("sleep", "60"))
    step = containers.step("a", "sleep 2.5; [ ! -e asked ]", image=image)
    assert containers.run(step, services=(service,)).finished("a").status is Status.SUCCESS


@made_of("HEALTHCHECK CMD exit 1")
def test_commands_in_place_of_the_images_program_are_not_held_to_its_check(containers: World, image: str) -> None:
    service = PlannedStep(name="db", image=image, commands=("echo up; sleep 60",))
    result = containers.run(containers.step("a", "true"), services=(service,))
    assert result.statuses() == {"a": "success", "db": "success"}


def test_a_detached_step_is_reached_by_its_name_from_every_step(containers: World) -> None:
    serve = containers.step("web", "mkdir /www; echo here > /www/index.html; httpd -f -p 80 -h /www", detach=True)
    fetch = "until wget -qO- http://web; do sleep 0.05; done"
    steps = [containers.step(name, fetch, depends_on=("web",), timeout=60) for name in ("a", "b")]
    result = containers.run(serve, *steps)
    assert [result.lines(name, Stream.STDOUT) for name in ("a", "b")] == [["here"], ["here"]]


IMAGE = Image(  # noqa: S604 - `shell` is a value here, nothing is called
    id="",
    digests=(),
    architecture="",
    entrypoint=(),
    command=(),
    shell=("/bin/bash", "-c"),
    health=(),
)


@pytest.mark.parametrize(
    ("health", "command"),
    [
        ((), None),
        (("NONE",), None),
        (("CMD", "pg_isready", "-q"), ("pg_isready", "-q")),
        (("CMD-SHELL", "test -e x || exit 1"), ("/bin/bash", "-c", "test -e x || exit 1")),
    ],
)
def test_a_check_is_a_command_in_the_images_own_shell(health: tuple[str, ...], command: tuple[str, ...] | None) -> None:
    check = check_of(PlannedStep(name="db", image="i"), replace(IMAGE, health=health))
    assert (check and check.command) == command


HEALTHY = replace(IMAGE, health=("CMD", "is_ready"))
COMMANDS = PlannedStep(name="db", image="i", commands=("serve",))


def test_a_services_own_check_goes_before_its_images_and_runs_in_the_images_shell() -> None:
    asked = Healthcheck(command=("test -e x",), interval=2.0, timeout=3.0, retries=4, start_period=5.0)
    assert check_of(msgspec.structs.replace(COMMANDS, healthcheck=asked), HEALTHY) == HealthCheck(
        command=("/bin/bash", "-c", "test -e x"),
        interval_seconds=2.0,
        one_check_seconds=3.0,
        retries=4,
        start_seconds=5.0,
    )


def test_several_commands_must_all_succeed() -> None:
    check = check_of(msgspec.structs.replace(COMMANDS, healthcheck=Healthcheck(command=("a", "b"))), IMAGE)
    assert check == HealthCheck(command=("/bin/bash", "-c", "set -e\na\nb"))


def test_the_images_check_can_be_asked_for_and_told_how_long_it_has() -> None:
    asked = msgspec.structs.replace(COMMANDS, healthcheck=Healthcheck(retries=9))
    assert check_of(asked, HEALTHY) == HealthCheck(command=("is_ready",), retries=9)
    assert check_of(COMMANDS, HEALTHY) is None
    with pytest.raises(StepError, match="`healthcheck` has no `command`, and image i brings no check of its own"):
        check_of(asked, IMAGE)


def test_a_services_own_check_runs_in_its_container(containers: World) -> None:
    service = containers.step(
        "db", "sleep 0.5; touch /ready; sleep 60", healthcheck=Healthcheck(command=("ls /ready",))
    )
    result = containers.run(containers.step("a", "[ ! -e /ready ]"), services=(service,))
    assert result.statuses() == {"a": "success", "db": "success"}


def limit_health_to(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    def limited(service: PlannedStep, image: Image) -> HealthCheck | None:
        check = check_of(service, image)
        return check and replace(check, limit_seconds=seconds)

    monkeypatch.setattr("runner.engine.containers.check_of", limited)
