"""Making a backup of a service that runs.

DESIGN. The database comes first, as it is at one moment; then the files of the runs that it knows. They can only have
grown since: a log that has more lines than the Records say is as good, and whatever retention has removed meanwhile is
missing and named. Redis is left out, since it holds nothing that the database doesn't, and so are mirrors, which are
fetched again.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import msgspec
from sqlalchemy import Connection, select

from runner.clock import now
from runner.names import file_name
from worker.backup import rows
from worker.backup.archive import Writer, writing
from worker.backup.manifest import END, KEY, MANIFEST, RUNS, VERSION, End, Manifest
from worker.errors import SettingsError
from worker.settings import Settings
from worker.store import revisions
from worker.store.database import Database
from worker.store.tables import artifacts, removals, runs


def make_backup(settings: Settings, database: Database, path: Path, *, with_key: bool) -> End:
    """Write a backup to `path`; gives what is in it. Raises Conflict, Unavailable or SettingsError."""
    if with_key and settings.secret_key:
        raise SettingsError("the key is in HEADRACE_SECRET_KEY, not in a file: keep a copy of it yourself")
    with writing(path) as archive, database.read() as connection:
        manifest = Manifest(
            v=VERSION,
            program=version("headrace"),
            made_at=now(),
            revision=revisions.newest(),
            has_key=with_key and settings.secret_key_file.exists(),
        )
        archive.add_bytes(MANIFEST, msgspec.json.encode(manifest))
        if manifest.has_key:
            archive.add_file(KEY, settings.secret_key_file)
        backup = _Backup(archive, settings.runs_directory)
        backup.add_database(connection)
        backup.add_files(connection)
        archive.add_bytes(END, msgspec.json.encode(backup.end()))
    return backup.end()


@dataclass(slots=True)
class _Backup:
    """A backup that is being made, and what is in it so far."""

    archive: Writer
    directory: Path
    runs: int = 0
    rows: int = 0
    files: int = 0
    size_bytes: int = 0
    missing: list[str] = field(default_factory=list)

    def end(self) -> End:
        return End(
            runs=self.runs,
            rows=self.rows,
            files=self.files,
            size_bytes=self.size_bytes,
            missing=tuple(self.missing),
        )

    def add_database(self, connection: Connection) -> None:
        """All rows."""
        for name, content, count in rows.chunks(connection):
            self.archive.add_bytes(name, content)
            self.rows += count

    def add_files(self, connection: Connection) -> None:
        """The files of every run."""
        for run_id in connection.execute(select(runs.c.id).order_by(runs.c.id)).scalars().all():
            self.runs += 1
            there = set(self._add_run(run_id))
            self.missing += [name for name in _artifact_names(connection, run_id) if name not in there]

    def _add_run(self, run_id: str) -> Iterator[str]:
        for path in _files_below(self.directory / run_id):
            name = f"{RUNS}/{path.relative_to(self.directory)}"
            size_bytes = self.archive.add_file(name, path)
            if size_bytes is not None:
                self.files += 1
                self.size_bytes += size_bytes
                yield name


def _files_below(directory: Path) -> Iterator[Path]:
    """All regular files, by name. Links are passed over: we make none."""
    for parent, directories, names in os.walk(directory):
        directories.sort()
        for path in (Path(parent) / name for name in sorted(names)):
            if path.is_file() and not path.is_symlink():
                yield path


def _artifact_names(connection: Connection, run_id: str) -> Iterator[str]:
    """The names in a backup of the artifacts that the database says are kept."""
    gone = select(removals.c.run_id).where(removals.c.run_id == run_id, removals.c.kind == "artifacts")
    if connection.execute(gone).first() is None:
        query = select(artifacts.c.job, artifacts.c.step, artifacts.c.path).where(artifacts.c.run_id == run_id)
        for job, step, path in connection.execute(query):
            yield f"{RUNS}/{run_id}/artifacts/{file_name(job)}/{file_name(step)}/{path}"
