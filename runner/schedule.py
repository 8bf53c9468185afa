"""Schedule: which steps of a job may start now, which never will, and what that makes of the job. Pure.

A step is judged once all it depends on has ended: it runs if its `on` lists the state the job has then (success so
far, or failed), else it is skipped with the reason. Dependencies that are not in the job count as ended. What each
step still waits for is counted down, so that a step costs the same in a job of ten and of a thousand.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.plan import PlannedStep
from pipelines.status import Status, worst


@dataclass(frozen=True, slots=True)
class Ready:
    """A step whose time has come. `skip_reason` is empty if it is to run."""

    step: PlannedStep
    skip_reason: str = ""


class Schedule:
    """The steps of one job on their way from waiting over started to ended."""

    def __init__(self, steps: tuple[PlannedStep, ...]) -> None:
        self._waiting = {step.name: step for step in steps}
        self._started: set[str] = set()
        self._unmet = {step.name: self._waiting.keys() & step.depends_on for step in steps}
        self._dependents: dict[str, list[str]] = {}
        for name, unmet in self._unmet.items():
            for dependency in unmet:
                self._dependents.setdefault(dependency, []).append(name)
        self._counted: dict[str, Status] = {}
        self._worst = Status.SUCCESS
        self._interruption: Status | None = None

    @property
    def is_done(self) -> bool:
        """True once every step has ended."""
        return not self._waiting and not self._started

    @property
    def waiting(self) -> tuple[PlannedStep, ...]:
        """The steps that have not been started or skipped, in file order."""
        return tuple(self._waiting.values())

    @property
    def job_status(self) -> Status:
        """*success* or *failure*: the state that decides whether the next step runs."""
        return Status.SUCCESS if self.result is Status.SUCCESS else Status.FAILURE

    @property
    def result(self) -> Status:
        """What the job is so far: what interrupted it, else the worst that its steps became."""
        return self._interruption or self._worst

    def interrupt(self, status: Status) -> None:
        """The job as a whole ends early with this status: only steps that run after a failure still start."""
        self._interruption = self._interruption or status

    def ready(self) -> list[Ready]:
        """The waiting steps whose dependencies have ended, in file order."""
        return [Ready(step, self.skip_reason(step)) for step in self._waiting.values() if not self._unmet[step.name]]

    def expected(self) -> Iterator[PlannedStep]:
        """The waiting steps that come next if what runs now succeeds, in file order.

        Those are the steps that could start now, those that wait only for what runs, and those that wait only for
        these: who looks further ahead guesses.
        """
        nearest: set[str] = set()
        for step in self._waiting.values():
            missing = self._unmet[step.name] - self._started
            if missing <= nearest and not self.skip_reason(step):
                if not missing:
                    nearest.add(step.name)
                yield step

    def start(self, name: str) -> None:
        """The step runs now."""
        del self._waiting[name]
        self._started.add(name)

    def end(self, step: PlannedStep, status: Status) -> None:
        """The step has ended, or was skipped. With `failure: ignore` its failure doesn't count.

        A service that has ended counts, too: it may fail at any time, and then is no step that others wait for.
        """
        self._waiting.pop(step.name, None)
        self._started.discard(step.name)
        for name in self._dependents.pop(step.name, ()):
            self._unmet[name].discard(step.name)
        if step.failure != "ignore" or status is Status.ERROR:
            self._counted[step.name] = status
            if status is not Status.SKIPPED:
                self._worst = worst([self._worst, status])

    def skip_reason(self, step: PlannedStep) -> str:
        """Why the step is skipped if it is judged now; empty if it runs."""
        if self.job_status in step.on:
            return ""
        if self._interruption is not None:
            return f"the job was {_WORDS.get(self._interruption, self._interruption.value)}"
        if self.job_status is Status.SUCCESS:
            return "runs only after a failure, and no step has failed"
        failed = [name for name, status in self._counted.items() if not status.counts_as_success]
        steps = [name for name in failed if name in self._unmet]
        return f"an earlier step failed: {', '.join(steps)}" if steps else f"a service failed: {', '.join(failed)}"


_WORDS = {Status.TIMED_OUT: "over its time limit", Status.ERROR: "broken off by an error"}
