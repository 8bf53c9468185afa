"""What is said of that which waits."""

import pytest

from pipelines.pulls import PullProgress
from pipelines.records import ImagePull
from worker.waiting.phrases import Facts, job_phrase, step_phrase, task_phrase
from worker.waiting.turns import UnderWay, WaitingTask, WorkerClass

PLAIN = WorkerClass(queue="plain", labels={"repo": "*"}, workers=2, free=1)
BUSY = WorkerClass(queue="busy", labels={"repo": "*"}, workers=2, free=0)
LAST = WorkerClass(queue="last", labels={"repo": "*", "gpu": "true"}, workers=1, free=0)
CHOOSY = WorkerClass(queue="choosy", labels={"repo": "acme/other"}, workers=1, free=1)
REPO = {"repo": "acme/web"}


def job(group: str = "", **labels: str) -> WaitingTask:
    return WaitingTask(id="t", repository=1, run="r", is_planning=False, labels=REPO | labels, group=group, limit=1)


PLANNING = WaitingTask(id="t", repository=1, run="r", is_planning=True, labels=REPO)
LIMITED = UnderWay(runs={1: 2}, max_runs={1: 2})


@pytest.mark.parametrize(
    ("task", "facts", "phrase"),
    [
        (job(), Facts(), "for a worker; none is connected"),
        (job(gpu="true"), Facts(classes=[PLAIN]), "for a worker with gpu=true; none is connected"),
        (job(), Facts(classes=[CHOOSY]), "for a worker with repo=acme/web; none is connected"),
        (job(), Facts(classes=[BUSY]), "for a free worker: all 2 are at work"),
        (job(gpu="true"), Facts(classes=[PLAIN, LAST]), "for a free worker: the only one is at work"),
        (job(), Facts(classes=[PLAIN]), "for its turn"),
        (job("deploy"), Facts(classes=[PLAIN], ahead=2), "2 runs are before it in concurrency group deploy"),
        (job("deploy"), Facts(classes=[PLAIN], ahead=1), "1 run is before it in concurrency group deploy"),
        (
            PLANNING,
            Facts(classes=[PLAIN], under_way=LIMITED),
            "for another run of its repository to end: 2 may go on at once",
        ),
        (job(), Facts(classes=[PLAIN], under_way=LIMITED), "for its turn"),
        (job("deploy"), Facts(is_redis_away=True, ahead=2), "for Redis, which does not answer"),
    ],
)
def test_task_says_what_it_waits_for(task: WaitingTask, facts: Facts, phrase: str) -> None:
    assert task_phrase(task, facts) == phrase


def test_job_names_the_jobs_before_it() -> None:
    assert job_phrase(["build"]) == "for job build"
    assert job_phrase(["build", "lint"]) == "for job build and lint"
    assert job_phrase(["a", "b", "c", "d"]) == "for job a, b and 2 more"
    assert job_phrase([]) == ""


def test_step_names_the_steps_before_it_and_then_its_own_container() -> None:
    assert step_phrase(["compile"], image="busybox") == "for step compile"
    assert step_phrase([], image="busybox") == "for a container of busybox"


def test_step_whose_image_is_on_its_way_says_how_far_that_is() -> None:
    progress = PullProgress(layers=2, layers_done=1, bytes_done=12_000_000)
    pull = ImagePull(seq=1, time="", run="r", job="j", image="node:24", steps=("a",), progress=progress)
    assert step_phrase([], image="node:24", pull=pull) == "for its image: pulling node:24, 1 of 2 layers, 12.0 MB"
    assert step_phrase(["compile"], image="node:24", pull=pull) == "for step compile"
