"""The schedule over any graph: every step comes up once, none before what it depends on."""

import random

from hypothesis import given
from hypothesis import strategies as st

from pipelines.plan import PlannedStep
from pipelines.status import Status
from runner.schedule import Schedule

ENDS = (Status.SUCCESS, Status.FAILURE, Status.TIMED_OUT, Status.CANCELLED, Status.ERROR)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[PlannedStep, ...]:
    steps: list[PlannedStep] = []
    for number in range(draw(st.integers(0, 8))):
        earlier = [step.name for step in steps]
        steps.append(
            PlannedStep(
                name=str(number),
                image="i",
                depends_on=tuple(draw(st.sets(st.sampled_from(earlier)))) if earlier else (),
                on=draw(st.sampled_from([(Status.SUCCESS,), (Status.FAILURE,), (Status.SUCCESS, Status.FAILURE)])),
                failure=draw(st.sampled_from(["fail", "ignore"])),
            )
        )
    return tuple(steps)


@given(steps=graphs(), seed=st.integers(), lanes=st.integers(1, 3))
def test_every_step_comes_up_once_and_after_what_it_depends_on(
    steps: tuple[PlannedStep, ...], seed: int, lanes: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - a repeatable order, no secret
    schedule = Schedule(steps)
    running: list[PlannedStep] = []
    ended: list[str] = []

    def end(step: PlannedStep, status: Status) -> None:
        schedule.end(step, status)
        ended.append(step.name)

    while not schedule.is_done:
        for hopeless in schedule.hopeless():
            assert set(hopeless.step.depends_on) <= set(ended)
            assert schedule.job_status not in hopeless.step.on
            end(hopeless.step, Status.SKIPPED)
        startable = next(schedule.startable(), None) if len(running) < lanes else None
        if startable:
            assert set(startable.depends_on) <= set(ended)
            assert schedule.job_status in startable.on
            assert schedule.may_start(startable)
            schedule.start(startable.name)
            assert not schedule.may_start(startable)
            running.append(startable)
        elif not schedule.hopeless():
            assert running or schedule.is_done, "nothing runs and nothing can start"
            if running:
                end(running.pop(chance.randrange(len(running))), chance.choice(ENDS))
    assert sorted(ended) == sorted(step.name for step in steps)


def step(name: str, **values: object) -> PlannedStep:
    return PlannedStep(name=name, image="i", **values)  # type: ignore[arg-type] # each test gives what it is about


def test_a_job_is_as_bad_as_its_worst_step() -> None:
    schedule = Schedule((step("a"), step("b")))
    schedule.end(step("a"), Status.FAILURE)
    schedule.end(step("b"), Status.TIMED_OUT)
    assert schedule.result is Status.TIMED_OUT


def test_skipped_steps_do_not_make_a_job_skipped() -> None:
    schedule = Schedule((step("a"),))
    schedule.end(step("a"), Status.SKIPPED)
    assert schedule.result is Status.SUCCESS


def test_an_interrupted_job_runs_only_what_follows_a_failure() -> None:
    schedule = Schedule((step("a"), step("b", on=(Status.FAILURE,))))
    schedule.interrupt(Status.CANCELLED)
    assert [(each.step.name, each.reason) for each in schedule.hopeless()] == [("a", "the job was cancelled")]
    assert [each.name for each in schedule.startable()] == ["b"]


def test_steps_that_wait_for_one_another_never_come_up() -> None:
    schedule = Schedule((step("a", depends_on=("b",)), step("b", depends_on=("a",))))
    assert list(schedule.startable()) == []
    assert schedule.hopeless() == []
    assert [each.name for each in schedule.waiting] == ["a", "b"]


def expected(schedule: Schedule) -> list[str]:
    return [each.name for each in schedule.expected()]


def test_two_steps_of_a_chain_are_expected_after_the_one_that_runs() -> None:
    names = ["a", "b", "c", "d"]
    schedule = Schedule(tuple(step(name, depends_on=tuple(names[:at][-1:])) for at, name in enumerate(names)))
    assert expected(schedule) == ["a", "b"]
    schedule.start("a")
    assert expected(schedule) == ["b", "c"]
    schedule.end(step("a"), Status.SUCCESS)
    assert expected(schedule) == ["b", "c"]


def test_steps_that_wait_for_a_lane_are_expected() -> None:
    schedule = Schedule((step("a"), step("b"), step("c")))
    schedule.start("a")
    assert expected(schedule) == ["b", "c"]


def test_what_runs_after_a_failure_is_expected_only_once_one_has_come() -> None:
    steps = (step("a"), step("b", depends_on=("a",)), step("mourn", depends_on=("a",), on=(Status.FAILURE,)))
    schedule = Schedule(steps)
    schedule.start("a")
    assert expected(schedule) == ["b"]
    schedule.end(steps[0], Status.FAILURE)
    assert expected(schedule) == ["mourn"]
