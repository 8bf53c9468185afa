"""The stack of compose.yaml under compose's own program, and what people do with it."""

import json
import os
import re
import shutil
import subprocess
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from tests.end_to_end.origin import Origin
from tests.ports import free_port
from tests.waiting import wait_until

PASSWORD = "the mill turns slowly"
SOCKET = Path("/var/run/docker.sock")
_OVERRIDE = "compose.override.yaml"
_SECONDS = 60.0
_numbers = count(1)


class Stack:
    """A project of compose in `directory`, on a port of its own."""

    def __init__(self, directory: Path, *, base: str, redis_image: str) -> None:
        self._directory = directory
        self.project = f"headrace-test-{os.getpid()}-{next(_numbers)}"
        self.url = f"http://127.0.0.1:{free_port()}"
        self._image = f"headrace/test-compose:{self.project}"
        self._given = {
            "BASE_IMAGE": base,
            "COMPOSE_PROJECT_NAME": self.project,
            "DOCKER_BUILDKIT": "0",
            "DOCKER_GID": str(SOCKET.stat().st_gid),
            "HEADRACE_IMAGE": self._image,
            "HEADRACE_PORT": self.url.rpartition(":")[2],
            "HEADRACE_URL": self.url,
            "REDIS_IMAGE": redis_image,
        }
        self._token = ""

    def compose(self, *arguments: str) -> str:
        """What compose says to stdout."""
        return self.compose_bytes(*arguments).decode()

    def compose_bytes(self, *arguments: str, given: bytes = b"") -> bytes:
        """The same as it comes, with something to read from stdin."""
        done = subprocess.run(
            [*_compose(), *arguments],
            cwd=self._directory,
            env={**os.environ, **self._given},
            input=given,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def headrace(self, *arguments: str) -> str:
        """What a command says to stdout, in the server's container."""
        return self.compose("exec", "-T", "server", "headrace", *arguments)

    def override(self, text: str) -> None:
        """What compose is to read after compose.yaml, from now on."""
        (self._directory / _OVERRIDE).write_text(text)

    def forget_override(self) -> None:
        """Nothing more than compose.yaml, from now on."""
        (self._directory / _OVERRIDE).unlink(missing_ok=True)
        self._token = ""

    def once_well(self) -> "Stack":
        """The stack, when each of its containers runs, and all that look after their health are well."""
        wait_until(self._is_well, seconds=_SECONDS, what="all of the stack is well")
        return self

    def containers(self) -> dict[str, str]:
        """The id of the container of each service, those that have ended, too."""
        ids = _docker("ps", "--all", "--quiet", "--no-trunc", "--filter", self._mine).split()
        return {_docker("inspect", "--format", _SERVICE, container).strip(): container for container in ids}

    def link(self) -> str:
        """The newest link in the server's log that makes the first account."""
        links = re.findall(r"http://[\d.:]+/setup\?key=[\w-]+", self.compose("logs", "--no-color", "server"))
        return str(links[-1])

    def browser(self) -> httpx.Client:
        """A browser that nobody has logged in with, as far as headers go."""
        return httpx.Client(base_url=self.url, timeout=10, headers={"sec-fetch-site": "same-origin"})

    def make_account(self, name: str) -> None:
        """Open the link and make the account, as a browser does."""
        key = self.link().partition("key=")[2]
        with self.browser() as browser:
            assert browser.get("/setup", params={"key": key}).status_code == 200
            made = browser.post("/setup", data={"key": key, "name": name, "password": PASSWORD})
        assert (made.status_code, made.headers["location"]) == (303, "/"), made.text

    def add_repository(self, origin: Origin, clone_url: str) -> None:
        """`headrace repo add` for plain git, its ready `post-receive` script put in place."""
        added = self.headrace("repo", "add", "acme/web", "--forge", "git", "--clone-url", clone_url, "--output", "json")
        origin.install_hook(json.loads(added)["post_receive"])

    def get(self, path: str) -> httpx.Response:
        """GET a path of the server with a token."""
        if not self._token:
            self.headrace("user", "add", "robot", "--robot")
            made = self.headrace("token", "create", "tests", "--user", "robot", "--scope", "read")
            self._token = made.split()[-1]
        answer = httpx.get(self.url + path, timeout=10, headers={"authorization": f"Bearer {self._token}"})
        answer.raise_for_status()
        return answer

    def runs(self) -> list[dict[str, Any]]:
        """All runs, newest first."""
        runs: list[dict[str, Any]] = self.get("/api/runs").json()["runs"]
        return runs

    def run(self, run_id: str) -> dict[str, Any]:
        """A run as the API shows it."""
        run: dict[str, Any] = self.get(f"/api/runs/{run_id}").json()
        return run

    def ended(self, run_id: str) -> dict[str, Any]:
        """The run once it has ended."""
        wait_until(lambda: self.run(run_id)["finished_at"], seconds=_SECONDS, what=f"run {run_id} ends")
        return self.run(run_id)

    def run_of(self, pushed: str) -> str:
        """The id of the run that the hook told the pusher of."""
        [number] = re.findall(r"/acme/web/runs/(\d+)", pushed)
        return next(str(run["id"]) for run in self.runs() if run["number"] == int(number))

    def gateway(self) -> str:
        """The address that this machine has for the stack's containers."""
        [address] = _docker("inspect", "--format", _GATEWAYS, self.containers()["worker"]).split()
        return address

    def made_by_its_worker(self) -> list[str]:
        """The labels of the containers, networks and volumes that the worker has made and not removed."""
        installation = self.compose("exec", "-T", "server", "cat", "/var/lib/headrace/installation").strip()
        return _labelled(f"label=headrace.host=worker/{installation}")

    def left(self) -> list[str]:
        """What compose has made for the project and not removed."""
        return _labelled(self._mine)

    def remove_image(self) -> None:
        """Forget the name of the image that compose has built."""
        _docker("image", "rm", self._image)

    @property
    def _mine(self) -> str:
        return f"label=com.docker.compose.project={self.project}"

    def _is_well(self) -> bool:
        states = {_docker("inspect", "--format", _STATE, each).strip() for each in self.containers().values()}
        return states == {"running", "running healthy"}


_SERVICE = '{{index .Config.Labels "com.docker.compose.service"}}'
_STATE = "{{.State.Status}}{{with .State.Health}} {{.Status}}{{end}}"
_GATEWAYS = "{{range .NetworkSettings.Networks}}{{.Gateway}} {{end}}"


def _compose() -> list[str]:
    """How compose is called here: as docker's plugin, or as the older program of its own."""
    plugin = subprocess.run(["docker", "compose", "version"], check=False, capture_output=True)
    if plugin.returncode == 0:
        return ["docker", "compose"]
    assert shutil.which("docker-compose"), "the tests need docker compose: `make test` installs it"
    return ["docker-compose"]


def _labelled(label: str) -> list[str]:
    kinds = (("ps", "--all"), ("network", "ls"), ("volume", "ls"))
    return [line for kind in kinds for line in _docker(*kind, "--filter", label, "--quiet").splitlines()]


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
