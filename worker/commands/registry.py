"""`headrace registry`: what registries are shown when images are pulled: set, list, remove."""

from contextlib import closing
from pathlib import Path

import click
import msgspec

from worker.commands.scope_options import scope_options
from worker.commands.secret import read_value
from worker.commands.settings_options import settings_options
from worker.secrets.entrusted import RegistryLogin
from worker.secrets.keyfile import open_keyring
from worker.secrets.scope import Scope
from worker.secrets.secret import Kind, Secret, checked_registry, checked_value
from worker.settings import Settings
from worker.store import secrets
from worker.store.database import Database


@click.group("registry")
def command() -> None:
    """Say which login registries are shown when images are pulled."""


@command.command("set")
@click.argument("host", metavar="HOST[:PORT]")
@click.option("--user", required=True, help="The user's name there.")
@scope_options()
@click.option("--file", type=click.Path(path_type=Path), help="Take the password or token from a file, as it is.")
@settings_options
def set_command(*, settings: Settings, host: str, user: str, scope: Scope, file: Path | None) -> int:
    """Store a login; the password or token comes on standard input, or from a file."""
    return set_(settings, host=host, user=user, scope=scope, password=read_value(file))


@command.command("list")
@scope_options(is_required=False)
@settings_options
def list_command(*, settings: Settings, scope: Scope | None) -> int:
    """Show for which registries there are logins, and for whom."""
    return list_(settings, scope=scope)


@command.command("remove")
@click.argument("host", metavar="HOST[:PORT]")
@scope_options()
@settings_options
def remove_command(*, settings: Settings, host: str, scope: Scope) -> int:
    """Forget a login."""
    return remove(settings, host=host, scope=scope)


def set_(settings: Settings, *, host: str, user: str, scope: Scope, password: str) -> int:
    """Store a login, in place of one for the same registry. Raises Malformed or NotFound."""
    login = RegistryLogin(user=user, password=checked_value(password))
    secret = Secret(scope=scope, name=checked_registry(host), kind=Kind.REGISTRY)
    with closing(Database(settings.database_url)) as database, database.write() as connection:
        secrets.put(connection, open_keyring(settings), secret, msgspec.json.encode(login).decode())
    click.echo(f"the login for {secret.name} is kept for {scope.phrase}", err=True)
    return 0


def list_(settings: Settings, *, scope: Scope | None = None) -> int:
    """Print registries and whom their logins are for, never a login."""
    with closing(Database(settings.database_url)) as database, database.read() as connection:
        stored = secrets.every(connection, scope.reached_by if scope else None, kind=Kind.REGISTRY)
    for secret in stored:
        click.echo(f"{secret.name}  {secret.scope.phrase}")
    return 0


def remove(settings: Settings, *, host: str, scope: Scope) -> int:
    """Forget a login. Raises NotFound."""
    with closing(Database(settings.database_url)) as database, database.write() as connection:
        secrets.remove(connection, scope, checked_registry(host), kind=Kind.REGISTRY)
    click.echo(f"the login for {host} is gone for {scope.phrase}", err=True)
    return 0
