"""`headrace token`: what programs show to the server. Administrators make them, and whoever may read its data."""

import json

import click
import msgspec

from runner.remote.connection import Connection
from runner.saying import say, say_table
from worker.access.identity import Scope
from worker.commands.answers import AddedToken, Token, Tokens
from worker.commands.service_options import service_options

_SCOPES = click.Choice([scope.value for scope in Scope])


@click.group("token")
def command() -> None:
    """Make tokens for programs, and revoke them."""


@command.command("create")
@click.argument("name")
@click.option("--user", required=True, metavar="NAME", help="Whose it is; it may do no more than that account.")
@click.option("--scope", type=_SCOPES, default=Scope.READ.value, show_default=True)
@click.option(
    "--days", type=click.IntRange(1, 3650), help="When it expires; else in 90, or with the token that asks for it."
)
@service_options
def create_command(*, service: Connection, name: str, user: str, scope: str, days: int | None) -> int:
    """Print a new token, this once. NAME says what it is for; give it to programs as HEADRACE_TOKEN."""
    wanted = {"name": name, "account": user, "scope": scope} | ({"days": days} if days else {})
    say(service.post("/api/tokens", wanted, AddedToken).token)
    return 0


@command.command("list")
@click.option("--output", type=click.Choice(["text", "json"]), default="text")
@service_options
def list_command(*, service: Connection, output: str) -> int:
    """Show all tokens: whose, what for, when last used. Never the tokens themselves."""
    stored = [each for page in service.pages("/api/tokens", Tokens) for each in page.tokens]
    if output == "json":
        click.echo(json.dumps(msgspec.to_builtins(stored)))
    else:
        say_table(map(_row, stored))
    return 0


@command.command("revoke")
@click.argument("token_id", metavar="ID", type=click.IntRange(min=1))
@service_options
def revoke_command(*, service: Connection, token_id: int) -> int:
    """Let a token in no more."""
    service.delete(f"/api/tokens/{token_id}")
    return 0


def _row(token: Token) -> tuple[str, ...]:
    used = f"last used {token.used_at}" if token.used_at else "never used"
    expires = f"expires {token.expires_at}" if token.expires_at else "never expires"
    return (f"{token.id:>4}", token.account, token.scope, used, expires, token.name)
