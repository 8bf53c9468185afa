"""A step writes, those after it read. In every world."""

import pytest

from pipelines.details import Retry, SecretReference
from pipelines.plan import PlannedStep
from pipelines.records import Stream
from pipelines.status import Status
from tests.runner.world import FAILURE, World

WRITE = "echo VERSION=1.$CI_ATTEMPT >> $CI_OUTPUT"


def test_later_steps_see_what_a_step_has_written(world: World) -> None:
    steps = world.chain(
        world.step("a", WRITE, "echo TAG=v1 >> $CI_OUTPUT", outputs=("VERSION", "TAG")),
        world.step("b", "echo $VERSION $TAG"),
        world.step("c", "echo $VERSION $TAG", environment={"TAG": "mine"}),
    )
    result = world.run(*steps, variables={"VERSION": "from the run"})
    assert result.lines("b") == ["1.1 v1"]
    assert result.lines("c") == ["1.1 mine"]
    assert result.finished("a").outputs == {"VERSION": "1.1", "TAG": "v1"}
    assert result.finished("b").outputs == {}


def test_only_what_is_declared_is_seen_and_the_rest_is_told(world: World) -> None:
    write = "echo PATH=/nowhere >> $CI_OUTPUT; echo nonsense >> $CI_OUTPUT"
    result = world.run(*world.chain(world.step("a", write, outputs=("VERSION",)), world.step("b", "ls / > /dev/null")))
    assert result.statuses() == {"a": "success", "b": "success"}
    assert [line for line in result.lines("a", Stream.SYSTEM) if line.startswith("outputs: ")] == [
        "outputs: line 1 is not of VERSION",
        "outputs: line 2 is not NAME=value",
        "outputs: VERSION was not written",
    ]


def test_a_step_that_writes_later_wins(world: World) -> None:
    writers = [world.step(name, f"echo V={name} >> $CI_OUTPUT", outputs=("V",)) for name in ("a", "b")]
    assert world.run(*world.chain(*writers, world.step("c", "echo $V"))).lines("c") == ["b"]


def test_what_a_failed_step_has_written_is_there_for_those_after_a_failure(world: World) -> None:
    step = world.step("a", WRITE, "exit 1", outputs=("VERSION",))
    result = world.run(*world.chain(step, world.step("mourn", "echo $VERSION", on=FAILURE)))
    assert result.lines("mourn") == ["1.1"]


def test_each_attempt_begins_with_an_empty_file(world: World) -> None:
    write = f"[ ! -s $CI_OUTPUT ]; {WRITE}"
    step = world.step("a", write, "[ $CI_ATTEMPT = 2 ]", outputs=("VERSION",), retry=Retry(attempts=2))
    result = world.run(*world.chain(step, world.step("b", "echo $VERSION")))
    assert result.lines("b") == ["1.2"]
    assert result.finished("a").outputs == {"VERSION": "1.2"}


def test_a_secret_that_is_an_output_is_known_in_its_job_and_hidden_outside(world: World) -> None:
    world.secrets = {"token": "secret-value"}
    token = {"T": SecretReference("token")}
    step = world.step("a", 'echo "KEY=x-$T" >> $CI_OUTPUT', outputs=("KEY",), environment=token)
    result = world.run(*world.chain(step, world.step("b", '[ "$KEY" = "x-secret""-value" ]')))
    assert result.status is Status.SUCCESS
    assert result.finished("a").outputs == {"KEY": "x-********"}
    assert not any("secret-value" in str(record) for record in result.records)


@pytest.mark.parametrize("fill", ["yes X=1 | head -c 70000 >> $CI_OUTPUT", "truncate -s 8G $CI_OUTPUT"])
def test_more_than_an_environment_takes_is_a_failure_that_says_so(world: World, fill: str) -> None:
    """Of a file that is much larger only the beginning is read."""
    step = world.step("a", fill, outputs=("X",))
    result = world.run(*world.chain(step, world.step("b")))
    assert result.finished("a").status is Status.FAILURE
    assert result.finished("a").reason == "outputs: $CI_OUTPUT holds more than 64 KiB"
    assert result.statuses()["b"] == "skipped"


@pytest.mark.parametrize("size", [5_000, 60_000])
def test_what_is_too_long_for_the_gate_reaches_the_step_all_the_same(world: World, size: int) -> None:
    """The next step is ready by then, and is made anew."""
    write = f"sleep 0.5; echo LONG=$(yes | head -c {2 * size} | tr -d '\\n') >> $CI_OUTPUT"
    steps = world.chain(world.step("a", write, outputs=("LONG",)), world.step("b", "echo ${#LONG}"))
    result = world.run(*steps)
    assert result.lines("b") == [str(size)]
    assert result.status is Status.SUCCESS


@pytest.mark.parametrize("become", ["", "ln -s $PWD/real $CI_OUTPUT", "mkdir $CI_OUTPUT"])
def test_a_file_that_is_no_file_any_more_holds_nothing(world: World, become: str) -> None:
    result = world.run(world.step("a", "echo X=1 > real; rm $CI_OUTPUT", become or "true", outputs=("X",)))
    assert result.status is Status.SUCCESS
    assert result.finished("a").outputs == {}


def test_any_user_and_any_program_may_write(containers: World) -> None:
    """Also where there is no shell of ours, and after a step that has spoilt the place."""
    spoil = containers.step("spoil", "rm -rf /headrace/.headrace; ln -s /etc /headrace/.headrace")
    entry = ("/bin/sh", "-c", "id -u; echo VERSION=7 > $CI_OUTPUT")
    writer = PlannedStep(
        name="a", image=containers.image, entrypoint=entry, outputs=("VERSION",), user="1234", depends_on=("spoil",)
    )
    reader = containers.step("b", "echo $VERSION", depends_on=("a",))
    waiting = containers.step("w", depends_on=("spoil",))
    result = containers.run(spoil, waiting, writer, reader)
    assert result.lines("a") == ["1234"]
    assert result.lines("b") == ["7"]


def test_a_step_without_outputs_has_no_such_file(world: World) -> None:
    assert world.run(world.step("a", "echo ${CI_OUTPUT-none}")).lines("a") == ["none"]
