"""A Plan as rows: its jobs with their services and steps, also those that don't run."""

import msgspec
from sqlalchemy import Connection, insert

from pipelines.plan import Plan, PlannedJob
from pipelines.status import Status
from worker.store.tables import jobs, steps


def add_jobs(connection: Connection, run_id: str, plan: Plan) -> None:
    """Store what a run is going to do. What doesn't run is *skipped* from the start, with the reason."""
    for position, job in enumerate(plan.jobs):
        _add_steps(connection, _add_job(connection, run_id, position, job), job)


def _add_job(connection: Connection, run_id: str, position: int, job: PlannedJob) -> int:
    values = {
        "run_id": run_id,
        "position": position,
        "name": job.name,
        "plan": msgspec.json.encode(job),
        "status": _first_status(included=job.included),
        "reason": job.reason,
    }
    return int(connection.execute(insert(jobs).values(values).returning(jobs.c.id)).scalar_one())


def _add_steps(connection: Connection, job_id: int, job: PlannedJob) -> None:
    """Services stand before the steps, in the order of the file."""
    containers = [("service", service) for service in job.services] + [("step", step) for step in job.steps]
    rows = [
        {
            "job_id": job_id,
            "position": position,
            "kind": kind,
            "name": step.name,
            "image": step.image,
            "status": _first_status(included=job.included and step.included),
            "reason": step.reason if job.included else job.reason,
        }
        for position, (kind, step) in enumerate(containers)
    ]
    if rows:
        connection.execute(insert(steps), rows)


def _first_status(*, included: bool) -> Status:
    return Status.PENDING if included else Status.SKIPPED
