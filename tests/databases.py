"""Databases that have our tables already: copies of one whose tables were made once, which is twenty times as quick."""

from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import make_url

from worker.store.database import Database


def give_tables(url: str) -> None:
    """If the database at this URL is a SQLite file that is not there yet, it is now, and has our tables."""
    parsed = make_url(url)
    if not parsed.drivername.startswith("sqlite"):
        return
    path = Path(parsed.database or "")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_bytes(_sqlite_file())


@cache
def _sqlite_file() -> bytes:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "headrace.sqlite"
        make_tables(f"sqlite:///{path}")
        return path.read_bytes()


def make_tables(url: str) -> None:
    """Give an empty database our tables, the way every program does that opens one."""
    with closing(Database(url)):
        pass
