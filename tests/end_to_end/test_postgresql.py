"""The service over PostgreSQL: a push, a restart, and a database that breaks off all connections in between."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.end_to_end.origin import Origin
from tests.end_to_end.service import Service
from tests.private_postgresql import PrivatePostgresql
from tests.private_redis import PrivateRedis
from tests.waiting import wait_until

pytestmark = [pytest.mark.docker, pytest.mark.redis]

LINES = 300
COUNT = f"i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo line $i; sleep 0.02; done"
WORKFLOW = "steps:\n  count: {{image: {image}, commands: '{commands}'}}\n"


@pytest.fixture
def database(postgresql: PrivatePostgresql, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a database for one service, and for the commands beside it."""
    url = postgresql.new_database()
    monkeypatch.setenv("HEADRACE_DATABASE_URL", url)
    return url


@pytest.fixture
def service(tmp_path: Path, redis: PrivateRedis, database: str) -> Iterator[Service]:
    assert database
    service = Service(tmp_path, redis_url=redis.url)
    yield service
    service.end()


def break_down(server: PrivatePostgresql, database: str) -> None:
    """Kill one of its processes: it ends all others, mends its files and takes new connections after a moment."""
    name = database.partition("@/")[2].partition("?")[0]
    asked = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name = 'headrace'"
    with closing(server.connect("postgres")) as witness:
        pids = [int(str(pid)) for (pid,) in witness.execute(asked, [name]).fetchall()]
        os.kill(pids[0], signal.SIGKILL)
        wait_until(lambda: not _serves(witness), what="PostgreSQL ends all others")
    wait_until(server.answers, what="PostgreSQL takes connections again")


def _serves(connection: "psycopg.Connection[tuple[object, ...]]") -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def lines_of(service: Service, run_id: str) -> list[str]:
    """What the step has printed, as far as the server has it."""
    [job] = service.run(run_id)["jobs"] or [None]
    if not job or job["steps"][0]["status"] == "pending":
        return []
    text = service.get(f"/api/runs/{run_id}/jobs/{job['name']}/steps/count/log").text
    return [line for line in text.splitlines() if line.startswith("line ")]


def test_nothing_is_lost_while_the_database_breaks_down_again_and_again(
    service: Service, tmp_path: Path, busybox: str, postgresql: PrivatePostgresql, database: str
) -> None:
    """Each push that was taken is one run, no line of a log is missing, and a server that is started anew knows all."""
    server = service.server()
    service.worker()
    origin = Origin(tmp_path)
    service.add_repository(origin)
    running = service.run_of(origin.push(_headrace_yaml=WORKFLOW.format(image=busybox, commands=COUNT)))
    wait_until(lambda: lines_of(service, running), what="the step prints")
    pushed = []
    for number in range(3):
        quick = WORKFLOW.format(image=busybox, commands=f"echo line {number}")
        pushed.append(service.run_of(origin.push(_headrace_yaml=quick)))
        break_down(postgresql, database)
    assert service.finished_run(running)["status"] == "success"
    assert lines_of(service, running) == [f"line {number}" for number in range(1, LINES + 1)]
    assert [service.finished_run(run_id)["status"] for run_id in pushed] == ["success"] * len(pushed)
    assert not (service.data / "headrace.sqlite").exists()
    assert server.end() == 0
    service.server()
    assert sorted(run["id"] for run in service.runs()) == sorted([running, *pushed])
