"""What is held ready while steps run, and what becomes of it: told by the scripted backend."""

from collections.abc import Iterator
from pathlib import Path

from pipelines.status import Status
from runner.stop import Stop
from tests.runner.scripted import ScriptedBackend
from tests.runner.world import FAILURE, World, wait_for, when_it_says
from tests.waiting import wait_until


def test_the_first_steps_are_held_ready_while_the_workspace_is_filled(tmp_path: Path) -> None:
    scripted = ScriptedBackend(lanes=2)
    world = World(backend=scripted, image="scripted", directory=tmp_path)

    def tree() -> Iterator[bytes]:
        wait_until(lambda: sorted(scripted.held) == ["a", "b"], what="two steps are held")
        yield bytes(1024)

    result = world.run(*world.chain(*[world.step(name) for name in ("a", "b", "c")]), tree=tree)
    assert result.status is Status.SUCCESS
    assert scripted.held == []


def test_the_next_steps_are_held_ready_while_one_runs(tmp_path: Path) -> None:
    scripted = ScriptedBackend(lanes=1)
    world = World(backend=scripted, image="scripted", directory=tmp_path)
    held: list[list[str]] = []

    def look() -> None:
        wait_until(lambda: len(scripted.held) == 2, what="two steps are held")
        held.append(sorted(scripted.held))

    steps = world.chain(world.step("a", "echo up"), *[world.step(name) for name in ("b", "c", "d")])
    result = world.run(*steps, watch=when_it_says("up", look))
    assert held == [["b", "c"]]
    assert result.status is Status.SUCCESS
    assert scripted.released == [("a", 0), ("b", 0), ("c", 0), ("d", 0)]
    assert scripted.discarded == scripted.held == []


def test_what_a_failure_makes_vain_is_discarded(tmp_path: Path) -> None:
    scripted = ScriptedBackend(lanes=1)
    world = World(backend=scripted, image="scripted", directory=tmp_path)

    def let_fail() -> None:
        wait_until(lambda: scripted.held == ["b"], what="the step that comes next is held")
        world.touch("seen")

    bad = world.step("a", f"echo up; {wait_for('seen')}; exit 1")
    steps = world.chain(bad, world.step("b"), world.step("mourn", on=FAILURE))
    result = world.run(*steps, watch=when_it_says("up", let_fail))
    assert result.statuses() == {"a": "failure", "b": "skipped", "mourn": "success"}
    assert [name for name, _ in scripted.released] == ["a", "mourn"]
    assert scripted.discarded == ["b"]
    assert scripted.held == []


def test_a_job_that_is_stopped_discards_what_is_held(tmp_path: Path) -> None:
    scripted = ScriptedBackend(lanes=1)
    world = World(backend=scripted, image="scripted", directory=tmp_path)
    stop = Stop()

    def ask() -> None:
        wait_until(lambda: len(scripted.held) == 2, what="two steps are held")
        stop.request(Status.CANCELLED, "enough")

    steps = world.chain(world.step("a", "echo up; sleep 60"), world.step("b"), world.step("c"))
    world.run(*steps, stop=stop, watch=when_it_says("up", ask))
    assert sorted(scripted.discarded) == ["b", "c"]
    assert scripted.held == []


def test_more_steps_than_lanes_are_held_ready_for_those(tmp_path: Path) -> None:
    scripted = ScriptedBackend(lanes=2)
    world = World(backend=scripted, image="scripted", directory=tmp_path)
    result = world.run(*[world.step(str(number)) for number in range(9)])
    assert result.status is Status.SUCCESS
    assert sorted(name for name, _ in scripted.released) == [str(number) for number in range(9)]
    assert {lane for _, lane in scripted.released} == {0, 1}
    assert len(scripted.discarded) <= 1, "only the last one may find the other lane free before its own"
    assert scripted.held == []
