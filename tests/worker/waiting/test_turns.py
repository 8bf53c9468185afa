"""Whose turn it is."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from worker.waiting.turns import UnderWay, WaitingTask, WorkerClass, turns

PLAIN = WorkerClass(queue="plain", labels={"repo": "*"}, workers=1, free=1)
GPU = WorkerClass(queue="gpu", labels={"repo": "*", "gpu": "true"}, workers=1, free=1)
NOTHING = UnderWay()


def task(
    name: str,
    *,
    repository: int = 1,
    run: str = "r1",
    is_planning: bool = False,
    priority: int = 0,
    group: str = "",
    limit: int = 1,
    came: int = 0,
    **labels: str,
) -> WaitingTask:
    return WaitingTask(
        id=name,
        repository=repository,
        run=run,
        is_planning=is_planning,
        priority=priority,
        labels=labels,
        group=group,
        limit=limit,
        came=("", came),
    )


def names(tasks: list[WaitingTask], *classes: WorkerClass, under_way: UnderWay = NOTHING) -> list[str]:
    return [turn.task for turn in turns(tasks, classes, under_way)]


def with_free(worker_class: WorkerClass, free: int) -> WorkerClass:
    return replace(worker_class, workers=max(free, worker_class.workers), free=free)


def test_as_many_get_their_turn_as_workers_are_free() -> None:
    waiting = [task("a", came=1), task("b", came=2), task("c", came=3)]
    assert names(waiting, with_free(PLAIN, 2)) == ["a", "b"]
    assert names(waiting, with_free(PLAIN, 0)) == []
    assert names(waiting) == []


def test_jobs_of_an_older_run_go_before_those_of_a_newer_one() -> None:
    assert names([task("new", run="r2", came=1), task("old", run="r1", came=2)], with_free(PLAIN, 1)) == ["old"]


def test_higher_priority_goes_first() -> None:
    waiting = [task("a", came=1), task("urgent", repository=2, run="r9", priority=5, came=9)]
    assert names(waiting, with_free(PLAIN, 1)) == ["urgent"]


def test_repository_with_less_under_way_goes_first() -> None:
    waiting = [task(f"a{n}", repository=1, run="r1", came=n) for n in range(5)]
    waiting += [task("b", repository=2, run="r7", came=9)]
    assert names(waiting, with_free(PLAIN, 3)) == ["a0", "b", "a1"]
    assert names(waiting, with_free(PLAIN, 1), under_way=UnderWay(tasks={1: 1})) == ["b"]


def test_job_goes_to_a_worker_that_has_its_labels() -> None:
    found = turns([task("t", gpu="true")], [PLAIN, GPU], NOTHING)
    assert [(turn.task, turn.queue) for turn in found] == [("t", "gpu")]
    assert names([task("t", gpu="true")], PLAIN) == []


def test_special_worker_stays_free_for_what_asks_for_it() -> None:
    found = turns([task("plain", came=1), task("t", gpu="true", came=2)], [GPU, PLAIN], NOTHING)
    assert {turn.task: turn.queue for turn in found} == {"plain": "plain", "t": "gpu"}


def test_job_that_no_worker_may_take_holds_up_no_other() -> None:
    assert names([task("t", came=1, gpu="true"), task("u", came=2)], PLAIN) == ["u"]


def test_concurrency_group_lets_so_many_run_in_the_order_in_which_they_came() -> None:
    waiting = [task("late", run="r1", group="g", limit=2, came=3), task("early", run="r2", group="g", limit=2, came=1)]
    waiting += [task("middle", run="r3", group="g", limit=2, came=2)]
    assert names(waiting, with_free(PLAIN, 9)) == ["early", "middle"]
    assert names(waiting, with_free(PLAIN, 9), under_way=UnderWay(groups={(1, "g"): 1})) == ["early"]
    assert names(waiting, with_free(PLAIN, 9), under_way=UnderWay(groups={(2, "g"): 2})) == ["early", "middle"]


def test_job_that_waits_for_its_group_holds_up_no_other() -> None:
    waiting = [task("in", group="g", came=1), task("out", came=2)]
    assert names(waiting, with_free(PLAIN, 9), under_way=UnderWay(groups={(1, "g"): 1})) == ["out"]


def test_repository_at_its_limit_of_runs_plans_no_other_and_its_jobs_go_on() -> None:
    waiting = [task("plan", run="r2", is_planning=True, came=1), task("job", run="r1", came=2)]
    under_way = UnderWay(runs={1: 2}, max_runs={1: 2})
    assert names(waiting, with_free(PLAIN, 9), under_way=under_way) == ["job"]
    waiting = [task(f"p{n}", run=f"r{n}", is_planning=True, came=n) for n in range(4)]
    assert names(waiting, with_free(PLAIN, 9), under_way=UnderWay(max_runs={1: 2})) == ["p0", "p1"]


TASKS = st.lists(
    st.builds(
        task,
        st.uuids().map(str),
        repository=st.integers(1, 3),
        run=st.sampled_from("abcd"),
        is_planning=st.booleans(),
        priority=st.integers(-1, 1),
        group=st.sampled_from(["", "g"]),
        limit=st.just(2),
        came=st.integers(0, 9),
    ),
    max_size=20,
)


@given(TASKS, st.integers(0, 6))
def test_no_limit_is_ever_passed_and_no_worker_is_left_idle_for_nothing(tasks: list[WaitingTask], free: int) -> None:
    under_way = UnderWay(max_runs={1: 1})
    found = set(names(tasks, with_free(PLAIN, free), under_way=under_way))
    given_out = [each for each in tasks if each.id in found]
    assert len(given_out) <= free
    for repository in (1, 2, 3):
        assert sum(each.repository == repository and each.group == "g" for each in given_out) <= 2
    assert sum(each.repository == 1 and each.is_planning for each in given_out) <= 1
    if len(given_out) < free:
        for left in (each for each in tasks if each.id not in found):
            assert left.group or (left.repository == 1 and left.is_planning)
