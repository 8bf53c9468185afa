"""A server under load and without: a burst of deliveries, the way from a push to the first log line, memory when idle.

    python bench/load.py [--burst 2000] [--seconds 10] [--pushes 20] [--idle-seconds 20] [--json]

Burst: signed GitHub pushes at a steady rate against a server of our own with a Redis, then every tenth once more, as
forges do that have missed an answer. Every one must be a run, and none twice. First line: from the moment at which the
server has stored a push's run to the moment at which its first line was printed, one push after another, with warm
mirror and image. Memory: what server, one worker and Redis take together (PSS, so that shared pages count once) after
these seconds without work.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import hooks
from figures import show

from tests.end_to_end.origin import Origin
from tests.end_to_end.service import Process, Service
from tests.private_redis import PrivateRedis

WORKFLOW = "steps:\n  greet: {{image: {image}, commands: echo hello}}\n# {number}\n"
CONNECTIONS = 8


def main() -> None:
    """Measure and print."""
    options = _options()
    figures = {**_burst(options.burst, options.seconds), **_first_lines(options.pushes), **_idle(options.idle_seconds)}
    show(figures, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--burst", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--pushes", type=int, default=20)
    parser.add_argument("--idle-seconds", type=float, default=20)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _burst(count: int, seconds: int) -> dict[str, float]:
    with _redis() as redis, _service(redis_url=redis.url) as service:
        service.server()
        place = ("--forge", "github", "--clone-url", "https://example.org/acme/web.git", "--output", "json")
        secret = json.loads(service.headrace("repo", "add", "acme/github", *place))["secret"]
        port = int(service.url.rpartition(":")[2])
        rate = count // seconds
        latencies = asyncio.run(hooks.send(port, {"github": secret}, rate, seconds, CONNECTIONS))
        again = max(1, seconds // 10)
        asyncio.run(hooks.send(port, {"github": secret}, rate, again, CONNECTIONS))
        shas = [run["event"]["sha"] for run in _all_runs(service)]
    assert len(shas) == len(set(shas)) == rate * seconds, f"{len(shas)} runs, {len(set(shas))} of them different"
    cut = statistics.quantiles(latencies, n=100)
    return {"burst: runs, each once": len(shas), "burst: answered, p50 ms": cut[49], "burst: answered, p99 ms": cut[98]}


def _first_lines(pushes: int) -> dict[str, float]:
    image = subprocess.run(
        [sys.executable, "scripts/busybox_image.py"], check=True, capture_output=True, text=True
    ).stdout.strip()
    with _service() as service:
        service.up()
        origin = Origin(service.directory)
        service.add_repository(origin)
        times = [_first_line_ms(service, origin, image, number) for number in range(pushes + 2)][2:]
    return {"first line: p50 ms": statistics.median(times), "first line: slowest ms": max(times)}


def _first_line_ms(service: Service, origin: Origin, image: str, number: int) -> float:
    run = service.workflow_run(origin, _headrace_yaml=WORKFLOW.format(image=image, number=number))
    log = service.get(f"/api/runs/{run['id']}/jobs/{run['jobs'][0]['name']}/steps/greet/log", params={"format": "json"})
    first = next(line for line in log.json()["lines"] if line["text"] == "hello")
    since = datetime.fromisoformat(first["time"]) - datetime.fromisoformat(run["created_at"])
    return since.total_seconds() * 1000


def _idle(seconds: float) -> dict[str, float]:
    with _service() as service:
        up = service.up()
        time.sleep(seconds)
        sizes = {pid: _pss_mb(pid) for pid in _tree(up)}
    return {"idle: server, worker, Redis and supervisor, MB": sum(sizes.values()), "idle: processes": len(sizes)}


def _tree(process: Process) -> list[int]:
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except FileNotFoundError:
            continue  # it has ended meanwhile
    found = [process.pid]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _pss_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _all_runs(service: Service) -> Iterator[dict[str, Any]]:
    before: dict[str, str] = {}
    while True:
        page = service.get("/api/runs", params={"limit": "200", **before}).json()
        yield from page["runs"]
        if page["before"] is None:
            return
        before = {"before": page["before"]}


@contextmanager
def _redis() -> Iterator[PrivateRedis]:
    with tempfile.TemporaryDirectory() as directory:
        redis = PrivateRedis(Path(directory))
        redis.start()
        try:
            yield redis
        finally:
            redis.stop()


@contextmanager
def _service(redis_url: str = "") -> Iterator[Service]:
    with tempfile.TemporaryDirectory() as directory:
        service = Service(Path(directory), redis_url=redis_url)
        try:
            yield service
        finally:
            for process in service.processes:
                process.end()


if __name__ == "__main__":
    main()
