"""Identity: who makes a request, and how much they may."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What may be done, each with all before it: look, act on runs, and say how the server works."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def includes(self, other: "Scope") -> bool:
        """True if who has this one has the other, too."""
        return _ORDER.index(self) >= _ORDER.index(other)


_ORDER = list(Scope)


class Role(StrEnum):
    """What an account is. A member may use the server, an administrator may change it."""

    ADMINISTRATOR = "administrator"
    MEMBER = "member"

    @property
    def scope(self) -> Scope:
        """The most that an account of this role may do."""
        return Scope.ADMIN if self is Role.ADMINISTRATOR else Scope.WRITE


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Somebody who has proved who they are. `session` is their session's digest, None if they came with a token, which
    ends at `expires_at`, or never if that is None.
    """

    account_id: int
    name: str
    role: Role
    scope: Scope
    session: str | None = None
    expires_at: str | None = None


def least(one: Scope, other: Scope) -> Scope:
    """The smaller of two scopes: a token never gives more than its account has."""
    return min(one, other, key=_ORDER.index)
