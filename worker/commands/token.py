"""`headrace token`: what programs show to the server. Whoever may read its data directory may make them."""

import json
from contextlib import closing
from datetime import timedelta

import click
import msgspec

from worker.access.identity import Scope
from worker.commands.settings_options import settings_options
from worker.settings import Settings
from worker.store import accounts, tokens
from worker.store.database import Database
from worker.store.tokens import Token

_SCOPES = click.Choice([scope.value for scope in Scope])


@click.group("token")
def command() -> None:
    """Make tokens for programs, and revoke them."""


@command.command("create")
@click.argument("name")
@click.option("--user", required=True, metavar="NAME", help="Whose it is; it may do no more than that account.")
@click.option("--scope", type=_SCOPES, default=Scope.READ.value, show_default=True)
@click.option("--days", type=click.IntRange(1, 3650), default=90, show_default=True, help="When it expires.")
@settings_options
def create_command(*, settings: Settings, name: str, user: str, scope: str, days: int) -> int:
    """Print a new token, this once. NAME says what it is for; give it to programs as HEADRACE_TOKEN."""
    with closing(Database(settings.database_url)) as database, database.write() as connection:
        account = accounts.named(connection, user)
        key = tokens.create(connection, account, name, scope=Scope(scope), lasts=timedelta(days=days))
    click.echo(key)
    return 0


@command.command("list")
@click.option("--output", type=click.Choice(["text", "json"]), default="text")
@settings_options
def list_command(*, settings: Settings, output: str) -> int:
    """Show all tokens: whose, what for, when last used. Never the tokens themselves."""
    with closing(Database(settings.database_url)) as database, database.read() as connection:
        stored = tokens.every(connection)
    if output == "json":
        click.echo(json.dumps(msgspec.to_builtins(stored)))
    else:
        click.echo("".join(map(_line, stored)), nl=False)
    return 0


@command.command("revoke")
@click.argument("token_id", metavar="ID", type=int)
@settings_options
def revoke_command(*, settings: Settings, token_id: int) -> int:
    """Let a token in no more."""
    with closing(Database(settings.database_url)) as database, database.write() as connection:
        tokens.revoke(connection, token_id)
    return 0


def _line(token: Token) -> str:
    used = f"last used {token.used_at}" if token.used_at else "never used"
    expires = f"expires {token.expires_at}" if token.expires_at else "never expires"
    return f"{token.id:>4}  {token.account}  {token.scope:<5}  {used}  {expires}  {token.name}\n"
