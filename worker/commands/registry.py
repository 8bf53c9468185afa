"""`headrace registry`: what registries are shown when images are pulled: set, list, remove."""

from pathlib import Path
from urllib.parse import quote

import click

from runner.remote.connection import Connection
from runner.saying import say, tell
from worker.commands.answers import Login, Logins
from worker.commands.scope_options import phrase_of, scope_options, scope_parameters
from worker.commands.secret import read_value
from worker.commands.service_options import service_options
from worker.secrets.scope import Scope
from worker.secrets.secret import checked_registry, checked_value


@click.group("registry")
def command() -> None:
    """Say which login registries are shown when images are pulled."""


@command.command("set")
@click.argument("registry", metavar="HOST[:PORT]")
@click.option("--user", required=True, help="The user's name there.")
@scope_options()
@click.option("--file", type=click.Path(path_type=Path), help="Take the password or token from a file, as it is.")
@service_options
def set_command(*, service: Connection, registry: str, user: str, scope: Scope, file: Path | None) -> int:
    """Store a login; the password or token comes on standard input, or from a file."""
    return set_(service, host=registry, user=user, scope=scope, password=read_value(file))


@command.command("list")
@scope_options(is_required=False)
@service_options
def list_command(*, service: Connection, scope: Scope | None) -> int:
    """Show for which registries there are logins, and for whom."""
    return list_(service, scope=scope)


@command.command("remove")
@click.argument("registry", metavar="HOST[:PORT]")
@scope_options()
@service_options
def remove_command(*, service: Connection, registry: str, scope: Scope) -> int:
    """Forget a login."""
    return remove(service, host=registry, scope=scope)


def set_(service: Connection, *, host: str, user: str, scope: Scope, password: str) -> int:
    """Store a login, in place of one for the same registry. Raises Malformed or UsageError."""
    registry = checked_registry(host)
    wanted = {"user": user, "password": checked_value(password)}
    service.put(_path(registry), wanted, Login, **scope_parameters(scope))
    tell(f"the login for {registry} is kept for {scope.phrase}")
    return 0


def list_(service: Connection, *, scope: Scope | None = None) -> int:
    """Print registries and whom their logins are for, never a login."""
    pages = service.pages("/api/registries", Logins, **scope_parameters(scope))
    for login in (each for page in pages for each in page.registries):
        say(f"{login.registry}  {phrase_of(login)}")
    return 0


def remove(service: Connection, *, host: str, scope: Scope) -> int:
    """Forget a login. Raises Malformed or UsageError."""
    service.delete(_path(checked_registry(host)), **scope_parameters(scope))
    tell(f"the login for {host} is gone for {scope.phrase}")
    return 0


def _path(registry: str) -> str:
    return f"/api/registries/{quote(registry, safe='')}"
