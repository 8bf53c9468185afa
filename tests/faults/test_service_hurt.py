"""The service gets hurt while it runs something: one true end, every line once, and nothing left."""

import os
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.engine.client import Engine
from tests.faults.clock import Clock
from tests.faults.team import LINES, NEVER_END, Team, horses, hurt_team, numbers_in, signal_all
from tests.private_redis import PrivateRedis
from tests.waiting import wait_until
from tests.worker.statuses.fakeforge import answers
from worker.supervisor import headrace_command

pytestmark = [pytest.mark.docker, pytest.mark.redis]


_DICE = random.Random()  # noqa: S311 - no secret


@pytest.fixture
def team(tmp_path: Path, redis: PrivateRedis, engine: Engine, busybox: str) -> Iterator[Team]:
    with hurt_team(tmp_path, redis, engine, busybox) as team:
        yield team


def test_worker_that_is_killed_loses_its_job_and_nothing_else(team: Team) -> None:
    run_id = team.push_counting(then=NEVER_END)
    team.worker.end(signal.SIGKILL)
    waiting = team.push()
    team.service.worker()
    assert team.ended(run_id)["status"] == "lost"
    assert team.ended(waiting)["status"] == "success"


def test_work_horse_that_is_killed_loses_its_job_at_once_and_its_worker_goes_on(team: Team) -> None:
    run_id = team.push_counting(then=NEVER_END)
    [horse] = horses(team.worker)
    os.kill(horse, signal.SIGKILL)
    run = team.ended(run_id)
    assert run["status"] == "lost"
    assert "killed" in run["jobs"][0]["reason"]
    assert team.ended(team.push())["status"] == "success"


def test_server_that_is_killed_with_viewers_attached_comes_back_and_they_miss_nothing(team: Team) -> None:
    run_id = team.push_counting()
    token = team.service.authorization()["authorization"].split()[1]
    environment = {**os.environ, "HEADRACE_SERVER": team.service.url, "HEADRACE_TOKEN": token}
    command = headrace_command("logs", run_id, "--step", "count")
    viewers = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    pipes = [viewer.stdout for viewer in viewers if viewer.stdout]
    seen = [pipe.readline() for pipe in pipes]
    team.kill_server()
    team.service.server()
    assert team.ended(run_id)["status"] == "success"
    assert [viewer.wait(150) for viewer in viewers] == [0, 0, 0]
    for pipe, first in zip(pipes, seen, strict=True):
        assert numbers_in(first + pipe.read()) == list(range(1, LINES + 1))
        pipe.close()


def test_worker_that_stood_still_for_too_long_has_lost_its_job_and_says_no_more(team: Team) -> None:
    run_id = team.push_counting(then=NEVER_END)
    signal_all(team.worker, signal.SIGSTOP)
    lost = team.service.finished_run(run_id)
    assert lost["status"] == "lost"
    signal_all(team.worker, signal.SIGCONT)
    assert team.ended(run_id) == lost
    assert team.ended(team.push())["status"] == "success", "the worker works on"


@pytest.mark.long
@pytest.mark.timeout(900)
def test_worker_that_stood_still_for_two_minutes_is_noticed_within_one_by_the_usual_lease(
    tmp_path: Path, redis: PrivateRedis, engine: Engine, busybox: str
) -> None:
    with hurt_team(tmp_path, redis, engine, busybox, {"HEADRACE_LEASE_SECONDS": "30"}) as team:
        run_id = team.push_counting(then=NEVER_END)
        signal_all(team.worker, signal.SIGSTOP)
        goes_on = time.monotonic() + 120
        lost = team.service.finished_run(run_id, seconds=60)
        assert lost["status"] == "lost"
        time.sleep(goes_on - time.monotonic())
        signal_all(team.worker, signal.SIGCONT)
        assert team.ended(run_id) == lost
        assert team.ended(team.push())["status"] == "success", "the worker works on"


def test_worker_that_is_told_to_end_lets_its_job_end_and_takes_no_other(team: Team) -> None:
    run_id = team.push_counting()
    team.worker.tell(signal.SIGTERM)
    waiting = team.push()
    assert team.ended(run_id)["status"] == "success"
    assert team.worker.end() == 0
    assert team.service.run(waiting)["status"] == "pending"
    team.service.worker()
    assert team.ended(waiting)["status"] == "success"


def test_container_that_an_operator_removes_ends_its_job_as_error(team: Team) -> None:
    run_id = team.push_counting(then=NEVER_END)
    subprocess.run(["docker", "rm", "-f", *team.steps_of(run_id)], check=True, capture_output=True)
    run = team.ended(run_id)
    assert run["status"] == "error"
    assert "its container was removed by somebody else while it ran" in str(run["jobs"])


def test_forge_that_fails_for_a_whole_run_is_told_its_end_once_it_listens(team: Team) -> None:
    team.forge.always = answers(503)
    run_id = team.push()
    assert team.service.finished_run(run_id)["status"] == "success"
    wait_until(lambda: team.forge.seen, what="the forge has failed")
    team.forge.always = None
    team.ended(run_id)


@pytest.mark.parametrize(
    "seconds", [3, pytest.param(20, marks=pytest.mark.long), pytest.param(120, marks=pytest.mark.long)]
)
def test_job_goes_on_while_redis_is_away_and_all_of_it_comes_back(team: Team, seconds: int) -> None:
    run_id = team.push_counting()
    team.redis.kill()
    time.sleep(seconds)
    team.redis.start()
    assert team.ended(run_id)["status"] == "success"
    assert team.ended(team.push())["status"] == "success"


@pytest.mark.parametrize("times", [1, pytest.param(10, marks=pytest.mark.long)])
def test_job_goes_on_while_redis_is_emptied_and_no_line_is_missing(team: Team, times: int) -> None:
    for _ in range(times):
        run_id = team.push_counting()
        waiting = team.push()
        time.sleep(_DICE.uniform(0, 2))
        team.redis.client().flushall()
        assert team.ended(run_id)["status"] == "success"
        assert team.ended(waiting)["status"] == "success"


def test_job_is_cancelled_though_redis_has_forgotten_who_does_it(team: Team) -> None:
    run_id = team.push_counting(then=NEVER_END)
    team.redis.client().flushall()
    assert team.service.cancel(run_id).status_code == 202
    assert team.ended(run_id)["status"] == "cancelled"


def test_job_goes_on_while_redis_is_full_and_no_line_is_missing(team: Team) -> None:
    run_id = team.push_counting()
    team.redis.client().config_set("maxmemory", "1")
    waiting = team.push()
    time.sleep(5)
    team.redis.client().config_set("maxmemory", "0")
    assert team.ended(run_id)["status"] == "success"
    assert team.ended(waiting)["status"] == "success"


def test_job_goes_on_while_redis_is_read_only(team: Team) -> None:
    run_id = team.push_counting()
    team.redis.client().replicaof("127.0.0.1", "1")
    waiting = team.push()
    time.sleep(5)
    team.redis.client().replicaof("NO", "ONE")
    assert team.ended(run_id)["status"] == "success"
    assert team.ended(waiting)["status"] == "success"


@pytest.mark.timeout(900)  # the long form
@pytest.mark.parametrize("one_in", [10, pytest.param(1, marks=pytest.mark.long)])
def test_each_of_a_hundred_pushes_while_redis_is_away_becomes_one_run(team: Team, one_in: int) -> None:
    """One in so many has something to do; the others end when they are planned."""
    team.redis.stop()
    busy = [number % one_in == 0 for number in range(100)]
    pushed = [team.push("echo here", prints=("here",)) if is_busy else team.push_idle() for is_busy in busy]
    assert {team.service.run(run_id)["status"] for run_id in pushed} == {"pending"}
    team.redis.start()
    for run_id, is_busy in zip(pushed, busy, strict=True):
        run = team.service.finished_run(run_id, seconds=600)
        assert run["status"] == ("success" if is_busy else "skipped")
    found = team.service.get("/api/runs?limit=200").json()["runs"]
    assert sorted(run["number"] for run in found) == list(range(1, 101))


@pytest.mark.timeout(900)  # the long form
@pytest.mark.parametrize("times", [6, pytest.param(50, marks=pytest.mark.long)])
def test_accepted_cancel_is_never_a_success_whenever_it_comes(team: Team, times: int) -> None:
    for _ in range(times):
        run_id = team.push("echo here; sleep 0.5", prints=("here",))
        time.sleep(_DICE.uniform(0, 2.5))
        answer = team.service.cancel(run_id)
        run = team.ended(run_id)
        assert run["status"] == ("cancelled" if answer.status_code == 202 else "success"), (answer.text, run)


def test_locked_database_delays_and_loses_nothing(team: Team) -> None:
    run_id = team.push_counting()
    with closing(sqlite3.connect(team.service.data / "headrace.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        time.sleep(8)
        other.execute("ROLLBACK")
    assert team.ended(run_id)["status"] == "success"


@pytest.mark.timeout(900)  # the long form
@pytest.mark.parametrize("times", [3, pytest.param(30, marks=pytest.mark.long)])
def test_nothing_is_lost_or_left_however_often_everything_is_killed(team: Team, times: int) -> None:
    pushed = []
    for _ in range(times):
        pushed.append(team.push())
        time.sleep(_DICE.uniform(0, 4))
        team.kill_server()
        for pid in horses(team.worker):
            os.kill(pid, signal.SIGKILL)
        team.worker.end(signal.SIGKILL)
        team.redis.kill()
        team.redis.start()
        team.server, team.worker = team.service.server(), team.service.worker()
    for run_id in pushed:
        assert team.ended(run_id)["status"] in ("success", "lost")


@pytest.mark.parametrize("hours", [2, -2])
def test_clock_that_jumps_in_the_middle_of_a_job_changes_neither_its_end_nor_its_time(
    tmp_path: Path, redis: PrivateRedis, engine: Engine, busybox: str, hours: int
) -> None:
    clock = Clock(tmp_path)
    with hurt_team(tmp_path, redis, engine, busybox, clock.environment) as team:
        run_id = team.push_counting()
        clock.shift(hours * 3600)
        second = team.push()
        assert abs(_age_seconds(team.service.run(second)["created_at"]) + hours * 3600) < 600, "it has jumped"
        run = team.ended(run_id)
        assert run["status"] == "success"
        assert 0 <= run["jobs"][0]["duration_ms"] < 120_000
        assert team.ended(second)["status"] == "success"


def _age_seconds(moment: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
