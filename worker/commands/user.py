"""`headrace user`: who may use the server. Whoever may read its data directory may say so, account or not."""

import json
import sys
from contextlib import closing

import click

from worker.access import passwords
from worker.access.identity import Role
from worker.access.keys import setup_url
from worker.commands.settings_options import settings_options
from worker.errors import Conflict
from worker.settings import Settings
from worker.store import accounts, invitations
from worker.store.database import Database

_ROLES = click.Choice([role.value for role in Role])


@click.group("user")
def command() -> None:
    """Say who may use the server."""


@command.command("add")
@click.argument("name")
@click.option("--role", type=_ROLES, default=Role.MEMBER.value, show_default=True)
@click.option("--robot", is_flag=True, help="Nobody logs in as it: it has tokens only.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, instead of a link.")
@settings_options
def add_command(*, settings: Settings, name: str, role: str, robot: bool, password_stdin: bool) -> int:
    """Add an account; prints the link with which its owner chooses a password."""
    kept = passwords.hashed(sys.stdin.readline().rstrip("\n")) if password_stdin else None
    return add(settings, name=name, role=Role(role), kept=kept, wants_link=not robot and kept is None)


@command.command("link")
@click.argument("name", default="")
@settings_options
def link_command(*, settings: Settings, name: str) -> int:
    """Print a link with which NAME chooses a new password; without NAME, the one that makes the first account."""
    return link(settings, name=name)


@command.command("list")
@click.option("--output", type=click.Choice(["text", "json"]), default="text")
@settings_options
def list_command(*, settings: Settings, output: str) -> int:
    """Show the accounts."""
    return list_(settings, output=output)


@command.command("remove")
@click.argument("name")
@settings_options
def remove_command(*, settings: Settings, name: str) -> int:
    """Remove an account with its sessions and tokens."""
    with closing(Database(settings.database_url)) as database, database.write() as connection:
        removed = accounts.remove(connection, name)
    click.echo(f"removed {removed.name}", err=True)
    return 0


def add(settings: Settings, *, name: str, role: Role, kept: str | None, wants_link: bool) -> int:
    """Store an account, with the hash of its password if there is one; print its link if that is wanted."""
    with closing(Database(settings.database_url)) as database, database.write() as connection:
        account = accounts.add(connection, name, role=role, password=kept)
        key = invitations.invite(connection, account) if wants_link else None
    click.echo(f"added {account.name}, {account.role}", err=True)
    if key is not None:
        _print_link(settings, key)
    return 0


def link(settings: Settings, *, name: str) -> int:
    """Print a link for an account, or for the first one. Raises NotFound, or Conflict if there are accounts."""
    with closing(Database(settings.database_url)) as database, database.write() as connection:
        if name:
            key: str | None = invitations.invite(connection, accounts.named(connection, name))
        else:
            key = invitations.invite_first(connection)
    if key is None:
        raise Conflict("there are accounts: say whose link it is to be; see `headrace user list`")
    _print_link(settings, key)
    return 0


def list_(settings: Settings, *, output: str) -> int:
    """Print the accounts."""
    with closing(Database(settings.database_url)) as database, database.read() as connection:
        stored = accounts.every(connection)
    if output == "json":
        described = [{"name": each.name, "role": each.role, "created_at": each.created_at} for each in stored]
        click.echo(json.dumps(described))
        return 0
    width = max((len(each.name) for each in stored), default=0)
    for each in stored:
        click.echo(f"{each.name:<{width}}  {each.role:<13}  {each.created_at}")
    if not stored:
        click.echo("no account yet: headrace user link", err=True)
    return 0


def _print_link(settings: Settings, key: str) -> None:
    click.echo("It serves once:", err=True)
    click.echo(setup_url(settings.url, key))
