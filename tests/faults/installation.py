"""Installation: a place where `headrace run` runs things, that is looked at from outside when it has ended."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runner.engine.client import Engine
from runner.engine.ownership import RUN
from tests.gitrepo import GitRepository
from tests.mortal import mortal

WORKFLOW = """
services:
  db: {image: IMAGE, commands: sleep 300}
steps:
  first: {image: IMAGE, commands: [echo first, sleep 0.2]}
  second: {image: IMAGE, commands: [echo second, sleep 0.2, touch made], artifacts: made}
  third: {image: IMAGE, commands: 'while :; do echo third; sleep 0.1; done'}
  mourn: {image: IMAGE, commands: echo alas, when: {status: [success, failure]}}
"""


class Installation:
    """A place where Headrace runs things: a repository, a state of its own, and variables if there are any."""

    def __init__(
        self,
        directory: Path,
        engine: Engine,
        image: str,
        workflow: str = WORKFLOW,
        *,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._engine = engine
        self._environment = environment
        self._state = directory / "state"
        self._processes: list[subprocess.Popen[bytes]] = []
        self.repository = GitRepository(directory / "project")
        self.repository.write(".headrace.yaml", workflow.replace("IMAGE", image))
        self.repository.commit(readme="hello\n")

    @property
    def state(self) -> Path:
        """Where it keeps its runs."""
        return self._state

    def start(self, *arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
        """Start `headrace` with these arguments, options of Popen, and variables beside our own (`environment`)."""
        process = subprocess.Popen(
            mortal([sys.executable, "-P", "-m", "runner.cli", *arguments]),
            cwd=self.repository.path,
            env={
                **os.environ,
                "HEADRACE_STATE": str(self._state),
                "HEADRACE_GRACE_SECONDS": "1",
                "PYTHONFAULTHANDLER": "1",
                **self._environment,
                **options.pop("environment", {}),
            },
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )
        self._processes.append(process)
        return process

    def end(self) -> None:
        """End what a test that failed has left running."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def left(self) -> list[str]:
        """What the engine holds of the runs of this place."""
        directory = self._state / "runs"
        runs = [path.name for path in directory.iterdir()] if directory.exists() else []
        found = (*self._engine.containers(RUN), *self._engine.networks(RUN), *self._engine.volumes(RUN))
        return [each.name for each in found if each.labels[RUN] in runs]

    def is_swept(self) -> bool:
        """True if a sweep leaves nothing of them."""
        process = self.start("clean")
        _, told = process.communicate(timeout=150)
        assert process.returncode == 0, told
        return self.left() == []
