"""What a backup says of itself: first what it is of, at its end what is in it and what was not there any more."""

import msgspec

VERSION = 1
MANIFEST, END = "manifest.json", "end.json"
KEY = "secret.key"
DATABASE, RUNS = "database", "runs"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The first file of a backup. `revision` is that of the database's tables, `has_key` says that `KEY` is there."""

    v: int
    program: str
    made_at: str
    revision: str
    has_key: bool


class End(msgspec.Struct, frozen=True, kw_only=True):
    """The last file of a backup: without it, the backup is cut short. `files` are those of runs.

    `missing` are paths of artifacts that the database knows and the disk didn't have.
    """

    runs: int
    rows: int
    files: int
    size_bytes: int
    missing: tuple[str, ...]
