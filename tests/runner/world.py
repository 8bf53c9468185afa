"""World: a job defined, run and looked at in three lines, on any backend."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from pipelines.plan import PlannedJob, PlannedStep
from pipelines.records import AnyRecord, JobFinished, Log, StepFinished, StepStarted, Stream
from pipelines.status import Status
from runner.backend import Backend, Ticket, Tree
from runner.engine.client import EngineRefusal
from runner.engine.containers import DockerBackend
from runner.engine.ownership import PROCESS, ROLE, RUN
from runner.execute import execute
from runner.results.artifacts import DirectoryArtifacts
from runner.results.output import DEFAULT_LIMIT_BYTES
from runner.scribe import Scribe
from runner.source.tarstream import tar_stream
from runner.stop import Stop
from tests.runner.scripted import ScriptedBackend
from tests.waiting import wait_until

BOTH = (Status.SUCCESS, Status.FAILURE)
FAILURE = (Status.FAILURE,)


@dataclass(slots=True)
class Result:
    """What became of a job, told by its Records alone."""

    status: Status
    records: list[AnyRecord]

    def finished(self, step: str) -> StepFinished:
        """The one `step_finished` of this step."""
        [record] = [each for each in self.records if isinstance(each, StepFinished) and each.step == step]
        return record

    def statuses(self) -> dict[str, str]:
        """What every step became."""
        return {each.step: each.status.value for each in self.records if isinstance(each, StepFinished)}

    @property
    def job(self) -> JobFinished:
        """The last Record."""
        last = self.records[-1]
        assert isinstance(last, JobFinished)
        return last

    def started(self) -> list[str]:
        """The steps that were started, in that order."""
        return [each.step for each in self.records if isinstance(each, StepStarted)]

    def logs(self, step: str) -> list[Log]:
        """The chunks of a step's log."""
        return [each for each in self.records if isinstance(each, Log) and each.step == step]

    def lines(self, step: str, *streams: Stream) -> list[str]:
        """The lines of a step's output, without the echoed commands and without the one that tells the image."""
        chosen = streams or tuple(Stream)
        lines = [line for each in self.logs(step) if each.stream in chosen for line in each.lines]
        return [line for line in lines if not line.startswith(("+ ", "image "))]


@dataclass(slots=True, kw_only=True)
class World:
    """A backend, an image on it and a place for artifacts."""

    backend: Backend
    image: str
    directory: Path
    secrets: Mapping[str, str] = field(default_factory=dict)
    log_limit_bytes: int = DEFAULT_LIMIT_BYTES

    def step(self, name: str, *commands: str, **values: Any) -> PlannedStep:
        """A step that runs these commands."""
        return PlannedStep(**{"name": name, "image": self.image, "commands": commands, **values})

    def chain(self, *steps: PlannedStep) -> tuple[PlannedStep, ...]:
        """The steps, each depending on the one before it."""
        before: list[tuple[str, ...]] = [(), *[(step.name,) for step in steps]]
        return tuple(
            msgspec.structs.replace(step, depends_on=names) for step, names in zip(steps, before, strict=False)
        )

    def job(self, *steps: PlannedStep, **values: Any) -> PlannedJob:
        """A job of these steps."""
        fixed = {"name": "build", "workflow": "build", "file": ".headrace.yaml", "workspace_base": "/headrace"}
        return PlannedJob(**{**fixed, "workspace": "/headrace/src", "steps": steps, **values})

    def run(
        self,
        *steps: PlannedStep,
        files: Mapping[str, str] | None = None,
        tree: Tree | None = None,
        stop: Stop | None = None,
        abort: Stop | None = None,
        watch: Callable[[AnyRecord], None] = lambda _record: None,
        run: str = "r1",
        earlier: Mapping[str, int] | None = None,
        **values: Any,
    ) -> Result:
        """Execute a job of these steps, its workspace from `tree`, else of `files`; `watch` sees each Record."""
        records: list[AnyRecord] = []

        def sink(record: AnyRecord) -> None:
            records.append(record)
            watch(record)

        status = execute(
            self.job(*steps, **values),
            self.backend,
            Scribe(run, sink),
            ticket=Ticket(run=run, job="build"),
            tree=tree or (lambda: tar_stream(self._source(files or {}))),
            artifacts=self.artifacts,
            secrets=self.secrets,
            stop=stop,
            abort=abort,
            log_limit_bytes=self.log_limit_bytes,
            earlier=earlier,
        )
        return Result(status, records)

    def touch(self, name: str, *, run: str = "r1") -> None:
        """Make a file in the workspace of a job, once one of its steps is up: such as it waits for (`wait_for`)."""
        wait_until(lambda: self._has_touched(name, run), what=f"a step is up that can have {name}")

    def _has_touched(self, name: str, run: str) -> bool:
        if isinstance(self.backend, ScriptedBackend):
            (self.backend.workspaces[-1] / name).touch()
            return True
        assert isinstance(self.backend, DockerBackend)
        engine = self.backend.engine
        for each in engine.containers(f"{RUN}={run}"):
            if ROLE not in each.labels and each.labels[PROCESS] == self.backend.owner.process:
                with suppress(EngineRefusal):  # it isn't up yet, or any more
                    if engine.execute(each.name, ["touch", f"/headrace/src/{name}"], 60)[0] == 0:
                        return True
        return False

    @property
    def artifacts(self) -> DirectoryArtifacts:
        """Where artifacts are kept."""
        return DirectoryArtifacts(self.directory / "artifacts")

    def _source(self, files: Mapping[str, str]) -> list[tuple[str, Path]]:
        for name, text in files.items():
            path = self.directory / "source" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return [(name, self.directory / "source" / name) for name in files]


def wait_for(path: str) -> str:
    """A shell line that waits until a file is there: the step's time limit is its deadline."""
    return f"until [ -e {path} ]; do sleep 0.02; done"


def when_it_says(line: str, act: Callable[[], None]) -> Callable[[AnyRecord], None]:
    """A watcher that acts once a step has printed this line."""

    def watch(record: AnyRecord) -> None:
        if isinstance(record, Log) and line in record.lines:
            act()

    return watch
