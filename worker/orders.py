"""Orders: what a worker is told of a task, put together from our own records.

DESIGN. Planning hears which secrets there are and for whom, not what they are. A job hears those that its steps ask
for, if they may have them all at this moment: one that was removed or limited since the planning is not sent, and the
job then ends with a word on the step that lacks it. Both hear what the repository is fetched with, which no step does.
"""

from datetime import datetime
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Connection, Row, select

from pipelines.event import Event, System
from pipelines.offers import Offers, refusals, secrets_of
from pipelines.outputs import waits_for_outputs, with_outputs, written_by
from pipelines.plan import PlannedJob
from runner.engine.credentials import registry_of
from worker.context import run_path
from worker.order import JobOrder, Order, PlanOrder
from worker.secrets.entrusted import Entrusted, RegistryLogin
from worker.secrets.sealing import Keyring
from worker.secrets.secret import Kind, Secret
from worker.store import credentials as credential_store
from worker.store import queries
from worker.store import secrets as secret_store
from worker.store.previous import previous_run
from worker.store.repositories import trust_in
from worker.store.tables import jobs, repositories, runs
from worker.store.tasks import StoredTask
from worker.trust import granted_plugins, granted_trust, is_from_fork

_HINT = "`headrace secret list` shows which there are"


def order_of(
    connection: Connection,
    task: StoredTask,
    keyring: Keyring,
    *,
    server_url: str,
    privileged_plugins: tuple[str, ...] = (),
) -> Order:
    """The order that says what this task is about. `server_url` is how the server is reached. Raises Unsealable."""
    row = connection.execute(
        select(
            runs.c.event,
            runs.c.number,
            runs.c.created_at.label("run_created_at"),
            jobs.c.plan,
            repositories,
        )
        .join(repositories, repositories.c.id == runs.c.repository_id)
        .outerjoin(jobs, jobs.c.id == task.job_id)
        .where(runs.c.id == task.run_id)
    ).one()
    event = _event(connection, row, server_url)
    secrets = secret_store.nearest(connection, event.repository.full_name)
    offers = Offers(each=tuple(secret.offer(event) for secret in secrets.values()), hint=_HINT)
    clone = credential_store.clone_access(connection, keyring, row.id)
    if row.plan is None:
        return PlanOrder(
            task=task.id,
            run=task.run_id,
            event=event,
            secrets=offers,
            sealed=Entrusted(clone=clone).sealed_for(task.id, keyring),
            trust=tuple(sorted(granted_trust(trust_in(row.trust), event))),
            privileged_plugins=granted_plugins(privileged_plugins, event),
        )
    job = _with_outputs(connection, task.run_id, msgspec.json.decode(row.plan, type=PlannedJob))
    entrusted = Entrusted(
        secrets=_values(connection, keyring, secrets, _granted(job, offers)),
        registries=_logins(connection, keyring, job, event),
        clone=clone,
    )
    sealed = entrusted.sealed_for(task.id, keyring)
    return JobOrder(task=task.id, run=task.run_id, event=event, attempt=task.attempt, job=job, sealed=sealed)


def _granted(job: PlannedJob, offers: Offers) -> frozenset[str]:
    """The secrets that the job gets. One that any of its steps asks for in vain, it doesn't get at all."""
    return secrets_of(job) - {refusal.secret.lower() for refusal in refusals(job, offers)}


def _values(
    connection: Connection, keyring: Keyring, secrets: dict[str, Secret], granted: frozenset[str]
) -> dict[str, str]:
    return {name: secret_store.value_of(connection, keyring, secrets[name]) for name in sorted(granted)}


def _logins(connection: Connection, keyring: Keyring, job: PlannedJob, event: Event) -> dict[str, RegistryLogin]:
    """The logins for the registries of the job's images: none for a pull request from a fork."""
    if is_from_fork(event):
        return {}
    known = secret_store.nearest(connection, event.repository.full_name, kind=Kind.REGISTRY)
    needed = {registry_of(step.image) for step in (*job.services, *job.steps) if step.included}
    return {
        registry: msgspec.json.decode(secret_store.value_of(connection, keyring, known[registry]), type=RegistryLogin)
        for registry in sorted(needed & known.keys())
    }


def _with_outputs(connection: Connection, run_id: str, job: PlannedJob) -> PlannedJob:
    """The job with what steps of those before it have written for it."""
    if not job.depends_on:
        return job
    query = select(jobs.c.plan).where(jobs.c.run_id == run_id).order_by(jobs.c.position)
    siblings = [msgspec.json.decode(plan, type=PlannedJob) for plan in connection.execute(query).scalars()]
    if not waits_for_outputs(job, siblings):
        return job
    return with_outputs(job, siblings, written_by(queries.ends_of_attempts(connection, run_id)))


def _event(connection: Connection, row: Row[Any], server_url: str) -> Event:
    """The stored event with what we know ourselves: where to clone from is our own record's word, never a payload's."""
    event = msgspec.json.decode(row.event, type=Event)
    repository = msgspec.structs.replace(
        event.repository,
        owner=row.owner,
        name=row.name,
        forge_type=row.forge,
        clone_url=row.clone_url,
        url=row.url,
        default_branch=row.default_branch,
    )
    return msgspec.structs.replace(
        event,
        repository=repository,
        previous=previous_run(connection, event, repository_id=row.id, number=row.number, server_url=server_url),
        number=row.number,
        url=server_url + run_path(f"{row.owner}/{row.name}", row.number),
        created_at=int(datetime.fromisoformat(row.run_created_at).timestamp()),
        system=System(url=server_url, host=urlsplit(server_url).hostname or "", version=version("headrace")),
    )
