"""A file that was written to be slow is answered at once.

What is held here is counted: calls, of Python's functions and of C's, which are the same on every machine however busy
it is. `bench/language.py` measures the milliseconds.
"""

import sys
from collections.abc import Callable
from types import FrameType

import pytest

from pipelines import globs
from pipelines.expressions import expression, machine
from pipelines.lint import lint
from pipelines.plan import encode
from pipelines.planner import make_plan
from pipelines.substitution import templates
from tests.pipelines.hostile import EVENT, SHAPES

MOST_CALLS = 1_000_000  # some 80 ms
MOST_BYTES = 20_000_000
CACHES = (globs.glob, expression._read, machine.complaint, machine._compiled, machine._edges, templates.parse)

every_shape = pytest.mark.parametrize("name", SHAPES)


@every_shape
@pytest.mark.parametrize("size", [60, 500, 30_000])
def test_no_file_makes_more_than_a_moment_of_work(name: str, size: int) -> None:
    text = SHAPES[name](size).encode()
    assert calls(lambda: lint({".headrace/a.yaml": text}, is_whole_run=True)) < MOST_CALLS
    assert calls(lambda: make_plan({".woodpecker/a.yaml": text}, EVENT)) < MOST_CALLS


@every_shape
def test_twice_the_file_is_no_more_than_twice_the_work(name: str) -> None:
    """Nothing is quadratic, which with larger files and bounds it would soon be."""
    once, twice = (SHAPES[name](size).encode() for size in (50, 100))
    work = calls(lambda: make_plan({".headrace/a.yaml": once}, EVENT))
    assert calls(lambda: make_plan({".headrace/a.yaml": twice}, EVENT)) < 2.2 * work + 10_000


@every_shape
def test_plan_of_a_hostile_file_is_no_bomb_either(name: str) -> None:
    for size in (60, 500):
        plan = make_plan({".headrace/a.yaml": SHAPES[name](size).encode()}, EVENT)
        assert plan.jobs or plan.problems
        assert len(encode(plan)) < MOST_BYTES


def calls(work: Callable[[], object]) -> int:
    """How many calls it makes, with nothing remembered from before."""
    for cache in CACHES:
        cache.cache_clear()
    count = 0

    def profile(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count
