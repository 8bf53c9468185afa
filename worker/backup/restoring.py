"""Making a service of a backup: an empty data directory, and an empty database, are filled.

DESIGN. All rows are written in one transaction, which is committed after the last file was written and the backup has
said that this was all of it. So there is a whole service or none: whatever was written before something went wrong is
removed, what was moved aside is put back, and no directory stays that wasn't there. Running jobs of that moment are
found without their worker by the server, and end as *lost*.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from runner.clock import now
from worker.backup.archive import Member, members
from worker.backup.manifest import DATABASE, END, KEY, MANIFEST, RUNS, VERSION, End, Manifest
from worker.backup.rows import LARGEST_CHUNK_BYTES, Loader
from worker.data_directory import LOCK, only_one_service
from worker.errors import Conflict, Malformed, Unavailable
from worker.settings import Settings
from worker.store.schema import filling

T = TypeVar("T")
_LARGEST_JSON_BYTES = 64 * 1024 * 1024
_LARGEST_KEY_BYTES = 64 * 1024
_BLOCK_BYTES = 1024 * 1024
_LEFT_FREE_BYTES = 64 * 1024 * 1024
_ASIDE = "before-restore-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What has come of a backup. `aside` is where the data of before are now, if there were any."""

    manifest: Manifest
    end: End
    aside: Path | None


def restore(settings: Settings, path: Path, *, force: bool) -> Restored:
    """Fill the data directory and the database from the backup at `path`. Nothing must work there meanwhile.

    What is in the directory is moved aside within it with `force`. Raises Conflict if it isn't empty otherwise, if the
    database isn't, or if the backup is of a newer program; Malformed if it is none; Unavailable if the disk is full.
    """
    missing = _missing(settings.data, settings.secret_key_file.parent)
    has_lock = (settings.data / LOCK).exists()
    with only_one_service(settings.data), ExitStack() as undoing:
        undoing.callback(_remove_places, settings.data, missing, has_lock=has_lock)
        archive = members(path)
        manifest = _manifest(path, archive)
        aside = _make_room(settings.data, force=force)
        undoing.callback(_empty, settings.data, aside)
        end = _fill(settings, manifest, archive, undoing)
        undoing.pop_all()
    return Restored(manifest=manifest, end=end, aside=aside)


def _manifest(path: Path, archive: Iterator[Member]) -> Manifest:
    first = next(archive, None)
    if first is None or first.name != MANIFEST:
        raise Malformed(f"{path} is no backup of ours: it doesn't begin with {MANIFEST}")
    manifest = _decoded(first, Manifest)
    if manifest.v != VERSION:
        raise Conflict(f"{path} is of a newer Headrace ({manifest.program}): restore it with that one")
    return manifest


def _make_room(data: Path, *, force: bool) -> Path | None:
    """See to it that the directory is empty; gives where what was in it is now."""
    found = [entry for entry in data.iterdir() if entry.name != LOCK and not entry.name.startswith(_ASIDE)]
    if not found:
        return None
    if not force:
        raise Conflict(f"{data} is not empty: give another --data, or --force to move aside what is there")
    aside = data / f"{_ASIDE}{now()}"
    aside.mkdir(mode=0o700)
    for entry in found:
        entry.rename(aside / entry.name)
    return aside


def _missing(*directories: Path) -> list[Path]:
    """Which of these, and of those they are to be in, are not there: the innermost first."""
    places = {place for directory in directories for place in (directory, *directory.parents)}
    return sorted((place for place in places if not place.exists()), key=lambda place: -len(place.parts))


def _empty(data: Path, aside: Path | None) -> None:
    """Remove what was written, and put back what was moved aside."""
    for entry in data.iterdir():
        if entry.is_dir() and not entry.name.startswith(_ASIDE):
            shutil.rmtree(entry)
        elif entry.is_file() and entry.name != LOCK:
            entry.unlink()
    if aside:
        for entry in aside.iterdir():
            entry.rename(data / entry.name)
        aside.rmdir()


def _remove_places(data: Path, missing: Sequence[Path], *, has_lock: bool) -> None:
    """Remove the directories that weren't there, the innermost first, and the lock if it wasn't."""
    if not has_lock:
        (data / LOCK).unlink(missing_ok=True)
    for place in missing:
        with suppress(OSError):  # it was never made, or somebody has put something there
            place.rmdir()


def _fill(settings: Settings, manifest: Manifest, archive: Iterator[Member], undoing: ExitStack) -> End:
    with ExitStack() as stack:
        loader = Loader(stack.enter_context(filling(settings.database_url, manifest.revision)))
        files = rows = 0
        for member in archive:
            if member.name == END:
                end = _decoded(member, End)
                break
            if member.name.startswith(f"{DATABASE}/"):
                rows += loader.load(member.name, member.read(at_most=LARGEST_CHUNK_BYTES))
            elif member.name == KEY:
                _write_key(settings.secret_key_file, member)
                undoing.callback(settings.secret_key_file.unlink, missing_ok=True)  # it may lie elsewhere
            elif member.name.startswith(f"{RUNS}/"):
                _write(settings.runs_directory / member.name.removeprefix(f"{RUNS}/"), member)
                files += 1
            else:
                raise Malformed(f"{member.name} comes twice in this backup")
        else:
            raise Malformed("this backup is cut short: nothing of it is taken")
        if (files, rows) != (end.files, end.rows):
            raise Malformed(f"this backup has {files} files and {rows} rows, and says {end.files} and {end.rows}")
        loader.finish()
    return end


def _decoded(member: Member, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(member.read(at_most=_LARGEST_JSON_BYTES), type=shape)
    except msgspec.DecodeError as error:
        raise Malformed(f"{member.name} is not as a backup has it: {error}") from error


def _write_key(path: Path, member: Member) -> None:
    content = member.read(at_most=_LARGEST_KEY_BYTES)
    if path.exists():
        raise Conflict(f"{path} is there already: move it away, it would be lost")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 -- of a descriptor
        file.write(content)


def _write(path: Path, member: Member) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(path.parent).free - member.size_bytes < _LEFT_FREE_BYTES:
            raise Unavailable(f"{member.name} has {member.size_bytes} bytes, which would fill the disk")
        with path.open("xb") as file:
            shutil.copyfileobj(member.content, file, _BLOCK_BYTES)
    except FileExistsError as error:
        raise Malformed(f"{member.name} comes twice in this backup") from error
    except OSError as error:
        raise Unavailable(f"can't write {path}: {error.strerror or error}") from error
