"""Where a job's steps find their files."""

import posixpath

from pipelines.event import Repository
from pipelines.files import is_lenient
from pipelines.model import Workspace

_BASE = "/headrace"
_WOODPECKER_BASE = "/woodpecker"
_NO_FORGE = "local"
_NOT_A_DIRECTORY = frozenset({"", ".", ".."})


def base(workspace: Workspace, file: str) -> str:
    """Where the job's volume is mounted. What a Woodpecker file expects differs from our own default."""
    default = _WOODPECKER_BASE if is_lenient(file) else _BASE
    return posixpath.normpath(workspace.base or default)


def checkout(workspace: Workspace, file: str, repository: Repository) -> str:
    """The checkout's directory below the base: `src/<forge host>/<owner>/<repository>` unless the file says another."""
    path = workspace.path or _default_path(repository)
    return posixpath.normpath(posixpath.join(base(workspace, file), path))


def _default_path(repository: Repository) -> str:
    host = repository.forge.partition(":")[0] or _NO_FORGE  # a port's colon would break PATH-like variables
    parts = ["src", host, *repository.owner.split("/"), *repository.name.split("/")]
    return posixpath.join(*(part for part in parts if part not in _NOT_A_DIRECTORY))
