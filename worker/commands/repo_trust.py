"""`headrace repo trust` and `headrace repo approval`: what a repository's runs may do, and which wait for a person."""

import click

from runner.remote.connection import Connection
from runner.remote.starts import repository_path
from runner.saying import say, tell
from worker.commands.answers import Repository
from worker.commands.service_options import service_options
from worker.trust import Approval, checked_trust

_NOTHING = "none"


@click.command("trust")
@click.argument("name", metavar="OWNER/NAME")
@click.argument("words", nargs=-1, metavar="[network|security|volumes|none]...")
@service_options
def trust_command(*, service: Connection, name: str, words: tuple[str, ...]) -> int:
    """Trust a repository's workflows with this and nothing else; without a word, say what it is trusted with.

    Whoever writes workflows of a repository that is trusted with security or volumes can take over this machine.
    """
    return trust(service, name=name, words=words)


@click.command("approval")
@click.argument("name", metavar="OWNER/NAME")
@click.argument("policy", type=click.Choice([policy.value for policy in Approval]))
@service_options
def approval_command(*, service: Connection, name: str, policy: str) -> int:
    """Say which runs wait for a person: none, those of pull requests from forks, or all that the forge asks for."""
    return approval(service, name=name, policy=Approval(policy))


def trust(service: Connection, *, name: str, words: tuple[str, ...] = ()) -> int:
    """Set and print what a repository is trusted with. Raises Malformed or UsageError."""
    path = repository_path(name)
    if words:
        wanted = checked_trust(() if words == (_NOTHING,) else words)
        found = service.patch(path, {"trust": sorted(wanted)}, Repository)
    else:
        found = service.get(path, Repository)
    say(", ".join(found.trust) or _NOTHING)
    return 0


def approval(service: Connection, *, name: str, policy: Approval) -> int:
    """Set which of a repository's runs wait. Raises UsageError."""
    service.patch(repository_path(name), {"approval": policy.value}, Repository)
    tell(f"runs of {name} that wait for approval from now on: {policy}")
    return 0
