"""Run: carries out all jobs of a Plan on this machine, in the order that their dependencies ask for."""

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace

from pipelines.plan import Plan, PlannedJob
from pipelines.progress import NOTHING_TO_DO, JobState, next_moves
from pipelines.records import JobFinished, RunFinished, RunStarted, StepFinished
from pipelines.status import Status
from runner.clock import milliseconds_since
from runner.scribe import Scribe

Perform = Callable[[PlannedJob], Status]
"""Carries out one job, Records and all."""


def run_plan(plan: Plan, perform: Perform, scribe: Scribe, *, jobs_at_once: int) -> Status:
    """Carry out a Plan without errors, and say what became of it."""
    began = time.monotonic()
    scribe.write(RunStarted, plan=plan)
    status = _carry_out(plan, perform, scribe, jobs_at_once)
    reason = NOTHING_TO_DO if status is Status.SKIPPED else ""
    scribe.write(RunFinished, status=status, reason=reason, duration_ms=milliseconds_since(began))
    return status


def refuse_plan(plan: Plan, scribe: Scribe) -> None:
    """Say that a Plan with errors is not carried out, and why."""
    scribe.write(RunStarted, plan=plan)
    scribe.write(RunFinished, status=Status.ERROR, reason=plan.why_not, duration_ms=0)


def _carry_out(plan: Plan, perform: Perform, scribe: Scribe, jobs_at_once: int) -> Status:
    jobs = {job.name: job for job in plan.jobs}
    states = {job.name: _first_state(job) for job in plan.jobs}
    under_way: dict[Future[Status], str] = {}
    with ThreadPoolExecutor(jobs_at_once, thread_name_prefix="job") as pool:
        while True:
            moves = next_moves(list(states.values()))
            for name in moves.start:
                under_way[pool.submit(perform, jobs[name])] = name
                states[name] = replace(states[name], status=Status.RUNNING)
            for name, reason in moves.skip:
                _skip(jobs[name], reason, scribe)
                states[name] = replace(states[name], status=Status.SKIPPED)
            if moves.finished:
                return moves.finished
            if not moves.skip:
                ended, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in ended:
                    name = under_way.pop(future)
                    states[name] = replace(states[name], status=future.result())


def _first_state(job: PlannedJob) -> JobState:
    status = Status.PENDING if job.included else Status.SKIPPED
    return JobState.of(job, status)


def _skip(job: PlannedJob, reason: str, scribe: Scribe) -> None:
    for step in (*job.services, *job.included_steps):
        scribe.write(StepFinished, job=job.name, step=step.name, status=Status.SKIPPED, reason=reason, duration_ms=0)
    scribe.write(JobFinished, job=job.name, status=Status.SKIPPED, reason=reason, duration_ms=0)
