"""The whole service as its users run it: our own commands in processes of their own, spoken to over HTTP and git."""

import io
import json
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest

from runner.cli import main
from tests.end_to_end.origin import Origin
from tests.mortal import mortal
from tests.ports import free_port
from tests.waiting import PATIENCE_SECONDS, wait_until
from worker.supervisor import headrace_command


class Process:
    """One `headrace …` command under way; its stderr is kept in a file."""

    def __init__(self, log: Path, *arguments: str, environment: Mapping[str, str]) -> None:
        self._log = log
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                mortal(headrace_command(*arguments)),
                stdin=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
                env={**os.environ, **environment},
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def said(self) -> str:
        """What it has written to stderr."""
        return self._log.read_text()

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal, and don't wait for what comes of it."""
        self._process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it with this signal, and give its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self.exit_code()

    def exit_code(self) -> int:
        """Its exit code, once it has ended."""
        return self._process.wait(PATIENCE_SECONDS)


class Service:
    """A data directory, and the processes that work on it, with `environment` beside the test's own."""

    def __init__(
        self, directory: Path, *, redis_url: str = "", environment: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.url = f"http://127.0.0.1:{free_port()}"
        self._redis_url = redis_url
        self._environment = environment
        self._token = ""
        self.processes: list[Process] = []

    def up(self, *, drain_seconds: float = 5) -> Process:
        """`headrace up`, ready."""
        return self._start("up", "--workers", "1", "--drain", f"{drain_seconds:g}")

    def server(self) -> Process:
        """`headrace server`, ready."""
        return self._start("server")

    def worker(self, *arguments: str) -> Process:
        """`headrace worker` with these arguments."""
        given = ("worker", *arguments, *self._options())
        process = Process(self.directory / "worker.log", *given, environment=self._environment)
        self.processes.append(process)
        return process

    def workflow_run(self, origin: Origin, **files: str) -> dict[str, Any]:
        """Push these files and wait for the end of the run that comes of it."""
        return self.finished_run(self.run_of(origin.push(**files)))

    def run_of(self, pushed: str) -> str:
        """The id of the run whose page the hook named to the pusher."""
        [number] = re.findall(r"/acme/web/runs/(\d+)", pushed)
        runs = self.get("/api/repositories/acme/web/runs").json()["runs"]
        run_id: str = next(run["id"] for run in runs if run["number"] == int(number))
        return run_id

    def end(self) -> None:
        """End everything, and say what it said if a test fails."""
        for process in reversed(self.processes):
            process.end()
            print(process.said())  # noqa: T201 -- pytest shows it for tests that fail

    def add_repository(self, origin: Origin, name: str = "acme/web", *, clone_url: str = "") -> None:
        """`headrace repo add` for plain git, its ready `post-receive` script put in place."""
        self.authorization()  # now, so that whoever pushes can look at once
        place = ("--forge", "git", "--clone-url", clone_url or str(origin.path))
        added = self.headrace("repo", "add", name, *place, "--output", "json")
        origin.install_hook(json.loads(added)["post_receive"])

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET a path of the server, with a token."""
        response = httpx.get(self.url + path, timeout=PATIENCE_SECONDS, headers=self.authorization(), **options)
        response.raise_for_status()
        return response

    def authorization(self) -> dict[str, str]:
        """The header of a program that may act on runs."""
        if not self._token:
            self.headrace("user", "add", "robot", "--robot")
            self._token = self.headrace("token", "create", "tests", "--user", "robot", "--scope", "write").strip()
        return {"authorization": f"Bearer {self._token}"}

    def headrace(self, *arguments: str) -> str:
        """What a command says to stdout, on the server's own machine. Here it takes a second less than as a process."""
        said = io.StringIO()
        with redirect_stdout(said), pytest.raises(SystemExit) as ended:
            main([*arguments, "--data", str(self.data), "--url", self.url])
        assert ended.value.code == 0
        return said.getvalue()

    def run(self, run_id: str) -> dict[str, Any]:
        """A run as the API shows it."""
        run: dict[str, Any] = self.get(f"/api/runs/{run_id}").json()
        return run

    def runs(self) -> list[dict[str, Any]]:
        """All runs, newest first."""
        runs: list[dict[str, Any]] = self.get("/api/runs").json()["runs"]
        return runs

    def cancel(self, run_id: str) -> httpx.Response:
        """Ask for a run's end."""
        return httpx.post(
            f"{self.url}/api/runs/{run_id}/cancel", json={}, headers=self.authorization(), timeout=PATIENCE_SECONDS
        )

    def finished_run(self, run_id: str, *, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """The run once it has ended."""
        wait_until(lambda: self.run(run_id)["finished_at"], seconds=seconds, what=f"run {run_id} ends")
        return self.run(run_id)

    def _start(self, *arguments: str) -> Process:
        log = self.directory / f"{arguments[0]}.log"
        process = Process(log, *arguments, *self._options(), environment=self._environment)
        self.processes.append(process)
        wait_until(lambda: self._is_healthy(process), what=f"{arguments[0]} is ready")
        return process

    def _options(self) -> list[str]:
        options = ["--data", str(self.data), "--listen", self.url.removeprefix("http://")]
        return [*options, "--redis-url", self._redis_url] if self._redis_url else options

    def _is_healthy(self, process: Process) -> bool:
        assert process._process.poll() is None, process.said()
        try:
            return httpx.get(f"{self.url}/healthz", timeout=PATIENCE_SECONDS).status_code == 200
        except httpx.TransportError:
            return False
