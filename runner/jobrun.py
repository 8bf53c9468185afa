"""JobRun: one job on its way through services, steps and clean-up.

DESIGN. The calling thread holds the Schedule and decides; steps run in a pool with a thread a lane, services and
detached steps in a thread each; all report back through one queue, so nothing is polled and no lock guards the
decisions. After each of them it looks ahead: the steps that come next are made ready while others run. A stop reaches
running steps through their own Stop, and the schedule when the first of them reports.
Every included step gets exactly one `step_finished`, whatever happens.
"""

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from functools import partial

from pipelines.plan import PlannedStep
from pipelines.status import Status
from runner.backend import Backend, Site, Ticket, Tree
from runner.deadline import deadline, limit_text
from runner.environment import check_secrets
from runner.errors import RunnerError, SinkError, StepError
from runner.jobcontext import JobContext
from runner.lineup import Lineup
from runner.schedule import Schedule
from runner.steprun import Ended, leave_out, prepare_step, run_step, serve_step
from runner.stop import Stop

AFTER_STOP_LIMIT_SECONDS = 300.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Started:
    """News of a service or detached step: it runs now, what depends on it may start."""

    step: PlannedStep


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """Where the steps run: a thread a lane, and those at the start."""

    site: Site
    lanes: ThreadPoolExecutor
    lineup: Lineup


class JobRun:
    """One job under way. Its methods run in the calling thread, but for `_report`."""

    def __init__(self, context: JobContext, *, stop: Stop, abort: Stop) -> None:
        self._context = context
        self._stop = stop.child()  # the job's own: its time-out must not end what the caller's Stop ends
        self._asked_stop = stop
        self._after_stop = abort.child()
        self._background_stop = Stop()
        self._schedule = Schedule(context.job.included_steps)
        self._services = [service for service in context.job.services if service.included]
        self._news: queue.SimpleQueue[_Started | Ended | SinkError] = queue.SimpleQueue()
        self._background: list[threading.Thread] = []
        self._running: list[PlannedStep] = []  # steps in a lane; services and detached steps that are starting
        self._services_started = 0
        self._stopped = False
        self._cancelled_by_step: Status | None = None  # what became of the step
        self._failure_reason = ""
        self._error = ""

    def carry_out(self, backend: Backend, ticket: Ticket, tree: Tree) -> tuple[Status, str]:
        """The whole job. Gives its status and why."""
        site = None
        try:
            check_secrets(self._context.job, self._context.secrets)
            if not self._stop.requested:
                with self._time_limit():
                    site = backend.open(self._context.job, ticket, tree, self._stop, self._context.tell_pull)
                    self._work(site)
        except SinkError:
            raise
        except RunnerError as error:
            self._break_off(str(error))
        except Exception as error:  # noqa: BLE001 - whatever broke, the job ends as error and is cleaned up
            _log.exception("job broke the runner", extra={"job": self._context.job.name})
            self._break_off(f"internal error: {type(error).__name__}: {error}")
        finally:
            self._end(site)
        self._raise_late_sink_error()
        self._leave_out_rest()
        return self._verdict()

    def _time_limit(self) -> AbstractContextManager[None]:
        limit = self._context.job.timeout
        return deadline(self._stop, limit, f"the job took longer than its limit of {limit_text(limit or 0)}")

    def _work(self, site: Site) -> None:
        with (
            ExitStack() as limits,
            ThreadPoolExecutor(site.lanes, thread_name_prefix="headrace-lane") as lanes,
            closing(Lineup(site.lanes, partial(prepare_step, self._context, site))) as lineup,
        ):
            stage = _Stage(site=site, lanes=lanes, lineup=lineup)
            try:
                self._open(stage)
                self._start_services(stage)
                while not self._schedule.is_done:
                    self._note_stop(limits)
                    self._start_ready(stage)
                    self._look_ahead(stage)
                    self._take_news(stage)
            except BaseException:
                self._stop_everything()
                raise

    def _open(self, stage: _Stage) -> None:
        """Wait for the site, and make the first steps ready meanwhile. Services go before them."""
        if not self._services:
            stage.lineup.line_up(step for step in self._schedule.startable() if not step.detach)
            self._look_ahead(stage)
        stage.site.wait_until_open()

    def _look_ahead(self, stage: _Stage) -> None:
        """Make ready what comes next if all goes well. A step that failed has made some hopes vain."""
        stage.lineup.give_up(lambda step: bool(self._schedule.skip_reason(step)))
        stage.lineup.look_ahead(step for step in self._schedule.expected() if not step.detach)

    def _start_services(self, stage: _Stage) -> None:
        for service in self._services:
            self._start_background(stage.site, service)
            self._services_started += 1
        if self._services:
            self._look_ahead(stage)
        while self._running:
            self._take_news(stage)

    def _note_stop(self, limits: ExitStack) -> None:
        """Once a stop is asked for, only steps that run after a failure follow, under a limit of their own."""
        if self._stopped or not self._stop.requested:
            return
        self._stopped = True
        if not self._cancelled_by_step:
            self._schedule.interrupt(self._stop.status)
        reason = f"steps after a stopped job may take {limit_text(AFTER_STOP_LIMIT_SECONDS)}"
        limits.enter_context(deadline(self._after_stop, AFTER_STOP_LIMIT_SECONDS, reason))

    def _start_ready(self, stage: _Stage) -> None:
        """Start or skip all that can be. To skip a step may make others ready."""
        while hopeless := self._schedule.hopeless():
            for each in hopeless:
                leave_out(self._context, each.step, Status.SKIPPED, each.reason)
                self._schedule.end(each.step, Status.SKIPPED)
        while len(self._running) < stage.site.lanes:
            step = stage.lineup.next_of(self._schedule.startable(), self._schedule.may_start)
            if step is None:
                return
            self._start(stage, step)

    def _start(self, stage: _Stage, step: PlannedStep) -> None:
        self._schedule.start(step.name)
        if step.detach:
            self._start_background(stage.site, step)
            return
        self._running.append(step)
        stop = (self._after_stop if self._stopped else self._stop).child()
        status = self._schedule.job_status
        prepared = stage.lineup.enter(step)

        def work() -> Ended:
            return run_step(self._context, stage.site, step, prepared, job_status=status, stop=stop)

        stage.lanes.submit(self._report, work)

    def _start_background(self, site: Site, step: PlannedStep) -> None:
        """Start a service or detached step. The job's stop ends it only while it starts, not once it runs."""
        self._running.append(step)
        status = self._schedule.job_status
        stop = self._background_stop.child()
        is_started = threading.Event()

        def started() -> None:
            is_started.set()
            self._news.put(_Started(step))

        def give_up_start() -> None:
            if not is_started.is_set():
                stop.request(self._stop.status, self._stop.reason)

        def serve() -> Ended:
            return serve_step(self._context, site, step, job_status=status, stop=stop, started=started)

        self._stop.on_request(give_up_start)
        thread = threading.Thread(target=self._report, args=(serve,), name="headrace-background", daemon=True)
        self._background.append(thread)
        thread.start()

    def _report(self, work: Callable[[], Ended]) -> None:
        """Do the work, in a thread of its own, and send what came of it to the calling thread."""
        try:
            self._news.put(work())
        except SinkError as error:
            self._news.put(error)

    def _take_news(self, stage: _Stage) -> None:
        """Wait for one step to start or end, and note what that means for the others."""
        if self._schedule.is_done and not self._running:
            return
        if not self._running:
            names = ", ".join(step.name for step in self._schedule.waiting)
            raise RunnerError(f"steps wait for one another and none can start: {names}")
        news = self._news.get()
        if isinstance(news, SinkError):
            raise news
        if news.step not in self._running:
            self._note_late_end(news)
            return
        self._running.remove(news.step)
        if isinstance(news, _Started):
            self._schedule.end(news.step, Status.SUCCESS)
        else:
            stage.lineup.leave(news.step)
            self._note_end(news)

    def _note_late_end(self, news: _Started | Ended) -> None:
        """A service that ends by itself counts. Of a detached step that does, its own Records say all there is."""
        if isinstance(news, Ended) and news.step in self._services:
            self._note_end(news)

    def _note_end(self, ended: Ended) -> None:
        step, outcome = ended.step, ended.outcome
        self._schedule.end(step, outcome.status)
        if outcome.status.counts_as_success:
            return
        name = f"{'service' if step in self._services else 'step'} {step.name}"
        reason = f"{name}: {outcome.reason}"
        if outcome.status is Status.ERROR and not isinstance(ended.error, StepError):
            raise RunnerError(reason)
        if ended.error or (step.failure != "ignore" and not self._failure_reason):
            self._failure_reason = reason
        if step.failure == "cancel" and not self._stop.requested:
            self._cancelled_by_step = outcome.status
            self._asked_stop.request(Status.CANCELLED, f"{name} failed and cancels the run")

    def _break_off(self, error: str) -> None:
        """The machinery failed. What a stop made fail is no error."""
        if not self._stop.requested or self._stop.status is Status.ERROR:
            self._error = error

    def _stop_everything(self) -> None:
        for stop in (self._stop, self._after_stop, self._background_stop):
            stop.request(Status.ERROR, "the job was broken off")

    def _end(self, site: Site | None) -> None:
        """Stop the services and remove all that was made for the job."""
        self._background_stop.request(Status.SUCCESS, "stopped at the end of the job")
        for thread in self._background:
            thread.join()
        if site is None:
            return
        try:
            site.close()
        except RunnerError as error:
            self._error = self._error or f"clean-up failed: {error}"

    def _raise_late_sink_error(self) -> None:
        """A service's last Record may be refused when nobody waits for news any more."""
        while not self._news.empty():
            news = self._news.get()
            if isinstance(news, SinkError):
                raise news

    def _leave_out_rest(self) -> None:
        """Tell of the steps that were never reached because the job as a whole ended before them."""
        reason = f"the job was broken off: {self._error}" if self._error else "the job was stopped before it"
        for step in (*self._services[self._services_started :], *self._schedule.waiting):
            leave_out(self._context, step, Status.SKIPPED, reason)

    def _verdict(self) -> tuple[Status, str]:
        if self._error:
            return Status.ERROR, self._error
        if self._cancelled_by_step:
            return self._cancelled_by_step, self._failure_reason
        for stop in (self._stop, self._asked_stop):
            if stop.requested:
                return stop.status, stop.reason
        return self._schedule.result, self._failure_reason
