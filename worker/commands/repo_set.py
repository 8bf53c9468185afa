"""`headrace repo set`: what the forge is told and with which token, what the repository is fetched with, its badge."""

import json
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from worker.badges.audience import Audience
from worker.commands.secret import read_value
from worker.commands.settings_options import settings_options
from worker.errors import Malformed
from worker.forgeurl import checked_forge_url, clear_text_warning
from worker.secrets.credential import Credential, CredentialKind, Owner, clone_key, clone_token, forge_token
from worker.secrets.keyfile import open_keyring
from worker.settings import Settings
from worker.statuses.commitstatus import Told
from worker.store import credentials, outbox, repositories
from worker.store.database import Database
from worker.store.repositories import StoredRepository

_KINDS = {kind.value.replace("_", "-"): kind for kind in CredentialKind}
_FILE = click.Path(path_type=Path, allow_dash=True)
_STDIN = Path("-")


@click.command("set")
@click.argument("name", metavar="OWNER/NAME")
@click.option("--statuses", type=click.Choice([told.value for told in Told]), help="What the forge is told of.")
@click.option("--forge-url", metavar="URL", help="Where the forge is, if the clone URL doesn't say; '' to forget.")
@click.option("--forge-token-file", type=_FILE, help="A token that may set commit statuses; - reads standard input.")
@click.option("--clone-token-file", type=_FILE, help="A token or password that may read the repository over https.")
@click.option("--clone-user", default="", metavar="NAME", help="Whose token it is, where the forge wants to know.")
@click.option("--clone-key-file", type=_FILE, help="A private key that may read the repository over ssh.")
@click.option("--new-clone-key", is_flag=True, help="Make one, and print its public half for the forge.")
@click.option("--known-hosts-file", type=_FILE, help="The keys of the host that the clone key is shown to.")
@click.option("--badge", type=click.Choice([audience.value for audience in Audience]), help="Who may see its badge.")
@click.option("--forget", multiple=True, type=click.Choice(list(_KINDS)), help="Forget one; may be given often.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text")
@settings_options
def set_command(*, settings: Settings, name: str, output: str, **options: Any) -> int:
    """Change how a repository is fetched and what its forge is told; prints how it is set.

    Tokens and keys come from files, because whoever is on this machine can read a command line.
    """
    return set_(settings, name=name, output=output, **options)


def set_(settings: Settings, *, name: str, output: str = "text", **options: Any) -> int:
    """Change what the options say, which are called as the command's, and print the result. Raises ServiceErrors."""
    owner, _, short_name = name.rpartition("/")
    with closing(Database(settings.database_url)) as database, database.write() as connection:
        stored = repositories.named(connection, owner, short_name)
        given = _given(stored, **options)
        stored = _settled(connection, stored, **options)
        for word in options.get("forget") or ():
            credentials.forget(connection, stored.id, _KINDS[word])
        for credential, value in given:
            credentials.put(connection, open_keyring(settings), stored.id, credential, value)
        if options.get("forge_url") is not None or options.get("forge_token_file"):
            outbox.try_again(connection, stored.id)
        kept = credentials.of(connection, stored.id)
    _warn(stored, kept)
    described = _described(stored, kept)
    click.echo(json.dumps(described) if output == "json" else _as_text(described))
    return 0


def _warn(stored: StoredRepository, kept: Collection[CredentialKind]) -> None:
    places = {CredentialKind.FORGE_TOKEN: stored.forge_address, CredentialKind.CLONE_TOKEN: stored.clone_url}
    for warning in dict.fromkeys(clear_text_warning(url) for kind, url in places.items() if kind in kept):
        if warning:
            click.echo(f"warning: {warning}", err=True)


def _settled(connection: Any, stored: StoredRepository, **options: Any) -> StoredRepository:
    url, told, badge = options.get("forge_url"), options.get("statuses"), options.get("badge")
    return repositories.set_forge(
        connection,
        stored.owner,
        stored.name,
        url=None if url is None else checked_forge_url(url),
        told=Told(told) if told else None,
        badge=Audience(badge) if badge else None,
    )


def _given(stored: StoredRepository, **options: Any) -> list[tuple[Credential, str]]:
    """The credentials that the options give, checked. Raises Malformed."""
    files = [path for option, path in options.items() if option.endswith("_file") and path == _STDIN]
    if len(files) > 1:
        raise Malformed("standard input holds one thing: name files for the others")
    owner = Owner(full_name=stored.full_name, forge=stored.forge, clone_url=stored.clone_url)
    found = []
    if path := options.get("forge_token_file"):
        found.append(forge_token(owner, _read(path)))
    if path := options.get("clone_token_file"):
        found.append(clone_token(owner, _read(path), user=options.get("clone_user", "")))
    if (path := options.get("clone_key_file")) or options.get("new_clone_key"):
        hosts = options.get("known_hosts_file")
        found.append(clone_key(owner, _read(path) if path else None, known_hosts=_read(hosts) if hosts else ""))
    elif options.get("known_hosts_file"):
        raise Malformed("--known-hosts-file goes with --clone-key-file or --new-clone-key")
    return found


def _read(path: Path) -> str:
    return read_value(None if path == _STDIN else path)


def _described(stored: StoredRepository, kept: dict[CredentialKind, Credential]) -> dict[str, Any]:
    return {
        "name": stored.full_name,
        "statuses": stored.told.value,
        "forge_url": stored.forge_address,
        "badge": stored.badge.value,
        "credentials": {kind.value: kept[kind].name for kind in CredentialKind if kind in kept},
        "status_trouble": stored.status_trouble,
    }


def _as_text(described: dict[str, Any]) -> str:
    kept: dict[str, str] = described["credentials"]
    lines = [
        f"{described['name']}",
        f"  statuses     {described['statuses']}, to {described['forge_url'] or 'nowhere: set --forge-url'}",
        f"  forge token  {'is kept' if CredentialKind.FORGE_TOKEN in kept else 'none: the forge is not told'}",
        f"  clone token  {'of ' + kept['clone_token'] if CredentialKind.CLONE_TOKEN in kept else 'none'}",
        f"  clone key    {kept.get(CredentialKind.CLONE_KEY, 'none')}",
        f"  badge        {described['badge']}",
    ]
    trouble = described["status_trouble"]
    return "\n".join([*lines, f"  trouble      {trouble}"] if trouble else lines)
