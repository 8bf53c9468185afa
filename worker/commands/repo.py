"""`headrace repo`: which repositories the server builds, and what to paste into their forges."""

import json
from collections.abc import Mapping

import click
import msgspec

from runner.remote.connection import Connection
from runner.remote.starts import repository_path
from runner.saying import say_table, say_text, tell
from worker.commands.answers import Hook, Repositories
from worker.commands.repo_set import set_command
from worker.commands.repo_trust import approval_command, trust_command
from worker.commands.repo_turns import turns_command
from worker.commands.service_options import service_options
from worker.forges import FORGES

_NAME = click.argument("name", metavar="OWNER/NAME")
_OUTPUT = click.option("--output", type=click.Choice(["text", "json"]), default="text")


@click.group("repo")
def command() -> None:
    """Say which repositories the server builds."""


command.add_command(trust_command)
command.add_command(approval_command)
command.add_command(turns_command)
command.add_command(set_command)


@command.command("add")
@_NAME
@click.option("--forge", required=True, type=click.Choice(list(FORGES)), help="Whose deliveries its hook takes.")
@click.option("--clone-url", required=True, metavar="URL", help="What workers fetch from.")
@click.option("--default-branch", default="", metavar="NAME", help="For ${CI_REPO_DEFAULT_BRANCH} and cron.")
@_OUTPUT
@service_options
def add_command(*, service: Connection, name: str, forge: str, clone_url: str, default_branch: str, output: str) -> int:
    """Build a repository: prints the hook's URL and secret, and where to enter them."""
    return add(service, name=name, forge=forge, clone_url=clone_url, default_branch=default_branch, output=output)


@command.command("list")
@_OUTPUT
@service_options
def list_command(*, service: Connection, output: str) -> int:
    """Show the repositories that are built."""
    return list_(service, output=output)


@command.command("hook")
@_NAME
@service_options
def hook_command(*, service: Connection, name: str) -> int:
    """Print the hook's URL and secret again; for plain git the script to save as hooks/post-receive."""
    return hook(service, name=name)


@command.command("remove")
@_NAME
@service_options
def remove_command(*, service: Connection, name: str) -> int:
    """Build a repository no more, and forget its runs."""
    return remove(service, name=name)


def add(
    service: Connection, *, name: str, forge: str, clone_url: str, default_branch: str = "", output: str = "text"
) -> int:
    """Store a repository and print how its forge is told. Raises UsageError."""
    wanted: Mapping[str, object] = {
        "name": name,
        "forge": forge,
        "clone_url": clone_url,
        "default_branch": default_branch,
    }
    hook = service.post("/api/repositories", wanted, Hook)
    if output == "json":
        click.echo(json.dumps(msgspec.to_builtins(hook)))
    else:
        say_text(_as_text(hook))
    return 0


def list_(service: Connection, *, output: str = "text") -> int:
    """Print the repositories, without their secrets."""
    stored = [each for page in service.pages("/api/repositories", Repositories) for each in page.repositories]
    if output == "json":
        click.echo(json.dumps(msgspec.to_builtins(stored)))
        return 0
    say_table((each.name, each.forge, each.clone_url) for each in stored)
    if not stored:
        tell("no repository yet: headrace repo add OWNER/NAME --forge FORGE --clone-url URL")
    return 0


def hook(service: Connection, *, name: str) -> int:
    """Print how a repository's forge is told, or the script alone if that is all there is to it. Raises UsageError."""
    found = service.get(f"{repository_path(name)}/hook", Hook)
    say_text(found.post_receive or _told(found))
    return 0


def remove(service: Connection, *, name: str) -> int:
    """Forget a repository and its runs. Raises UsageError."""
    service.delete(repository_path(name))
    tell(f"removed {name}; remove its hook at the forge too")
    return 0


def _as_text(hook: Hook) -> str:
    lines = [f"{hook.name} is built from now on. Tell its forge:", "", _told(hook)]
    return "\n".join([*lines, "", hook.post_receive] if hook.post_receive else lines)


def _told(hook: Hook) -> str:
    return "\n".join([f"  Hook URL  {hook.hook_url}", f"  Secret    {hook.secret}", "", hook.setup])
