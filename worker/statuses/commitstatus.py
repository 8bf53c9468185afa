"""CommitStatus: what is said at the forge about one commit under one name."""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from pipelines.status import Status

_HASH_DIGITS = 8
_LARGEST_CHARACTER = "\uffff"


class Told(StrEnum):
    """What of a repository's runs its forge is told."""

    BOTH = "both"
    RUN = "run"
    JOBS = "jobs"
    NONE = "none"

    @property
    def has_runs(self) -> bool:
        """True if each run is told of."""
        return self in (Told.BOTH, Told.RUN)

    @property
    def has_jobs(self) -> bool:
        """True if each job is told of."""
        return self in (Told.BOTH, Told.JOBS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitStatus:
    """A status under the name `context`. `ref` is the branch or tag, for forges that ask for one; `url` our page."""

    sha: str
    context: str
    ref: str
    status: Status
    description: str
    url: str


def cut(text: str, length: int) -> str:
    """The text as a forge takes it: at most so many characters, none that needs two halves in UTF-16, one line."""
    line = " ".join(text.split())
    plain = "".join(sign if sign <= _LARGEST_CHARACTER and sign.isprintable() else "�" for sign in line)
    return plain if len(plain) <= length else plain[: length - 1] + "…"


def short_name(text: str, length: int) -> str:
    """A name of at most so many characters: long ones end in a hash, so that two of them stay two."""
    plain = cut(text, len(text) + 1)
    if len(plain) <= length:
        return plain
    return f"{plain[: length - _HASH_DIGITS - 1]}-{sha256(text.encode()).hexdigest()[:_HASH_DIGITS]}"
