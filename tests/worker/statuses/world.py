"""A database with a repository whose forge is told, and what happens in its runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import msgspec
from sqlalchemy import Connection, select, update

from pipelines.event import Event, Repository
from pipelines.plan import Plan, PlannedJob, PlannedStep
from pipelines.records import JobFinished, JobStarted, RunStarted
from pipelines.status import Status
from runner.clock import from_now
from tests.waiting import PATIENCE_SECONDS, wait_until
from tests.worker.statuses.fakeforge import TOKEN
from worker.secrets.credential import Credential, CredentialKind
from worker.secrets.sealing import Keyring
from worker.statuses.commitstatus import Told
from worker.statuses.courier import Courier
from worker.statuses.pace import Pace
from worker.store import credentials, history, inbox, repositories
from worker.store import outbox as outbox_store
from worker.store.database import Database
from worker.store.repositories import StoredRepository
from worker.store.tables import jobs as jobs_table
from worker.store.tables import outbox, tasks

TIME = "2026-01-01T00:00:00.000Z"
URL = "https://ci.example.org"
EVENT = Event(sha="b" * 40, ref="refs/heads/main", branch="main")
QUICK = Pace(
    look=timedelta(milliseconds=20),
    patience=timedelta(seconds=PATIENCE_SECONDS),
    first_delay=timedelta(milliseconds=50),
    longest_delay=timedelta(milliseconds=100),
)


class World:
    """Tells what happens as a worker would report it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.keyring = Keyring.fresh()

    def add(self, forge_url: str, *, name: str = "acme/web", forge: str = "github", token: str = TOKEN) -> None:
        owner, _, short = name.rpartition("/")
        wanted = Repository(owner=owner, name=short, clone_url=f"https://example.org/{name}.git")
        with self.database.write() as connection:
            repository = repositories.add(connection, wanted, forge=forge)
            repositories.set_forge(connection, owner, short, url=forge_url, told=None, badge=None)
            if token:
                self._put_token(repository.id, token, connection)

    def set_token(self, token: str, *, name: str = "acme/web") -> None:
        """As the command does it: what was refused is sent again."""
        with self.database.write() as connection:
            repository = repositories.named(connection, *name.rsplit("/", 1))
            self._put_token(repository.id, token, connection)
            outbox_store.try_again(connection, repository.id)

    def _put_token(self, repository_id: int, token: str, connection: Connection) -> None:
        credential = Credential(kind=CredentialKind.FORGE_TOKEN)
        credentials.put(connection, self.keyring, repository_id, credential, token)

    def tell_only(self, told: Told) -> None:
        with self.database.write() as connection:
            repositories.set_forge(connection, "acme", "web", url=None, told=told, badge=None)

    def repository(self, name: str = "acme/web") -> StoredRepository:
        with self.database.read() as connection:
            return repositories.named(connection, *name.rsplit("/", 1))

    def begin(self, event: Event = EVENT, *, name: str = "acme/web") -> "Run":
        with self.database.write() as connection:
            run = inbox.add_run(connection, repositories.named(connection, *name.rsplit("/", 1)), event)
        return Run(self, run.id, event)

    def letters(self) -> dict[str, tuple[str, str]]:
        """By name: what is to be said, and whether it was."""
        with self.database.read() as connection:
            return {row.context: (row.status, row.state) for row in connection.execute(select(outbox))}

    def texts(self) -> dict[str, str]:
        with self.database.read() as connection:
            return {row.context: row.description for row in connection.execute(select(outbox))}

    def age(self, by: timedelta) -> None:
        """Have all letters been written that much earlier."""
        with self.database.write() as connection:
            connection.execute(update(outbox).values(changed_at=from_now(-by)))

    def courier(self, pace: Pace = QUICK) -> Courier:
        return Courier(self.database, self.keyring, server_url=URL, pace=pace)

    @contextmanager
    def telling(self, pace: Pace = QUICK) -> Iterator[Courier]:
        """A courier within the block."""
        courier = self.courier(pace)
        courier.start()
        try:
            yield courier
        finally:
            courier.stop()

    def is_told(self) -> bool:
        """True once nothing waits to be said."""
        return all(state != "waiting" for _, state in self.letters().values())


class Run:
    """One run."""

    def __init__(self, world: World, run_id: str, event: Event) -> None:
        self.world = world
        self.id = run_id
        self.event = event

    def plan(self, *names: str, left_out: tuple[str, ...] = ()) -> None:
        jobs = (*(job(name) for name in names), *(job(name, included=False) for name in left_out))
        record = RunStarted(seq=1, time=TIME, run=self.id, plan=Plan(event=self.event, jobs=jobs))
        self._take(f"{self.id}-plan-1", record)

    def start(self, name: str) -> None:
        self._take(self._task(name), JobStarted(seq=1, time=TIME, run=self.id, job=name))

    def finish(self, name: str, status: Status = Status.SUCCESS, reason: str = "") -> None:
        record = JobFinished(seq=2, time=TIME, run=self.id, job=name, status=status, reason=reason, duration_ms=12_300)
        self._take(self._task(name), record)

    def do_all(self, name: str = "build", status: Status = Status.SUCCESS) -> None:
        self.plan(name)
        self.start(name)
        self.finish(name, status)

    def _take(self, task: str, record: RunStarted | JobStarted | JobFinished) -> None:
        with self.world.database.write() as connection:
            assert history.take(connection, task, [record])

    def _task(self, name: str) -> str:
        with self.world.database.read() as connection:
            query = select(tasks.c.id).join(jobs_table).where(tasks.c.run_id == self.id, jobs_table.c.name == name)
            return str(connection.execute(query).scalar_one())


def job(name: str, *, included: bool = True) -> PlannedJob:
    return PlannedJob(
        name=name,
        workflow=name,
        file=f".headrace/{name}.yaml",
        included=included,
        workspace_base="/headrace",
        workspace="/headrace/src",
        steps=(PlannedStep(name="make", image="busybox"),),
    )


def reruns(event: Event) -> Event:
    """The same commit once more."""
    return msgspec.structs.replace(event, reruns=event.reruns + 1)


def told_in_the_end(world: World, what: str = "everything is told") -> None:
    wait_until(world.is_told, what=what)
