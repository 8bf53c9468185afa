"""Turns: who is asked for comes in file order, apart by the state of the job in which they run."""

import random

from hypothesis import given
from hypothesis import strategies as st

from pipelines.plan import PlannedStep
from pipelines.status import Status
from runner.turns import Turns

ONS = ((Status.SUCCESS,), (Status.FAILURE,), (Status.SUCCESS, Status.FAILURE))


@given(seed=st.integers(), ons=st.lists(st.sampled_from(ONS), max_size=9))
def test_those_who_are_here_come_in_file_order_in_the_state_that_they_run_in(
    seed: int, ons: list[tuple[Status, ...]]
) -> None:
    chance = random.Random(seed)  # noqa: S311 - a repeatable order, no secret
    steps = tuple(PlannedStep(name=str(number), image="i", on=on) for number, on in enumerate(ons))
    turns = Turns(steps)
    for step in chance.sample(steps, len(steps)):
        turns.add(step)
    gone = chance.sample(steps, len(steps) // 2)
    for step in gone + gone[:1]:
        turns.drop(step)
    here = [step for step in steps if step not in gone]
    assert [step for step in steps if step in turns] == here
    for status in (Status.SUCCESS, Status.FAILURE):
        assert list(turns.that_run(status)) == [step for step in here if status in step.on]
        assert turns.that_do_not_run(status) == [step for step in here if status not in step.on]


def test_a_step_of_another_job_is_never_here() -> None:
    turns = Turns((PlannedStep(name="a", image="i"),))
    stranger = PlannedStep(name="service", image="i")
    turns.drop(stranger)
    assert stranger not in turns
