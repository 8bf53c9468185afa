"""`headrace user`: who may use the server. Administrators say so, and whoever may read its data directory."""

import json
import sys
from urllib.parse import quote

import click
import msgspec

from runner.remote.connection import Connection
from runner.saying import say, say_table, tell
from worker.access.identity import Role
from worker.commands.answers import Accounts, AddedAccount, Link
from worker.commands.service_options import service_options

_ROLES = click.Choice([role.value for role in Role])


@click.group("user")
def command() -> None:
    """Say who may use the server."""


@command.command("add")
@click.argument("name")
@click.option("--role", type=_ROLES, default=Role.MEMBER.value, show_default=True)
@click.option("--robot", is_flag=True, help="Nobody logs in as it: it has tokens only.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, instead of a link.")
@service_options
def add_command(*, service: Connection, name: str, role: str, robot: bool, password_stdin: bool) -> int:
    """Add an account; prints the link with which its owner chooses a password."""
    wanted: dict[str, object] = {"name": name, "role": role, "robot": robot}
    if password_stdin:
        wanted["password"] = sys.stdin.readline().rstrip("\n")
    added = service.post("/api/accounts", wanted, AddedAccount)
    tell(f"added {added.name}, {added.role}")
    if added.link:
        _print_link(added.link)
    return 0


@command.command("link")
@click.argument("name", default="")
@service_options
def link_command(*, service: Connection, name: str) -> int:
    """Print a link with which NAME chooses a new password; without NAME, the one that makes the first account."""
    path = f"{_path(name)}/link" if name else "/api/setup-link"
    _print_link(service.post(path, {}, Link).link)
    return 0


@command.command("list")
@click.option("--output", type=click.Choice(["text", "json"]), default="text")
@service_options
def list_command(*, service: Connection, output: str) -> int:
    """Show the accounts."""
    stored = [each for page in service.pages("/api/accounts", Accounts) for each in page.accounts]
    if output == "json":
        click.echo(json.dumps(msgspec.to_builtins(stored)))
        return 0
    say_table((each.name, each.role, each.created_at) for each in stored)
    if not stored:
        tell("no account yet: headrace user link")
    return 0


@command.command("remove")
@click.argument("name")
@service_options
def remove_command(*, service: Connection, name: str) -> int:
    """Remove an account with its sessions and tokens."""
    service.delete(_path(name))
    tell(f"removed {name}")
    return 0


def _path(name: str) -> str:
    return f"/api/accounts/{quote(name, safe='')}"


def _print_link(link: str) -> None:
    tell("It serves once:")
    say(link)
