"""A real server on a real socket with a real database, and what tests do in its world."""

import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import update

from pipelines.event import Event, Repository
from pipelines.plan import Plan, PlannedJob, PlannedStep
from pipelines.problems import Problem
from pipelines.pulls import PullProgress
from pipelines.records import (
    AnyRecord,
    Artifact,
    CommandRun,
    ImagePull,
    JobFinished,
    JobStarted,
    Log,
    RunStarted,
    StepFinished,
    StepRetried,
    StepStarted,
    Stream,
)
from pipelines.status import Status
from runner.remote.connection import Connection
from runner.results.logstore import LogStore
from tests.databases import give_tables
from tests.private_postgresql import PrivatePostgresql
from tests.waiting import PATIENCE_SECONDS, wait_until
from worker.access.identity import Role, Scope
from worker.app import create_app
from worker.context import Backstage
from worker.listening import address_of, listen
from worker.live import Live
from worker.local import local_connection
from worker.settings import Address, Settings
from worker.storage import Storage
from worker.store import accounts, history, inbox, repositories, sessions, tasks, tokens
from worker.store.database import Database
from worker.store.inbox import AcceptedRun
from worker.store.repositories import StoredRepository
from worker.store.tables import accounts as accounts_table
from worker.store.tasks import TaskState
from worker.waiting.crew import Crew

TIME = "2026-11-24T03:04:05.678Z"
TWINS_URL = "https://ci.example.org"
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # made once: a client that makes its own takes 30 ms
EVENT = Event(message="Add the wheel", ref="refs/heads/main", branch="main", sha="b" * 40)


@dataclass(slots=True, kw_only=True)
class Service:
    """A server that runs, and its insides. `client` speaks as an administrator's program, with `token`."""

    settings: Settings
    database: Database
    storage: Storage
    lives: list[Live]
    announced: threading.Event
    trouble: list[str]
    crew: list[Crew]
    token: str
    client: httpx.Client
    open_logs: dict[str, LogStore] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.settings.url

    def add_repository(
        self, *, forge: str = "git", owner: str = "acme", name: str = "web", url: str = ""
    ) -> StoredRepository:
        repository = Repository(owner=owner, name=name, clone_url=f"/srv/{name}.git", url=url, default_branch="main")
        with self.database.write() as connection:
            return repositories.add(connection, repository, forge=forge)

    def add_run(self, repository: StoredRepository, event: Event = EVENT) -> "Story":
        with self.database.write() as connection:
            run = inbox.add_run(connection, repository, event)
        return Story(service=self, run=run, event=event)

    def visitor(self) -> httpx.Client:
        """A browser that nobody has logged in with, as far as headers go. It follows no redirect by itself."""
        return httpx.Client(
            base_url=self.client.base_url,
            timeout=PATIENCE_SECONDS,
            verify=TLS,
            headers={"sec-fetch-site": "same-origin"},
        )

    def dial(self) -> socket.socket:
        """A bare connection to it, for what no client would send."""
        return socket.create_connection(("127.0.0.1", int(self.url.rpartition(":")[2])), timeout=PATIENCE_SECONDS)

    def browser(self, name: str = "grace", role: Role = Role.MEMBER) -> httpx.Client:
        """A browser that somebody has logged in with."""
        browser = self.visitor()
        browser.cookies.set("headrace", self.session(name, role))
        return browser

    def session(self, name: str = "grace", role: Role = Role.MEMBER) -> str:
        """The value of the cookie of somebody who has logged in; they get an account if they have none."""
        with self.database.write() as connection:
            account = accounts.find(connection, name) or accounts.add(connection, name, role=role)
            return sessions.begin(connection, account.id)

    def new_token(self, scope: Scope, name: str = "ada") -> str:
        """A new token of an account."""
        with self.database.write() as connection:
            account = accounts.named(connection, name)
            what_for = f"{scope} {len(tokens.every(connection))}"
            return tokens.create(connection, account, what_for, scope=scope, lasts=None)

    def token_of_fallen_administrator(self) -> str:
        """A token with the scope admin, of an account that is only a member by now."""
        with self.database.write() as connection:
            if not accounts.find(connection, "macbeth"):
                accounts.add(connection, "macbeth", role=Role.MEMBER)
            row = accounts_table.c.name == "macbeth"
            connection.execute(update(accounts_table).where(row).values(role=Role.ADMINISTRATOR.value))
        key = self.new_token(Scope.ADMIN, "macbeth")
        with self.database.write() as connection:
            connection.execute(update(accounts_table).where(row).values(role=Role.MEMBER.value))
        return key

    def connection(self) -> closing[Connection]:
        """A command's way to it, with an administrator's token."""
        return closing(Connection(str(self.client.base_url), self.token))

    def count(self, table: str) -> int:
        with self.database.read() as connection:
            return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())  # noqa: S608


@dataclass(slots=True, kw_only=True)
class Story:
    """Tells what happens in a run, as a worker would report it and the ingester would take it."""

    service: Service
    run: AcceptedRun
    event: Event
    seq: int = 0
    task: str = ""

    def plan(self, *jobs: PlannedJob, problems: tuple[Problem, ...] = ()) -> None:
        self.task = f"{self.run.id}-plan-1"
        plan = Plan(event=self.event, jobs=jobs, problems=problems)
        self.tell(RunStarted(seq=1, time=TIME, run=self.run.id, plan=plan))
        self.seq = 0

    def take_job(self) -> None:
        with self.service.database.read() as connection:
            pending = tasks.in_state(connection, TaskState.PENDING)
        self.task = next(task.id for task in pending if task.run_id == self.run.id)
        self.seq = 0

    def start_job(self, job: str) -> None:
        self.take_job()
        self._say(JobStarted, job=job)

    def start_step(self, job: str, step: str) -> None:
        self._say(StepStarted, job=job, step=step, image="busybox")

    def pull_image(self, job: str, *steps: str, image: str = "busybox", progress: PullProgress) -> None:
        self._say(ImagePull, job=job, image=image, steps=steps, progress=progress)

    def log(
        self,
        job: str,
        step: str,
        line: int,
        *lines: str,
        stream: Stream = Stream.STDOUT,
        command: int | None = None,
    ) -> None:
        self._say(Log, job=job, step=step, stream=stream, line=line, lines=lines, command=command)

    def retry_step(self, job: str, step: str, *, attempt: int, exit_code: int) -> None:
        self._say(
            StepRetried,
            job=job,
            step=step,
            attempt=attempt,
            attempts=3,
            status=Status.FAILURE,
            exit_code=exit_code,
            reason=f"exit code {exit_code}",
            duration_ms=200,
            delay_ms=300,
            commands=(CommandRun(command=0, exit_code=exit_code, duration_ms=150),),
        )

    def finish_step(
        self,
        job: str,
        step: str,
        status: Status = Status.SUCCESS,
        *,
        exit_code: int | None = 0,
        reason: str = "",
        attempt: int = 1,
        commands: tuple[tuple[int, int], ...] = (),
    ) -> None:
        """The step has ended, each of its commands with this exit code after so many milliseconds."""
        self._say(
            StepFinished,
            job=job,
            step=step,
            status=status,
            exit_code=exit_code,
            reason=reason,
            duration_ms=1234,
            attempt=attempt,
            commands=tuple(
                CommandRun(command=index, exit_code=code, duration_ms=duration_ms)
                for index, (code, duration_ms) in enumerate(commands)
            ),
        )

    def finish_job(self, job: str, status: Status = Status.SUCCESS) -> None:
        self._say(JobFinished, job=job, status=status, duration_ms=5678)

    def _say(self, kind: Callable[..., AnyRecord], **values: Any) -> None:
        """Tell of the task's next Record."""
        self.seq += 1
        self.tell(kind(seq=self.seq, time=TIME, run=self.run.id, **values))

    def keep(self, record: Artifact) -> None:
        self.seq += 1
        self.tell(record)

    def tell(self, record: AnyRecord) -> None:
        """Log lines first, then the database, then the viewers: the ingester's order."""
        if isinstance(record, Log):
            log = self.service.open_logs.setdefault(self.run.id, self.service.storage.logs(self.run.id))
            log.append(record)
            log.flush()
        with self.service.database.write() as connection:
            assert history.take(connection, self.task, [record]), f"{record} was refused"
        for live in self.service.lives:
            live.publish(self.run.id)


def job(name: str, *steps: PlannedStep, included: bool = True, reason: str = "") -> PlannedJob:
    return PlannedJob(
        name=name,
        workflow=name,
        file=f".headrace/{name}.yaml",
        workspace_base="/headrace",
        workspace="/headrace/src",
        steps=steps,
        included=included,
        reason=reason,
    )


def step(name: str, *, included: bool = True, reason: str = "") -> PlannedStep:
    return PlannedStep(name=name, image="busybox", included=included, reason=reason)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with our tables: each test that asks for it runs over both kinds."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/headrace.sqlite"
        give_tables(url)
        yield url
        return
    server: PrivatePostgresql = request.getfixturevalue("postgresql")
    with server.database_with_tables() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with nothing in it, of both kinds in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/headrace.sqlite"
    server: PrivatePostgresql = request.getfixturevalue("postgresql")
    return server.new_database()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(Database(database_url)) as database:
        yield database


@pytest.fixture
def acme_web(database: Database) -> None:
    """The database has a repository, acme/web."""
    with database.write() as connection:
        repositories.add(connection, Repository(owner="acme", name="web", clone_url="/srv/web.git"), forge="git")


@pytest.fixture
def service(tmp_path: Path, database_url: str) -> Iterator[Service]:
    with serving(tmp_path, database_url=database_url) as running:
        yield running


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A service and a command's way to it: on its own machine, or over the network with an administrator's token."""

    settings: Settings
    connection: Connection


@pytest.fixture(params=["on the machine", "over the network"])
def twin(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Twin]:
    """What a command does must be the same on both ways: each test that asks for it runs over both."""
    if request.param == "on the machine":
        settings = Settings.build({}, data=str(tmp_path), url=TWINS_URL)
        give_tables(settings.database_url)
        with local_connection(settings) as connection:
            yield Twin(settings=settings, connection=connection)
        return
    with serving(tmp_path, url=TWINS_URL) as running, running.connection() as connection:
        yield Twin(settings=running.settings, connection=connection)


@pytest.fixture
def settings(twin: Twin) -> Settings:
    """The settings of a service that commands speak to."""
    return twin.settings


@pytest.fixture
def connection(twin: Twin) -> Connection:
    """A command's way to it."""
    return twin.connection


@pytest.fixture
def logging_service(tmp_path: Path) -> Iterator[Service]:
    """A server that logs every request."""
    with serving(tmp_path, access_log="on") as running:
        yield running


@contextmanager
def serving(
    data: Path,
    *,
    database_url: str | None = None,
    url: str = "",
    has_account: bool = True,
    access_log: str = "off",
) -> Iterator[Service]:
    """A server until the end of the block; it takes itself to be at `url`, if that is given."""
    with listen(Address(host="127.0.0.1", port=0)) as listening:
        address = f"http://{address_of(listening)}"
        given = {"url": url or address, "database_url": database_url, "access_log": access_log}
        settings = Settings.build({}, data=str(data), **given)
        give_tables(settings.database_url)
        database = Database(settings.database_url)
        storage = Storage(settings.runs_directory)
        lives: list[Live] = []
        announced = threading.Event()
        trouble: list[str] = []
        crew = [Crew()]

        @asynccontextmanager
        async def note_live(live: Live) -> AsyncIterator[Backstage]:
            lives.append(live)
            yield Backstage(announce=announced.set, trouble=lambda: "".join(trouble), crew=lambda: crew[-1])

        app = create_app(settings=settings, database=database, storage=storage, background=note_live)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            wait_until(lambda: server.started, what="the server to start")
            token = _administrators_token(database) if has_account else ""
            headers = {"authorization": f"Bearer {token}"}
            with httpx.Client(base_url=address, timeout=PATIENCE_SECONDS, verify=TLS, headers=headers) as client:
                yield Service(
                    settings=settings,
                    database=database,
                    storage=storage,
                    lives=lives,
                    announced=announced,
                    trouble=trouble,
                    crew=crew,
                    token=token,
                    client=client,
                )
        finally:
            server.should_exit = True
            thread.join()
            database.close()


def _administrators_token(database: Database) -> str:
    with database.write() as connection:
        account = accounts.find(connection, "ada") or accounts.add(connection, "ada", role=Role.ADMINISTRATOR)
        what_for = f"tests {len(tokens.every(connection))}"
        return tokens.create(connection, account, what_for, scope=Scope.ADMIN, lasts=None)
