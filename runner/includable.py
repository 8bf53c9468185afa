"""The files that workflows may include: read from a tree when they are asked for, and not before."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from pipelines.reading.document import MAX_BYTES

_LONGEST_PATH = 1_000


class Includable(Mapping[str, bytes]):
    """Files by their paths from a tree's root. As a whole it holds those that have been asked for and are there.

    `read` gives a file's contents, or None if the tree has no such file; it may raise Unreadable.
    """

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read
        self._known: dict[str, bytes | None] = {}

    def __getitem__(self, path: str) -> bytes:
        if path not in self._known:
            self._known[path] = self._read(path) if _is_path(path) else None
        contents = self._known[path]
        if contents is None:
            raise KeyError(path)
        return contents

    def __iter__(self) -> Iterator[str]:
        return (path for path, contents in self._known.items() if contents is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _is_path(path: str) -> bool:
    """False for what no system takes as one."""
    return "\0" not in path and len(path) <= _LONGEST_PATH


def files_below(root: Path) -> Includable:
    """The files below a directory, links that lead out of it left aside."""
    whole = root.resolve()

    def read(path: str) -> bytes | None:
        try:
            place = (whole / path).resolve()
            if not place.is_relative_to(whole) or not place.is_file():
                return None
            with place.open("rb") as file:
                return file.read(MAX_BYTES + 1)
        except (OSError, RuntimeError):  # a circle of links is a RuntimeError before Python 3.13
            return None

    return Includable(read)
