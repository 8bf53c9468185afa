"""The order of a plan's parts, as numbers."""

from runner.order import places


def test_those_that_wait_for_the_same_have_the_same_number() -> None:
    assert places({"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ()}) == {
        "a": 1,
        "b": 2,
        "c": 2,
        "d": 3,
        "e": 1,
    }


def test_number_comes_after_the_last_of_what_is_waited_for() -> None:
    assert places({"d": ("a", "c"), "c": ("b",), "b": ("a",), "a": ()}) == {"a": 1, "b": 2, "c": 3, "d": 4}


def test_what_does_not_run_is_nothing_to_wait_for() -> None:
    assert places({"a": ("left-out",)}) == {"a": 1}


def test_circle_still_gets_numbers() -> None:
    assert places({"a": (), "b": ("c",), "c": ("b",)}) == {"a": 1, "b": 2, "c": 2}
