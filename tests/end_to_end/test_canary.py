"""A secret with a face that is known: it runs through a whole service, and is then looked for everywhere."""

import json
import sqlite3
import subprocess
import threading
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import RedisError

from runner.results.secretforms import forms_of
from tests.end_to_end.origin import Origin
from tests.end_to_end.service import Service
from tests.private_redis import PrivateRedis
from tests.waiting import PATIENCE_SECONDS, wait_until
from worker.supervisor import headrace_command

pytestmark = [pytest.mark.docker, pytest.mark.redis]

CANARY = 'canary/42 "sings" $loudly'
FORMS = forms_of(CANARY)
WORKFLOW = """
services:
  beside:
    image: {image}
    commands: sleep 300
steps:
  use:
    image: {image}
    environment:
      CANARY: {{from_secret: Canary}}
    commands:
      - test "$(printf '%s' "$CANARY" | sha256sum)" = "{digest}  -"
      - echo "$CANARY"
      - printf '%s' "$CANARY" | base64
      - printf 'x%s' "$CANARY" | base64
      - printf '%s' "$CANARY" | hexdump -ve '1/1 "%02x"'; echo
      - env >&2
      - echo ready
      - until test -e /tmp/go; do sleep 0.1; done
      - exit 3
  after:
    image: {image}
    commands: env
    when: {{status: [success, failure]}}
"""


def workflow(image: str) -> str:
    return WORKFLOW.format(image=image, digest=sha256(CANARY.encode()).hexdigest())


class Eavesdropper:
    """Writes down every command that a Redis is given."""

    def __init__(self, redis: PrivateRedis) -> None:
        self.heard: list[str] = []
        self._redis = redis
        self._is_over = threading.Event()
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> "Eavesdropper":
        self._thread.start()
        assert self._is_ready.wait(PATIENCE_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._redis.client().ping()  # the last one it hears
        self._thread.join()

    def _listen(self) -> None:
        with self._redis.client().monitor() as monitor:  # type: ignore[no-untyped-call] # redis-py gives it no types
            self._is_ready.set()
            while not self._is_over.is_set():
                try:
                    self.heard.append(monitor.next_command()["command"])
                except RedisError:
                    continue  # nothing was said for a while


def set_secret(service: Service, name: str, value: str) -> None:
    done = subprocess.run(
        headrace_command("secret", "set", name, "--repo", "acme/web", "--data", str(service.data)),
        input=value.encode(),
        check=True,
        capture_output=True,
    )
    assert_clean("what the command says", done.stdout + done.stderr)


def assert_clean(where: str, data: bytes) -> None:
    found = [form for form in FORMS if form in data]
    assert not found, f"{where} holds {found}"


def inspected(run_id: str) -> dict[str, bytes]:
    """What the engine tells of each container, network and volume of a run, by its name."""
    found: dict[str, bytes] = {}
    for kind in ("container", "network", "volume"):
        everything = ("--all",) if kind == "container" else ()
        names = docker(kind, "ls", "--quiet", *everything, "--filter", f"label=headrace.run={run_id}").split()
        found |= {name: _without_quoting(docker(kind, "inspect", name)) for name in names}
    return found


def _without_quoting(text: str) -> bytes:
    """JSON with its strings as they are meant."""
    return "\n".join(_strings(json.loads(text))).encode()


def _strings(value: object) -> Iterator[str]:
    match value:
        case dict():
            for key, each in value.items():
                yield from (key, *_strings(each))
        case list():
            for each in value:
                yield from _strings(each)
        case _:
            yield str(value)


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout


def knowing(run_id: str) -> list[str]:
    """The names of what knows the secret in any form."""
    return [name for name, text in inspected(run_id).items() if any(form in text for form in FORMS)]


def rows(database: Path) -> Iterator[bytes]:
    """Each value in a database, in one piece: in its file a long one lies in several."""
    with closing(sqlite3.connect(database)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - tables of ours
                yield from (each if isinstance(each, bytes) else str(each).encode() for each in row)


def values(redis: PrivateRedis) -> Iterator[bytes]:
    """Each value in a Redis; what RQ has compressed, too."""
    client: Any = redis.client()
    for key in client.scan_iter():
        read = {
            b"string": lambda key: [client.get(key)],
            b"hash": lambda key: [part for pair in client.hgetall(key).items() for part in pair],
            b"list": lambda key: client.lrange(key, 0, -1),
            b"set": client.smembers,
            b"zset": lambda key: client.zrange(key, 0, -1),
            b"stream": lambda key: [part for _, entry in client.xrange(key) for pair in entry.items() for part in pair],
        }[client.type(key)]
        for value in (key, *(each for each in read(key) if each is not None)):
            yield value
            with suppress(zlib.error):
                yield zlib.decompress(value)


def command_lines() -> Iterator[bytes]:
    """What a list of this machine's processes shows."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield path.read_bytes()


def assert_nowhere_outside(service: Service, redis: PrivateRedis) -> None:
    assert_clean("Redis", b"\n".join(values(redis)))
    assert_clean("the database", b"\n".join(rows(service.data / "headrace.sqlite")))
    assert_clean("the list of processes", b"\n".join(command_lines()))
    for file in (path for path in service.directory.rglob("*") if path.is_file()):
        with suppress(FileNotFoundError):  # a lock or a part of a file, that served its purpose
            assert_clean(str(file), file.read_bytes())


def test_canary_is_known_to_its_step_and_is_nowhere_else(
    halves: Service, origin: Origin, redis: PrivateRedis, busybox: str
) -> None:
    halves.server()
    halves.worker()
    halves.add_repository(origin)
    set_secret(halves, "CANARY", CANARY + "\n")
    with Eavesdropper(redis) as eavesdropper:
        run_id = halves.run_of(origin.push(_headrace_yaml=workflow(busybox)))
        log = f"/api/runs/{run_id}/jobs/headrace/steps/use/log"
        wait_until(lambda: "ready\n" in halves.get(log).text if halves.run(run_id)["jobs"] else False)
        assert len(inspected(run_id)) > 5, "the service, those that hold the network, network and volumes are there"
        [container] = knowing(run_id)
        assert_nowhere_outside(halves, redis)
        docker("exec", container, "touch", "/tmp/go")
        run = halves.finished_run(run_id)
    assert run["status"] == "failure", run
    text = halves.get(log).text
    assert text.count("********") >= 5, text
    assert_clean("the log", text.encode())
    assert_clean("Redis, in all it was told,", "\n".join(eavesdropper.heard).encode())
    assert any("headrace:order:" in command and "v1." in command for command in eavesdropper.heard)
    for path in (
        f"/api/runs/{run_id}",
        f"/api/runs/{run_id}/records?logs=1&format=jsonl",
        "/api/repositories/acme/web/deliveries",
        "/acme/web/runs/1",
        "/",
    ):
        assert_clean(path, halves.get(path).content)
    assert_nowhere_outside(halves, redis)
    assert inspected(run_id) == {}


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path)


def test_secret_that_is_not_there_ends_the_run_before_anything_starts(
    halves: Service, origin: Origin, busybox: str
) -> None:
    halves.server()
    halves.worker()
    halves.add_repository(origin)
    run = halves.workflow_run(origin, _headrace_yaml=workflow(busybox))
    assert run["status"] == "error"
    assert 'step "use" can\'t have the secret "Canary": there is none of that name' in run["reason"]
    assert run["jobs"] == []
