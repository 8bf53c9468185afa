"""Schedule: which steps of a job may start now, which never will, and what that makes of the job. Pure.

A step is judged once all it depends on has ended: it runs if its `on` lists the state the job has then (success so
far, or failed), else it is skipped with the reason. Dependencies that are not in the job count as ended. What each
step still waits for is counted down, and no question walks over all steps, so that a step costs the same in a job of
ten and of a thousand, in a chain and side by side.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from pipelines.plan import PlannedStep
from pipelines.status import Status, worst
from runner.turns import Turns


@dataclass(frozen=True, slots=True)
class Hopeless:
    """A step whose turn has come and that won't run."""

    step: PlannedStep
    reason: str


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
        self._turns = Turns(steps)
        for step in steps:
            self._note_turn(step)
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

    def startable(self) -> Iterator[PlannedStep]:
        """The waiting steps that may start now, in file order. To be read on only while nothing changes."""
        return self._turns.that_run(self.job_status)

    def may_start(self, step: PlannedStep) -> bool:
        """True if it is one of them."""
        return step in self._turns and self.job_status in step.on

    def hopeless(self) -> list[Hopeless]:
        """The waiting steps whose turn has come and that won't run, in file order, each with the reason."""
        return [Hopeless(step, self.skip_reason(step)) for step in self._turns.that_do_not_run(self.job_status)]

    def expected(self) -> Iterator[PlannedStep]:
        """The waiting steps that come next if what runs now succeeds.

        Those are the steps that could start now, those that wait only for what runs, and those that wait only for
        these, in this order: who looks further ahead guesses.
        """
        nearest: set[str] = set()
        for step in chain(self.startable(), self._waiting_only_for(self._started, beside=set())):
            nearest.add(step.name)
            yield step
        yield from self._waiting_only_for(nearest, beside=self._started)

    def _waiting_only_for(self, names: set[str], *, beside: set[str]) -> Iterator[PlannedStep]:
        """The steps that will run once these have ended, one of `names` at least, in file order."""
        dependents = {dependent for name in names for dependent in self._dependents.get(name, ())}
        for step in self._turns.in_file_order(dependents):
            if self._unmet[step.name] <= names | beside and not self.skip_reason(step):
                yield step

    def start(self, name: str) -> None:
        """The step runs now."""
        self._turns.drop(self._waiting.pop(name))
        self._started.add(name)

    def end(self, step: PlannedStep, status: Status) -> None:
        """The step has ended, or was skipped. With `failure: ignore` its failure doesn't count.

        A service that has ended counts, too: it may fail at any time, and then is no step that others wait for.
        """
        self._waiting.pop(step.name, None)
        self._turns.drop(step)
        self._started.discard(step.name)
        for name in self._dependents.pop(step.name, ()):
            self._unmet[name].discard(step.name)
            self._note_turn(self._waiting.get(name))
        if step.failure != "ignore" or status is Status.ERROR:
            self._counted[step.name] = status
            if status is not Status.SKIPPED:
                self._worst = worst([self._worst, status])

    def _note_turn(self, step: PlannedStep | None) -> None:
        if step and not self._unmet[step.name]:
            self._turns.add(step)

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
