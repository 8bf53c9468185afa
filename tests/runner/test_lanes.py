"""Which step has which lane, over any order of events."""

import random

from hypothesis import given
from hypothesis import strategies as st

from pipelines.plan import PlannedStep
from runner.lanes import Lanes


def step(name: str, *depends_on: str) -> PlannedStep:
    return PlannedStep(name=name, image="i", depends_on=depends_on)


@given(seed=st.integers(), count=st.integers(1, 4))
def test_a_step_that_enters_is_alone_in_its_lane(seed: int, count: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a repeatable order, no secret
    lanes = Lanes(count)
    coming = [step(str(number)) for number in range(20)]
    running: dict[str, int] = {}
    while coming or running:
        move = chance.choice(["reserve", "give up", "enter", "leave"])
        if move == "reserve" and coming:
            assert 0 <= lanes.reserve(chance.choice(coming)) < count
        elif move == "give up" and coming:
            lanes.give_up(chance.choice(coming).name)
        elif move == "enter" and coming and len(running) < count:
            name = coming.pop().name
            lane = lanes.enter(name)
            assert lane not in running.values()
            running[name] = lane
        elif move == "leave" and running:
            name = chance.choice(list(running))
            lanes.leave(name)
            del running[name]


def test_a_chain_stays_in_one_lane() -> None:
    lanes = Lanes(4)
    first = lanes.enter("a")
    assert [lanes.reserve(step("b", "a")), lanes.reserve(step("c", "b"))] == [first, first]
    for name, after in (("a", "b"), ("b", "c")):
        lanes.leave(name)
        assert lanes.enter(after) == first


def test_steps_that_wait_for_the_same_one_get_lanes_of_their_own() -> None:
    lanes = Lanes(3)
    lanes.enter("a")
    assert sorted(lanes.reserve(step(name, "a")) for name in ("b", "c", "d")) == [0, 1, 2]


def test_a_step_whose_lane_is_busy_takes_a_free_one() -> None:
    lanes = Lanes(2)
    lanes.enter("a")
    other = lanes.enter("b")
    assert lanes.reserve(step("c", "a", "b")) == 0
    lanes.leave("a")
    assert lanes.enter("hurried") == 0
    lanes.leave("b")
    assert lanes.enter("c") == other


def test_the_step_whose_lane_is_free_goes_first_and_the_one_whose_lane_is_busy_last() -> None:
    lanes = Lanes(2)
    lanes.enter("a")
    lanes.enter("b")
    assert (lanes.reserve(step("c")), lanes.reserve(step("d"))) == (0, 1)
    lanes.leave("b")
    assert sorted(["c", "d", "e"], key=lanes.suits) == ["d", "e", "c"]
