"""A secret with a face that is known: it runs through a whole service, and is then looked for everywhere."""

import json
import subprocess
import threading
from hashlib import sha256
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from runner.results.secretforms import forms_of
from tests.end_to_end.origin import Origin
from tests.end_to_end.service import Service
from tests.private_redis import PrivateRedis
from tests.waiting import wait_until
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
        assert self._is_ready.wait(10)
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


def containers_of_runs() -> dict[str, bytes]:
    """What `docker inspect` tells of each container of ours, by its id."""
    ids = subprocess.run(
        ["docker", "ps", "--all", "--quiet", "--filter", "label=headrace.run"],
        check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    found = subprocess.run(["docker", "inspect", *ids], check=False, capture_output=True).stdout
    return {each["Id"]: json.dumps(each, ensure_ascii=False).encode() for each in json.loads(found or b"[]")}


def knowing() -> list[str]:
    """The ids of the containers that know the secret, in their own JSON."""
    inside = json.dumps(CANARY)[1:-1].encode()
    return [container for container, text in containers_of_runs().items() if inside in text]


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
        wait_until(lambda: "ready\n" in halves.get(log).text if halves.run(run_id)["jobs"] else False, seconds=60)
        [container] = knowing()
        subprocess.run(["docker", "exec", container, "touch", "/tmp/go"], check=True)
        run = halves.finished_run(run_id)
    assert run["status"] == "failure", run
    text = halves.get(log).text
    assert text.count("********") >= 5, text
    assert_clean("the log", text.encode())
    assert_clean("Redis, in all it was told,", "\n".join(eavesdropper.heard).encode())
    assert any("headrace:order:" in command and "v1." in command for command in eavesdropper.heard)
    for path in (f"/api/runs/{run_id}", f"/api/runs/{run_id}/records?logs=1&format=jsonl", "/acme/web/runs/1", "/"):
        assert_clean(path, halves.get(path).content)
    for file in (path for path in halves.directory.rglob("*") if path.is_file()):
        assert_clean(str(file), file.read_bytes())
    assert knowing() == []


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
