"""A PostgreSQL of the tests' own, on a unix socket in a temporary directory, gone with everything at the end.

PostgreSQL refuses to run as root, so that root's tests run it as the user that its package has made.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import count
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from tests.databases import make_tables
from tests.mortal import mortal
from tests.waiting import PATIENCE_SECONDS, wait_until

_FAST = (
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "listen_addresses=",
    "max_connections=100",
    "autovacuum=off",
)


class PrivatePostgresql:
    """A cluster that runs; each test gets a database of its own."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._numbers = count(1)

    def new_database(self, *, template: str = "template1") -> str:
        """The URL of a new database: with nothing in it, or a copy of another."""
        name = f"test{next(self._numbers)}"
        self._order(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return self._url(name)

    @contextmanager
    def database_with_tables(self) -> Iterator[str]:
        """The URL of a database with our tables, for as long as the block lasts."""
        url = self.new_database(template=self._template)
        yield url
        self.drop(url)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected to it: a few hundred would fill the memory."""
        self._order(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    @cached_property
    def _template(self) -> str:
        """The name of the database whose tables are copied."""
        url = self.new_database()
        make_tables(url)
        return str(make_url(url).database)

    def _order(self, statement: str) -> None:
        with self.connect("postgres") as connection:
            connection.execute(statement)

    def _url(self, name: str) -> str:
        return f"postgresql://headrace@/{name}?host={self._socket}"

    def connect(self, name: str) -> "psycopg.Connection[tuple[object, ...]]":
        """A connection, past all that is ours."""
        return psycopg.connect(host=str(self._socket), user="headrace", dbname=name, autocommit=True)

    def answers(self) -> bool:
        """True once it takes connections."""
        try:
            self.connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def private_postgresql() -> Iterator[PrivatePostgresql]:
    """A new cluster until the end of the block."""
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    directory = Path(tempfile.mkdtemp(prefix="headrace-postgresql-"))
    try:
        shutil.chown(directory, user)
        with _running(directory, user) as process:
            server = PrivatePostgresql(directory)
            wait_until(lambda: process.poll() is not None or server.answers(), what="PostgreSQL to answer")
            assert process.poll() is None, (directory / "log").read_text()
            yield server
    finally:
        shutil.rmtree(directory)


@contextmanager
def _running(directory: Path, user: str) -> Iterator["subprocess.Popen[bytes]"]:
    data = str(directory / "data")
    initdb = [program("initdb"), "--no-sync", "--auth=trust", "--username=headrace", "--encoding=UTF8", data]
    subprocess.run(initdb, user=user, cwd=directory, check=True, capture_output=True)
    options = [option for setting in _FAST for option in ("-c", setting)]
    command = [program("postgres"), "-D", data, "-k", str(directory), *options]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(mortal(command), user=user, cwd=directory, stderr=log)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)  # which asks it not to wait for its clients
        process.wait(PATIENCE_SECONDS)


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs. Debian has them in a directory of their own, by version."""
    places = [os.environ.get("PATH", ""), *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        raise RuntimeError(f"the tests need PostgreSQL's {name}: `make test` installs it")
    return found
