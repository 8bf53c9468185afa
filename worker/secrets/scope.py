"""Scopes: who shares a secret. A repository's own comes before its owner's, and that before everybody's."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from worker.errors import Malformed

SCOPE_PATTERN = r"^((repository|owner):[^\x00]+|global)$"
"""What a scope is written like."""


class Level(StrEnum):
    """How far a secret reaches."""

    REPOSITORY = "repository"
    OWNER = "owner"
    GLOBAL = "global"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A level and whose: `owner/name`, an owner, or `""` for everybody's."""

    level: Level
    name: str = ""

    @classmethod
    def of(cls, *, repository: str = "", owner: str = "") -> Self:
        """The scope that these name; without either it is everybody's. Raises Malformed for both."""
        if repository and owner:
            raise Malformed("a secret is a repository's or an owner's: name one of them")
        if repository:
            return cls(level=Level.REPOSITORY, name=repository)
        return cls(level=Level.OWNER, name=owner) if owner else cls(level=Level.GLOBAL)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The scope that `str` gave."""
        level, _, name = text.partition(":")
        return cls(level=Level(level), name=name)

    def __str__(self) -> str:
        """As it is stored: `repository:acme/web`, `owner:acme`, `global`."""
        return f"{self.level}:{self.name}" if self.name else self.level.value

    @property
    def is_repository(self) -> bool:
        """True for one repository's own."""
        return self.level is Level.REPOSITORY

    @property
    def reached_by(self) -> "tuple[Scope, ...]":
        """The scopes whose secrets it sees, nearest first."""
        return scopes_of(self.name) if self.is_repository else (self,)

    @property
    def phrase(self) -> str:
        """For people: `acme/web`, `all of acme`, `all repositories`."""
        match self.level:
            case Level.REPOSITORY:
                return self.name
            case Level.OWNER:
                return f"all of {self.name}"
            case Level.GLOBAL:
                return "all repositories"


GLOBAL = Scope(level=Level.GLOBAL)
"""Everybody's."""


def scopes_of(repository: str) -> tuple[Scope, ...]:
    """The scopes that reach `owner/name`, nearest first. An owner with parts, as GitLab's groups, has some above it."""
    parts = repository.split("/")[:-1]
    owners = ("/".join(parts[:count]) for count in range(len(parts), 0, -1))
    return (Scope.of(repository=repository), *(Scope.of(owner=owner) for owner in owners), Scope.of())
