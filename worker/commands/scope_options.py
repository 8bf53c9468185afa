"""The options that say whose secret is meant, and how the service is told, and tells, of that."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from worker.commands.answers import Login, Secret
from worker.errors import Malformed
from worker.secrets.scope import Level, Scope

_OPTIONS = (
    click.option("--repo", default="", metavar="OWNER/NAME", help="For this repository."),
    click.option("--owner", default="", metavar="OWNER", help="For all repositories of this owner."),
    click.option("--global", "is_global", is_flag=True, help="For all repositories."),
)


def scope_options(*, is_required: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the options; it receives them as `scope`, which is None if none is given and none need be."""

    def give(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)  # and with it the options that the command has already
        def with_scope(*, repo: str, owner: str, is_global: bool, **given: Any) -> Any:
            named = sum([bool(repo), bool(owner), is_global])
            if named > 1 or (is_required and not named):
                raise Malformed("say for whom: --repo OWNER/NAME, --owner OWNER or --global, one of them")
            return command(scope=Scope.of(repository=repo, owner=owner) if named else None, **given)

        for option in reversed(_OPTIONS):
            with_scope = option(with_scope)
        return with_scope

    return give


def scope_parameters(scope: Scope | None) -> dict[str, str]:
    """How the service is told of it; nothing for None."""
    return {} if scope is None else {"scope": str(scope)}


def scope_of(answer: Secret | Login) -> Scope:
    """For whom it is."""
    return Scope(level=Level(answer.level), name=answer.of)


def phrase_of(answer: Secret | Login) -> str:
    """For whom it is, for people."""
    return scope_of(answer).phrase
