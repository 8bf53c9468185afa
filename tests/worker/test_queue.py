"""The queue, with real RQ workers: what is put in is done, once, and nothing else is."""

import os
import pickle
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from tests.private_redis import PrivateRedis
from tests.waiting import PATIENCE_SECONDS, wait_until
from worker.duties import Duties
from worker.queue import TaskQueue, work_until_stopped

pytestmark = pytest.mark.redis

QUEUE = "headrace:tests"


class Workers:
    """Starts worker processes whose tasks leave a file each, and ends those that are left."""

    def __init__(self, redis: PrivateRedis, done: Path) -> None:
        self._redis = redis
        self._done = done
        self._processes: list[BaseProcess] = []

    def start(self) -> BaseProcess:
        process = get_context("fork").Process(target=_work, args=(self._redis.url, self._done))
        process.start()
        self._processes.append(process)
        return process

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.join(PATIENCE_SECONDS)


def _work(url: str, done: Path) -> None:
    def perform(task: str) -> None:
        with (done / task).open("a") as file:
            file.write(f"{os.getpid()}\n")
        if task.startswith("long"):
            while not (done / "go").exists():
                time.sleep(0.05)
            (done / f"{task}-ended").touch()

    def mourn(task: str) -> None:
        (done / f"{task}-mourned").touch()

    def announce(task: str) -> None:
        (done / "announced").write_text(task)

    duties = Duties(
        perform=perform,
        mourn=mourn,
        sweep=(done / "swept").touch,
        announce=announce,
        leave=(done / "left").touch,
    )
    work_until_stopped(url, duties, name=f"w-{os.getpid()}", queue=QUEUE)


@pytest.fixture
def workers(redis: PrivateRedis, tmp_path: Path) -> Iterator[Workers]:
    workers = Workers(redis, tmp_path)
    yield workers
    workers.end()


def test_task_is_done_in_a_process_of_its_own(redis: PrivateRedis, workers: Workers, tmp_path: Path) -> None:
    worker = workers.start()
    TaskQueue(redis.client()).put("one", QUEUE)
    wait_until((tmp_path / "one").exists)
    pid = wait_until((tmp_path / "one").read_text)
    assert int(pid) not in (worker.pid, os.getpid())


def test_worker_sweeps_at_its_start_and_mourns_a_horse_that_is_killed(
    redis: PrivateRedis, workers: Workers, tmp_path: Path
) -> None:
    workers.start()
    wait_until((tmp_path / "swept").exists)
    TaskQueue(redis.client()).put("long", QUEUE)
    pid = int(wait_until(lambda: (tmp_path / "long").exists() and (tmp_path / "long").read_text()))
    os.kill(pid, signal.SIGKILL)
    wait_until((tmp_path / "long-mourned").exists)
    TaskQueue(redis.client()).put("next", QUEUE)
    wait_until((tmp_path / "next").exists, what="the worker goes on")


def test_task_that_is_put_in_twice_is_done_once(redis: PrivateRedis, workers: Workers, tmp_path: Path) -> None:
    queue = TaskQueue(redis.client())
    for task in ("one", "one", "one", "last"):
        queue.put(task, QUEUE)
    workers.start()
    wait_until((tmp_path / "last").exists)
    assert len((tmp_path / "one").read_text().splitlines()) == 1


def test_worker_takes_from_one_queue_only(redis: PrivateRedis, workers: Workers, tmp_path: Path) -> None:
    """RQ takes from one queue with BLMOVE, from several with BLPOP, which loses what was taken and not begun."""
    queue = TaskQueue(redis.client())
    queue.put("other", "headrace:others")
    queue.put("last", QUEUE)
    workers.start()
    wait_until((tmp_path / "last").exists)
    assert not (tmp_path / "other").exists()
    queue.put("other", QUEUE)
    wait_until((tmp_path / "other").exists, what="it changed its queue")


def test_task_whose_worker_died_between_taking_and_beginning_is_done_by_another(
    redis: PrivateRedis, workers: Workers, tmp_path: Path
) -> None:
    """RQ by itself looks for such jobs after a minute and calls them failed."""
    queue, client = TaskQueue(redis.client()), redis.client()
    queue.put("one", QUEUE)
    taken = Queue(QUEUE, connection=client, serializer=JSONSerializer)
    assert client.lmove(taken.key, taken.intermediate_queue_key, "RIGHT", "LEFT") == b"one"
    queue.put("one", QUEUE)  # as the dispatcher does for all that nobody has claimed
    workers.start()
    wait_until((tmp_path / "one").exists)


def test_rqs_own_time_out_is_a_last_resort(redis: PrivateRedis) -> None:
    """It raises an exception within the job, which any `except Exception` swallows: deadlines are ours."""
    TaskQueue(redis.client()).put("one", QUEUE)
    job = Job.fetch("one", connection=redis.client(), serializer=JSONSerializer)
    assert job.timeout == timedelta(days=1).total_seconds()


def test_worker_says_what_it_does_and_when_it_leaves(redis: PrivateRedis, workers: Workers, tmp_path: Path) -> None:
    worker = workers.start()
    said = tmp_path / "announced"
    wait_until(lambda: said.exists() and said.read_text() == "")
    TaskQueue(redis.client()).put("long", QUEUE)
    wait_until(lambda: said.read_text() == "long")
    assert not (tmp_path / "left").exists()
    worker.terminate()
    (tmp_path / "go").touch()
    wait_until((tmp_path / "left").exists)
    assert (tmp_path / "long-ended").exists(), "the first signal lets the task end"


def test_function_that_redis_names_is_never_called(redis: PrivateRedis, workers: Workers, tmp_path: Path) -> None:
    """RQ itself would run `os.system` here, JSON serializer or not."""
    canary = tmp_path / "canary"
    queue = Queue(QUEUE, connection=redis.client(), serializer=JSONSerializer)
    queue.enqueue_call("os.system", args=(f"touch {canary}",), job_id="evil")
    queue.enqueue_call("os.getpid", job_id="last", on_success=None)
    workers.start()
    wait_until((tmp_path / "last").exists)
    assert not canary.exists()


def test_pickle_in_redis_is_never_loaded(redis: PrivateRedis, workers: Workers, tmp_path: Path) -> None:
    canary = tmp_path / "canary"

    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return os.system, (f"touch {canary}",)

    queue = Queue(QUEUE, connection=redis.client(), serializer=JSONSerializer)
    queue.enqueue_call("os.getpid", job_id="evil")
    redis.client().hset("rq:job:evil", "data", pickle.dumps(Bomb()))
    TaskQueue(redis.client()).put("last", QUEUE)
    workers.start()
    wait_until((tmp_path / "last").exists)
    assert not canary.exists()


@pytest.mark.parametrize("hangup", [signal.SIG_DFL, signal.SIG_IGN], ids=["usual", "nohup"])
def test_horse_is_told_when_its_worker_is_killed(
    redis: PrivateRedis, workers: Workers, tmp_path: Path, hangup: signal.Handlers
) -> None:
    """RQ leaves it running on, an orphan in a process group of its own."""
    before = signal.signal(signal.SIGHUP, hangup)
    try:
        worker = workers.start()
    finally:
        signal.signal(signal.SIGHUP, before)
    TaskQueue(redis.client()).put("long", QUEUE)
    wait_until((tmp_path / "long").exists)
    horse = int(wait_until((tmp_path / "long").read_text))
    assert worker.pid
    os.kill(worker.pid, signal.SIGKILL)
    wait_until(lambda: not _is_alive(horse))


def test_worker_outlives_an_outage_of_redis(redis: PrivateRedis, workers: Workers, tmp_path: Path) -> None:
    worker = workers.start()
    queue = TaskQueue(redis.client())
    queue.put("first", QUEUE)
    wait_until((tmp_path / "first").exists)
    redis.kill()
    redis.start()
    TaskQueue(redis.client()).put("second", QUEUE)
    wait_until((tmp_path / "second").exists)
    assert worker.is_alive()


def test_outage_longer_than_rqs_own_patience_ends_neither_worker_nor_horse(
    redis: PrivateRedis, workers: Workers, tmp_path: Path
) -> None:
    """RQ 3.0's worker dies of an unguarded heartbeat after about ten seconds, and leaves its horse running."""
    worker = workers.start()
    TaskQueue(redis.client()).put("long", QUEUE)
    wait_until((tmp_path / "long").exists)
    redis.kill()
    time.sleep(20)  # the outage itself
    redis.start()
    TaskQueue(redis.client()).put("next", QUEUE)
    time.sleep(3)  # in which a worker that had given up its horse would have begun anew, with this one
    assert not (tmp_path / "next").exists()
    (tmp_path / "go").touch()
    wait_until((tmp_path / "next").exists, seconds=40)
    assert (tmp_path / "long-ended").exists()
    assert worker.is_alive()


def test_worker_that_is_told_to_end_while_redis_is_away_ends(
    redis: PrivateRedis, workers: Workers, tmp_path: Path
) -> None:
    worker = workers.start()
    wait_until((tmp_path / "announced").exists)
    redis.kill()
    time.sleep(2)  # in which it has noticed, or has not
    worker.terminate()
    worker.join(PATIENCE_SECONDS)
    assert worker.exitcode == 0


def test_worker_that_is_told_to_end_while_redis_is_away_lets_its_task_end(
    redis: PrivateRedis, workers: Workers, tmp_path: Path
) -> None:
    worker = workers.start()
    TaskQueue(redis.client()).put("long", QUEUE)
    wait_until((tmp_path / "long").exists)
    redis.kill()
    worker.terminate()
    time.sleep(2)  # in which a worker that had let go of its horse would have ended it
    (tmp_path / "go").touch()
    wait_until((tmp_path / "long-ended").exists)
    worker.join(PATIENCE_SECONDS)
    assert worker.exitcode == 0


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
