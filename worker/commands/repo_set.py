"""`headrace repo set`: what the forge is told and with which token, what the repository is fetched with, its badge."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import click

from runner.remote.connection import Connection
from runner.remote.starts import repository_path
from runner.saying import say_text, tell
from worker.badges.audience import Audience
from worker.commands.answers import Credential, Credentials, Repository
from worker.commands.secret import read_value
from worker.commands.service_options import service_options
from worker.errors import Malformed
from worker.forgeurl import checked_forge_url, clear_text_warning
from worker.secrets.credential import CredentialKind
from worker.statuses.commitstatus import Told

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
@service_options
def set_command(*, service: Connection, name: str, output: str, **options: Any) -> int:
    """Change how a repository is fetched and what its forge is told; prints how it is set.

    Tokens and keys come from files, because whoever is on this machine can read a command line.
    """
    return set_(service, name=name, output=output, **options)


def set_(service: Connection, *, name: str, output: str = "text", **options: Any) -> int:
    """Change what the options say, which are called as the command's, and print the result.

    All of it, or if something of it can't be, nothing. Raises UsageError, or Malformed.
    """
    path = repository_path(name)
    wanted = _wanted(**options)
    stored = service.patch(path, wanted, Repository) if wanted else service.get(path, Repository)
    kept = service.get(f"{path}/credentials", Credentials).credentials
    _warn(stored, {each.kind for each in kept})
    described = _described(stored, kept)
    if output == "json":
        click.echo(json.dumps(described))
    else:
        say_text(_as_text(described))
    return 0


def _warn(stored: Repository, kept: Collection[str]) -> None:
    places = {CredentialKind.FORGE_TOKEN: stored.forge_url, CredentialKind.CLONE_TOKEN: stored.clone_url}
    for warning in dict.fromkeys(clear_text_warning(url) for kind, url in places.items() if kind in kept):
        if warning:
            tell(f"warning: {warning}")


def _wanted(**options: Any) -> dict[str, object]:
    """What is to change, as the API calls it. Raises Malformed."""
    wanted: dict[str, object] = {key: options[key] for key in ("statuses", "badge") if options.get(key)}
    if options.get("forge_url") is not None:
        wanted["forge_url"] = checked_forge_url(options["forge_url"])
    if words := options.get("forget"):
        wanted["forget"] = [_KINDS[word].value for word in words]
    if given := _given(**options):
        wanted["credentials"] = given
    return wanted


def _given(**options: Any) -> dict[str, dict[str, str]]:
    """The credentials that the options give, by kind. Raises Malformed."""
    files = [path for option, path in options.items() if option.endswith("_file") and path == _STDIN]
    if len(files) > 1:
        raise Malformed("standard input holds one thing: name files for the others")
    found = {}
    if path := options.get("forge_token_file"):
        found[CredentialKind.FORGE_TOKEN.value] = {"value": _read(path)}
    if path := options.get("clone_token_file"):
        found[CredentialKind.CLONE_TOKEN.value] = {"value": _read(path), "user": options.get("clone_user", "")}
    if (path := options.get("clone_key_file")) or options.get("new_clone_key"):
        hosts = options.get("known_hosts_file")
        key = {"value": _read(path)} if path else {}
        found[CredentialKind.CLONE_KEY.value] = key | ({"known_hosts": _read(hosts)} if hosts else {})
    elif options.get("known_hosts_file"):
        raise Malformed("--known-hosts-file goes with --clone-key-file or --new-clone-key")
    return found


def _read(path: Path) -> str:
    return read_value(None if path == _STDIN else path)


def _described(stored: Repository, kept: Sequence[Credential]) -> dict[str, Any]:
    return {
        "name": stored.name,
        "statuses": stored.statuses,
        "forge_url": stored.forge_url,
        "badge": stored.badge,
        "credentials": {each.kind: each.name for each in kept},
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
