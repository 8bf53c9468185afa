"""Downloads: a server's artifacts as files here.

SECURITY. Paths and contents are what some step wrote and a server passed on. Only plain paths below the directory are
written, none of them git's own, whose configuration names programs; each file beside its place first, and moved there
once it is whole and has the digest that was promised.
"""

import hashlib
import tempfile
from pathlib import Path

from runner.errors import RemoteError, UsageError
from runner.remote.answers import RemoteArtifact
from runner.remote.connection import Connection


def download(connection: Connection, artifact: RemoteArtifact, directory: Path) -> Path:
    """Write an artifact below the directory, whole or not at all; gives where. Raises UsageError if that can't be."""
    target = _place(directory, artifact.path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".headrace-") as waiting_room:
            part = Path(waiting_room) / "part"
            _fetch(connection, artifact, part)
            part.replace(target)
    except OSError as error:
        raise UsageError(f"can't write {target}: {error.strerror}") from error
    return target


def _fetch(connection: Connection, artifact: RemoteArtifact, part: Path) -> None:
    digest = hashlib.sha256()
    with connection.stream(f"/api/artifacts/{artifact.id}/content") as answer, part.open("xb") as file:
        for block in answer.iter_bytes():
            digest.update(block)
            file.write(block)
    if digest.hexdigest() != artifact.sha256:
        raise RemoteError(f"{artifact.path!r} did not come as {connection.url} described it: try again")


def _place(directory: Path, path: str) -> Path:
    parts = path.split("/")
    if not path.isprintable() or any(part in ("", ".", "..") for part in parts):
        raise UsageError(f"the artifact {path!r} has no plain path: it is not written")
    if any(_is_gits(part) for part in parts):
        raise UsageError(f"the artifact {path!r} would lie in a repository's own .git: it is not written")
    place = directory.joinpath(*parts)
    if not place.parent.resolve().is_relative_to(directory.resolve()):
        raise UsageError(
            f"the artifact {path!r} would lie outside of {directory}, behind a link there: it is not written"
        )
    return place


def _is_gits(part: str) -> bool:
    """True for git's own directory, also by the names that file systems know it by that fold case or cut ends off."""
    return part.rstrip(". ").casefold() in (".git", "git~1")
