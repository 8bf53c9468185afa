"""Attempts: one step tried until it succeeds, or as often as it may be, each time in a fresh container.

DESIGN. The step keeps its lane from the first attempt to the last. The next attempt's container is made ready at once
and waits behind its gate while the delay passes. Each attempt has a Stop of its own, so that its time-out ends it and
not the step; what stops the step ends attempt and delay alike, and no other attempt follows.
"""

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from pipelines.plan import PlannedStep
from pipelines.records import CommandRun, StepRetried
from pipelines.status import Status
from runner.backend import Outcome, Site
from runner.clock import milliseconds_since
from runner.deadline import deadline, limit_text
from runner.errors import RunnerError, SinkError
from runner.jobcontext import JobContext
from runner.prepared import Prepared, discard
from runner.results.steplog import StepLog
from runner.retry import NO_RETRY, is_followed
from runner.stop import Stop

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How an attempt ended. `error` is set if the machinery, not the author's program, was at fault.

    `outputs` are what the last one wrote for later steps and jobs.
    """

    outcome: Outcome
    error: RunnerError | None = None
    number: int = 1
    commands: tuple[CommandRun, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)


class Attempts:
    """The attempts at one step. `prepared` is the first, ready or on its way there; it must have ended."""

    def __init__(
        self, context: JobContext, site: Site, step: PlannedStep, prepared: Future[Prepared], *, job_status: Status
    ) -> None:
        self._context = context
        self._site = site
        self._step = step
        self._prepared = prepared
        self._job_status = job_status
        self._started = int(time.time())
        self._retry = step.retry or NO_RETRY

    def run(self, log: StepLog, stop: Stop) -> Attempt:
        """Try until an attempt is the last one, and give that. Raises SinkError alone."""
        number = 1
        while True:
            began = time.monotonic()
            attempt = self._run_once(number, log, stop)
            if stop.requested or self._prepared.exception() or not is_followed(self._retry, number, attempt.outcome):
                return attempt
            self._tell(attempt, log, milliseconds_since(began))
            if not self._make_ready_again(number + 1, stop):
                return Attempt(outcome=Outcome(status=stop.status, reason=stop.reason), number=number)
            number += 1
            log.begin_attempt(number)

    def discard(self) -> None:
        """Discard the attempt that is ready, if it hasn't run."""
        discard(self._prepared)

    def _run_once(self, number: int, log: StepLog, stop: Stop) -> Attempt:
        """One attempt, under its time limit."""
        own_stop = stop.child()

        def work() -> Attempt:
            with time_limit(self._step, own_stop):
                return Attempt(outcome=self._prepared.result().run(self._environment(number), log.write, own_stop))

        attempt = carried_out(work, self._context, self._step, own_stop)
        log.close()
        return replace(attempt, number=number, commands=log.commands(attempt.outcome.exit_code))

    def _environment(self, number: int) -> dict[str, str]:
        return self._context.environment(self._step, started=self._started, job_status=self._job_status, attempt=number)

    def _tell(self, attempt: Attempt, log: StepLog, duration_ms: int) -> None:
        outcome, retry = attempt.outcome, self._retry
        reason = self._context.mask.hide(outcome.reason)
        when = f"in {limit_text(retry.delay)}" if retry.delay else "now"
        earlier = self._context.earlier.get(self._step.name, 0)
        which = f"attempt {attempt.number + earlier} of {retry.attempts + earlier}"
        log.say(f"{which} has ended: {reason}; the next begins {when}")
        log.close()
        self._context.scribe.write(
            StepRetried,
            job=self._context.job.name,
            step=self._step.name,
            attempt=attempt.number,
            attempts=retry.attempts,
            status=outcome.status,
            exit_code=outcome.exit_code,
            reason=reason,
            duration_ms=duration_ms,
            delay_ms=round(retry.delay * 1000),
            commands=attempt.commands,
        )

    def _make_ready_again(self, number: int, stop: Stop) -> bool:
        """Have another container at its gate, once the delay has passed; False if `stop` was requested meanwhile."""
        ends = time.monotonic() + self._retry.delay
        environment, lane = self._environment(number), self._prepared.result().lane
        readied = self._site.ready(self._step, environment, lane)
        self._prepared = Future()
        self._prepared.set_result(Prepared(lane=lane, readied=readied, environment=environment))
        stop.wait(max(0.0, ends - time.monotonic()))
        return not stop.requested


def carried_out(work: Callable[[], Attempt], context: JobContext, step: PlannedStep, stop: Stop) -> Attempt:
    """What came of the work; an error becomes an Attempt, too. Raises SinkError alone."""
    try:
        return work()
    except SinkError:
        raise
    except RunnerError as failure:
        error = failure
    except Exception as failure:  # noqa: BLE001 - whatever broke, the step ends as error
        _log.exception("step broke the runner", extra={"job": context.job.name, "step": step.name})
        error = RunnerError(f"internal error: {type(failure).__name__}: {failure}")
    return Attempt(outcome=_outcome_of_error(error, stop), error=error)


def time_limit(step: PlannedStep, stop: Stop) -> AbstractContextManager[None]:
    """Within the block, request `stop` once the step's own time has passed."""
    return deadline(stop, step.timeout, f"took longer than its limit of {limit_text(step.timeout or 0)}")


def _outcome_of_error(error: RunnerError, stop: Stop) -> Outcome:
    """An engine asked to stop may well complain: what was asked for counts."""
    if stop.requested:
        return Outcome(status=stop.status, reason=stop.reason)
    return Outcome(status=Status.ERROR, reason=str(error))
