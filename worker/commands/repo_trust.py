"""`headrace repo trust` and `headrace repo approval`: what a repository's runs may do, and which wait for a person."""

from contextlib import closing

import click

from worker.commands.settings_options import settings_options
from worker.settings import Settings
from worker.store import repositories
from worker.store.database import Database
from worker.trust import Approval, checked_trust

_NOTHING = "none"


@click.command("trust")
@click.argument("name", metavar="OWNER/NAME")
@click.argument("words", nargs=-1, metavar="[network|security|volumes|none]...")
@settings_options
def trust_command(*, settings: Settings, name: str, words: tuple[str, ...]) -> int:
    """Trust a repository's workflows with this and nothing else; without a word, say what it is trusted with.

    Whoever writes workflows of a repository that is trusted with security or volumes can take over this machine.
    """
    return trust(settings, name=name, words=words)


@click.command("approval")
@click.argument("name", metavar="OWNER/NAME")
@click.argument("policy", type=click.Choice([policy.value for policy in Approval]))
@settings_options
def approval_command(*, settings: Settings, name: str, policy: str) -> int:
    """Say which runs wait for a person: none, those of pull requests from forks, or all that the forge asks for."""
    return approval(settings, name=name, policy=Approval(policy))


def trust(settings: Settings, *, name: str, words: tuple[str, ...] = ()) -> int:
    """Set and print what a repository is trusted with. Raises Malformed or NotFound."""
    owner, _, short_name = name.rpartition("/")
    with closing(Database(settings.database_url)) as database, database.write() as connection:
        stored = repositories.named(connection, owner, short_name)
        if words:
            wanted = checked_trust(() if words == (_NOTHING,) else words)
            stored = repositories.set_trust(connection, owner, short_name, wanted)
    click.echo(", ".join(sorted(stored.trust)) or _NOTHING)
    return 0


def approval(settings: Settings, *, name: str, policy: Approval) -> int:
    """Set which of a repository's runs wait. Raises NotFound."""
    owner, _, short_name = name.rpartition("/")
    with closing(Database(settings.database_url)) as database, database.write() as connection:
        repositories.set_approval(connection, owner, short_name, policy)
    click.echo(f"runs of {name} that wait for approval from now on: {policy}", err=True)
    return 0
