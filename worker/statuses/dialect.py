"""What every forge that takes statuses must be able to do: say one in its own words, and know a repetition.

SECURITY. A token goes into a header and nowhere else. Names and refs are quoted wherever they become part of a path.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote

from worker.statuses.commitstatus import CommitStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A repository at its forge: the forge's address without a final slash, `owner/name` there, and a token for it."""

    address: str
    repository: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One POST of a JSON object."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. `headers` by names in lower case; `body` is what it begins with, `is_whole` whether all of it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_whole: bool


class Dialect(Protocol):
    """How one kind of forge takes statuses. Stateless."""

    def call(self, place: Place, said: CommitStatus) -> Call:
        """What is to be sent."""

    def is_repetition(self, answer: Answer) -> bool:
        """True if the forge refuses because the status is there already, or is past it."""


def quoted(repository: str) -> str:
    """`owner/name` as a part of a path."""
    return quote(repository, safe="/")
