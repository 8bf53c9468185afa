"""Logs through the whole service: many viewers of one, one that is long, and a step that prints fast.

    python bench/viewers.py [--viewers 200] [--lines 100] [--megabytes 200] [--long-megabytes 1024] [--json]

Viewers: a step prints a line every 0.2 s, and all viewers follow it over the API; the latency of each line at each
viewer counts from the moment at which the worker has read it. Fast: a step prints so much at once, with 20 secrets to
mask; from its start to its end, and until the server has it all. Long: how soon the last 100 lines of a log of so many
megabytes are there, median of five. The server, a worker and a Redis run in processes of their own.
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
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from figures import show

from pipelines.records import Log, Stream
from tests.end_to_end.origin import Origin
from tests.end_to_end.service import Service
from tests.waiting import wait_until
from worker.storage import Storage

SECRETS = 20
PATIENCE_SECONDS = 120.0
TEXT = "the quick brown fox jumps over the lazy dog, and the mill turns slowly on and on in the water of the race"
SLOW = """
steps:
  talk:
    image: {image}
    commands: 'i=0; while [ $i -lt {lines} ]; do i=$((i+1)); echo line $i; sleep 0.2; done'
"""
FAST = """
steps:
  talk:
    image: {image}
    environment:
{secrets}
    commands:
      - yes '{text}' | head -c {size_bytes}
      - echo "the secret is $S1"
"""


def main() -> None:
    """Measure and print."""
    options = _options()
    image = subprocess.run(
        [sys.executable, "scripts/busybox_image.py"], check=True, capture_output=True, text=True
    ).stdout.strip()
    with _service() as service:
        origin = Origin(service.directory)
        service.add_repository(origin)
        figures = {
            **_viewers(service, origin, image, options.viewers, options.lines),
            **_fast(service, origin, image, options.megabytes),
            **_long(service, options.long_megabytes),
        }
    show(figures, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--lines", type=int, default=100)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--long-megabytes", type=int, default=1024)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _viewers(service: Service, origin: Origin, image: str, count: int, lines: int) -> dict[str, float]:
    run_id = service.run_of(origin.push(_headrace_yaml=SLOW.format(image=image, lines=lines)))
    path = _log_path(service, run_id)
    latencies = asyncio.run(_follow(service, path, count))
    assert len(latencies) >= count * lines * 0.9, f"{len(latencies)} lines at {count} viewers"
    cut = statistics.quantiles(latencies, n=100)
    return {"viewers: p50 ms": cut[49], "viewers: p95 ms": cut[94], "viewers: slowest ms": max(latencies)}


def _log_path(service: Service, run_id: str) -> str:
    """The address of the step's log, once the step runs."""

    def started() -> str:
        jobs = service.run(run_id)["jobs"]
        is_there = jobs and jobs[0]["steps"][0]["status"] != "pending"
        return str(jobs[0]["name"]) if is_there else ""

    job = wait_until(started, seconds=PATIENCE_SECONDS, what="the step starts")
    return f"/api/runs/{run_id}/jobs/{job}/steps/talk/log"


async def _follow(service: Service, path: str, count: int) -> list[float]:
    seen = await asyncio.gather(*(_viewer(service, path) for _ in range(count)))
    return [latency for each in seen for latency in each]


async def _viewer(service: Service, path: str) -> list[float]:
    """The latencies of what comes after the first event, which brings what there was before."""
    host, _, port = service.url.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=2**20)
    headers = {"Host": host, "Accept": "text/event-stream", **service.authorization()}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode())
    came_at = time.time()
    latencies: list[float] = []
    while (line := await reader.readline()) and line.strip() != b"event: end":
        now = time.time()
        if line.startswith(b"data: {"):
            told = json.loads(line[6:])
            printed_at = datetime.fromisoformat(told["time"]).timestamp()
            if printed_at > came_at:
                latencies += [(now - printed_at) * 1000] * len(told["lines"])
    writer.close()
    return latencies


def _fast(service: Service, origin: Origin, image: str, megabytes: int) -> dict[str, float]:
    for number in range(SECRETS):
        value = service.directory / "secret"
        value.write_text(f"{number:02d}-turbine-{number * 7919:08x}")
        service.headrace("secret", "set", f"s{number}", "--repo", "acme/web", "--file", str(value))
    named = "\n".join(f"      S{number}: {{from_secret: s{number}}}" for number in range(SECRETS))
    text = FAST.format(image=image, secrets=named, text=TEXT, size_bytes=megabytes * 1_000_000)
    run = service.finished_run(service.run_of(origin.push(_headrace_yaml=text)), seconds=PATIENCE_SECONDS)
    assert run["status"] == "success", run
    [last] = service.get(_log_path(service, run["id"]), params={"tail": "1", "format": "json"}).json()["lines"]
    assert last["text"] == "the secret is ********", last
    step = run["jobs"][0]["steps"][0]
    step_seconds = _seconds(step["started_at"], step["finished_at"])
    run_seconds = _seconds(step["started_at"], run["finished_at"])
    return {
        "fast: step, MB/s": megabytes / step_seconds,
        "fast: until its run has ended, MB/s": megabytes / run_seconds,
    }


def _seconds(since: str, until: str) -> float:
    return (datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds()


def _long(service: Service, megabytes: int) -> dict[str, float]:
    """The log of the run before, grown on disk."""
    run = service.runs()[0]
    path = _log_path(service, run["id"])
    job = run["jobs"][0]["name"] if "jobs" in run else service.run(run["id"])["jobs"][0]["name"]
    _grow(service.data / "runs", run["id"], job, megabytes)
    times = [_tail_ms(service, path) for _ in range(5)]
    return {f"long: the last 100 lines of {megabytes} MB, ms": statistics.median(times)}


def _grow(runs: Path, run_id: str, job: str, megabytes: int) -> None:
    lines = (TEXT,) * 1000
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    with closing(Storage(runs).logs(run_id)) as log:
        number = log.next_line(job, "talk")
        for _ in range(megabytes * 1_000_000 // (len(TEXT) * len(lines))):
            record = Log(
                seq=1, time=moment, run=run_id, job=job, step="talk", stream=Stream.STDOUT, line=number, lines=lines
            )
            log.append(record)
            number += len(lines)


def _tail_ms(service: Service, path: str) -> float:
    began = time.perf_counter()
    answer: dict[str, Any] = service.get(path, params={"tail": "100", "format": "json"}).json()
    assert len(answer["lines"]) == 100
    return (time.perf_counter() - began) * 1000


@contextmanager
def _service() -> Iterator[Service]:
    with tempfile.TemporaryDirectory() as directory:
        service = Service(Path(directory))
        try:
            service.up()
            yield service
        finally:
            for process in service.processes:
                process.end()


if __name__ == "__main__":
    main()
