"""Library: the files of one repository that may be included, and the way to other repositories.

Reading them is the matter of whoever gives us one: here, nothing is known of disks and networks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pipelines.event import Included
from pipelines.nodes import printable


class Unreadable(Exception):  # noqa: N818 - a thing that happens
    """Raised when a file is there and can't be read, or another repository can't be had. Its text is one line."""


def _nowhere(repo: str, ref: str) -> "Library":  # noqa: ARG001 - as every Reach
    raise Unreadable("files of other repositories can't be included here")


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """One repository at one commit. `files` are contents by path from its root, and may raise Unreadable for one.

    `name` is how problems call it, such as `acme/ci@v1`, and `""` for the run's own repository; `included` says which
    one it is otherwise. `reach` gives the library of a `repo` at a `ref` (`""`: its default branch), as this one's
    files write them; it raises Unreadable.
    """

    files: Mapping[str, bytes]
    name: str = ""
    included: Included | None = None
    reach: Callable[[str, str], "Library"] = _nowhere

    def called(self, path: str) -> str:
        """How problems call one of its files: `ci/base.yaml`, or `acme/ci@v1:base.yaml`."""
        return printable(f"{self.name}:{path}" if self.name else path)


NOTHING = Library(files=MappingProxyType({}))
