"""What lists cost in a long history: 100,000 runs that have ended, 10,000 that wait, over SQLite and PostgreSQL.

    python bench/history.py [--ended 100000] [--queued 10000] [--rounds 5] [--database URL] [--json]

A server of our own answers on a socket; each figure is the median of the rounds, from the request to the whole answer.
Lists are asked for their first page, one in the middle and the last. Without `--database` it is a SQLite file, and then
a PostgreSQL that is made for it where its programs are at hand. `--database` must be empty.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import httpx

from tests.private_postgresql import private_postgresql
from tests.worker.conftest import Service, serving
from tests.worker.long_history import Length, make_history, run_id
from worker.store import tasks, turns
from worker.store.database import Database
from worker.store.tasks import TaskState

FILTERS = (
    "",
    "branch=main",
    "branch=rare",
    "status=timed_out",
    "event=cron",
    "author=Rare",
    "author=Ada&status=failure",
)


def main() -> None:
    """Make the histories, measure, print."""
    options = _options()
    length = Length(repositories=8, ended=options.ended, queued=options.queued)
    with _databases(options.database) as urls, tempfile.TemporaryDirectory() as directory:
        for name, url in urls:
            took = _make(url.format(directory=directory), length)
            with serving(Path(directory), database_url=url.format(directory=directory)) as service:
                figures = _measured(service, length, options.rounds)
            _print(name, took, figures, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ended", type=int, default=100_000)
    parser.add_argument("--queued", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--database")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


@contextmanager
def _databases(given: str | None) -> Iterator[list[tuple[str, str]]]:
    if given:
        yield [(given.partition(":")[0], given)]
        return
    with private_postgresql() as server:
        yield [("sqlite", "sqlite:///{directory}/headrace.sqlite"), ("postgresql", server.new_database())]


def _make(url: str, length: Length) -> float:
    began = time.perf_counter()
    with closing(Database(url)) as database:
        make_history(database, length)
    return time.perf_counter() - began


def _measured(service: Service, length: Length, rounds: int) -> dict[str, float]:
    """Milliseconds by what was asked."""
    figures = {path: _request_ms(service.client, path, rounds) for path in _paths(length)}
    for name, work in (("dispatcher: whose turn it is", _new), ("dispatcher: all that waits", _all)):
        figures[name] = _median_ms(partial(work, service.database), rounds)
    return figures


def _paths(length: Length) -> Iterator[str]:
    for wanted in FILTERS:
        yield f"/api/runs?{wanted}"
        yield f"/api/runs?before={run_id(length.ended // 2)}&{wanted}"
        yield f"/api/runs?before={run_id(100)}&{wanted}"
        for before in ("", f"before={length.ended // 4}&", "before=51&"):
            yield f"/api/repositories/acme/web0/runs?{before}{wanted}"
    run = f"/api/runs/{run_id(length.ended // 2)}"
    yield from ("/api/runs?status=pending", "/api/repositories", "/metrics", "/", "/acme/web0", "/acme/web0?before=51")
    yield from (run, f"{run}/records?format=jsonl", f"{run}/artifacts", f"/acme/web0/runs/{length.ended // 4}")


def _request_ms(client: httpx.Client, path: str, rounds: int) -> float:
    def ask() -> None:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text

    ask()
    return _median_ms(ask, rounds)


def _median_ms(work: Callable[[], None], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def _new(database: Database) -> None:
    with database.read() as connection:
        turns.next_waiting(connection)
        turns.under_way(connection)
        tasks.to_cancel(connection)


def _all(database: Database) -> None:
    with database.read() as connection:
        tasks.in_state(connection, TaskState.PENDING)
        tasks.in_state(connection, TaskState.RUNNING)


def _print(name: str, seconds: float, figures: dict[str, float], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"database": name, "made_seconds": round(seconds, 1), "ms": figures}))
        return
    print(f"{name}: history made in {seconds:.0f} s")
    for what, figure in figures.items():
        print(f"{figure:>9.1f} ms  {what}")
    print(f"{max(figures.values()):>9.1f} ms  the slowest")


if __name__ == "__main__":
    main()
