"""A value that is made once, however many ask."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from runner.once import Once


def test_many_who_ask_at_the_same_time_get_one_value() -> None:
    together = Barrier(8)
    once = Once(object)

    def ask(_number: int) -> object:
        together.wait()
        return once()

    with ThreadPoolExecutor(8) as pool:
        assert len({id(value) for value in pool.map(ask, range(8))}) == 1


def test_a_failure_is_raised_and_not_kept() -> None:
    answers = iter(["bad", "good"])

    def make() -> str:
        answer = next(answers)
        if answer == "bad":
            raise ValueError(answer)
        return answer

    once = Once(make)
    with pytest.raises(ValueError, match="bad"):
        once()
    assert (once(), once()) == ("good", "good")
