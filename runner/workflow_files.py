"""Which workflow files a command is about, and their bytes."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pipelines.files import no_workflow, workflow_directories, workflow_paths
from pipelines.reading.document import MAX_BYTES
from runner.errors import UsageError


def working_tree_root(directory: Path) -> Path:
    """The top of the git working tree that holds this directory; the directory itself if there is none."""
    here = directory.resolve()
    return next((place for place in (here, *here.parents) if (place / ".git").exists()), here)


def read_workflow_files(paths: Sequence[Path], root: Path) -> dict[str, bytes]:
    """The named files, or without any the workflow files of `root`, by their path from `root` (or as given, outside).

    Raises UsageError if there are none, or if one can't be read.
    """
    if paths:
        return {_name(path, root): _read(path) for path in paths}
    found = workflow_paths(_candidates(root))
    if not found:
        raise UsageError(no_workflow(str(root)))
    return {path: _read(root / path) for path in found}


def _candidates(root: Path) -> Iterator[str]:
    for directory in (".", *workflow_directories()):
        if (root / directory).is_dir():
            yield from (path.relative_to(root).as_posix() for path in (root / directory).iterdir() if path.is_file())


def _name(path: Path, root: Path) -> str:
    whole = path.absolute()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else path.as_posix()


def _read(path: Path) -> bytes:
    """The file's first bytes: enough to see that it is too long."""
    if not path.exists():
        raise UsageError(f"{path}: no such file")
    if not path.is_file():
        raise UsageError(f"{path}: not a file; name workflow files, or none for all of this repository")
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
