"""`headrace repo`: which repositories the server builds, and what to paste into their forges."""

import json
import re
from contextlib import closing
from urllib.parse import urlsplit

import click

from pipelines.event import Repository
from runner.source.mirrors import forget_mirrors
from worker.commands.repo_set import set_command
from worker.commands.repo_trust import approval_command, trust_command
from worker.commands.repo_turns import turns_command
from worker.commands.settings_options import settings_options
from worker.context import path
from worker.errors import Malformed
from worker.forges import FORGES
from worker.forges.git import PlainGit, post_receive
from worker.settings import Settings
from worker.storage import Storage
from worker.store import repositories
from worker.store.database import Database
from worker.store.repositories import StoredRepository

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_OURS = frozenset(
    {"account", "api", "badges", "hooks", "login", "logout", "setup", "static"}
)  # where an owner's pages would hide behind ours
_SCHEMES = ("https", "http", "ssh", "git", "file")
_SCP_LIKE = re.compile(r"[A-Za-z0-9_.-]+@[A-Za-z0-9_.-]+:[^:].*")


@click.group("repo")
def command() -> None:
    """Say which repositories the server builds."""


command.add_command(trust_command)
command.add_command(approval_command)
command.add_command(turns_command)
command.add_command(set_command)


@command.command("add")
@click.argument("name", metavar="OWNER/NAME")
@click.option("--forge", required=True, type=click.Choice(list(FORGES)), help="Whose deliveries its hook takes.")
@click.option("--clone-url", required=True, metavar="URL", help="What workers fetch from.")
@click.option("--default-branch", default="", metavar="NAME", help="For ${CI_REPO_DEFAULT_BRANCH} and cron.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text")
@settings_options
def add_command(*, settings: Settings, name: str, forge: str, clone_url: str, default_branch: str, output: str) -> int:
    """Build a repository: prints the hook's URL and secret, and where to enter them."""
    return add(settings, name=name, forge=forge, clone_url=clone_url, default_branch=default_branch, output=output)


@command.command("list")
@click.option("--output", type=click.Choice(["text", "json"]), default="text")
@settings_options
def list_command(*, settings: Settings, output: str) -> int:
    """Show the repositories that are built."""
    return list_(settings, output=output)


@command.command("hook")
@click.argument("name", metavar="OWNER/NAME")
@settings_options
def hook_command(*, settings: Settings, name: str) -> int:
    """Print the hook's URL and secret again; for plain git the script to save as hooks/post-receive."""
    return hook(settings, name=name)


@command.command("remove")
@click.argument("name", metavar="OWNER/NAME")
@settings_options
def remove_command(*, settings: Settings, name: str) -> int:
    """Build a repository no more, and forget its runs."""
    return remove(settings, name=name)


def add(
    settings: Settings, *, name: str, forge: str, clone_url: str, default_branch: str = "", output: str = "text"
) -> int:
    """Store a repository and print how its forge is told. Raises Malformed or Conflict."""
    owner, short_name = parse_name(name)
    repository = Repository(
        owner=owner,
        name=short_name,
        clone_url=checked_clone_url(clone_url),
        url=_page_at_forge(clone_url) if forge != PlainGit.name else "",
        default_branch=default_branch,
    )
    with closing(Database(settings.database_url)) as database, database.write() as connection:
        stored = repositories.add(connection, repository, forge=forge)
    click.echo(_as_json(settings, stored) if output == "json" else _as_text(settings, stored))
    return 0


def list_(settings: Settings, *, output: str = "text") -> int:
    """Print the repositories, without their secrets."""
    with closing(Database(settings.database_url)) as database, database.read() as connection:
        stored = repositories.every(connection)
    if output == "json":
        click.echo(json.dumps([_described(settings, each) for each in stored]))
        return 0
    width = max((len(each.full_name) for each in stored), default=0)
    for each in stored:
        click.echo(f"{each.full_name:<{width}}  {each.forge:<6}  {each.clone_url}")
    if not stored:
        click.echo("no repository yet: headrace repo add OWNER/NAME --forge FORGE --clone-url URL", err=True)
    return 0


def hook(settings: Settings, *, name: str) -> int:
    """Print how a repository's forge is told, or the script alone if that is all there is to it. Raises NotFound."""
    with closing(Database(settings.database_url)) as database, database.read() as connection:
        stored = repositories.named(connection, *parse_name(name))
    script = _script(settings, stored)
    click.echo(script or _told(settings, stored), nl=not script.endswith("\n"))
    return 0


def remove(settings: Settings, *, name: str) -> int:
    """Forget a repository and its runs, then what is on disk of them and of its mirrors here. Raises NotFound."""
    owner, short_name = parse_name(name)
    with closing(Database(settings.database_url)) as database, database.write() as connection:
        run_ids = repositories.run_ids(connection, repositories.named(connection, owner, short_name).id)
        stored = repositories.remove(connection, owner, short_name)
    _forget_files(settings, run_ids, stored)
    click.echo(f"removed {stored.full_name}; remove its hook at the forge too", err=True)
    return 0


def _forget_files(settings: Settings, run_ids: list[str], repository: StoredRepository) -> None:
    storage = Storage(settings.runs_directory)
    for run_id in run_ids:
        try:
            storage.forget(run_id)
        except OSError as error:
            click.echo(f"can't remove {error.filename}: {error.strerror}; remove it by hand", err=True)
    forget_mirrors(settings.mirrors_directory, repository.clone_url)


def parse_name(text: str) -> tuple[str, str]:
    """Owner and name of `OWNER/NAME`; an owner may have parts, as GitLab's groups do. Raises Malformed."""
    owner, _, name = text.rpartition("/")
    parts = text.split("/")
    if not owner:
        raise Malformed(f"{text!r} has no owner: expected OWNER/NAME, such as acme/{text or 'web'}")
    if not all(_PART.fullmatch(part) for part in parts):
        raise Malformed(f"{text!r} can't be a repository: expected OWNER/NAME of letters, digits, '.', '_' and '-'")
    if parts[0] in _OURS:
        raise Malformed(f"{text!r}: the owner can't be {parts[0]!r}, which is a path of the server's own")
    return owner, name


def checked_clone_url(text: str) -> str:
    """The URL, if it is one that git fetches from without running a program of the URL's choice. Raises Malformed."""
    is_clean = text.isprintable() and not text.startswith("-") and "::" not in text and " " not in text
    is_known = text.startswith("/") or urlsplit(text).scheme in _SCHEMES or _SCP_LIKE.fullmatch(text)
    if not is_clean or not is_known or (urlsplit(text).hostname or "").startswith("-"):
        expected = f"{', '.join(f'{scheme}://' for scheme in _SCHEMES)}, /PATH or USER@HOST:PATH"
        raise Malformed(f"--clone-url {text!r} can't be fetched from: expected {expected}")
    if urlsplit(text).password:
        raise Malformed("--clone-url holds a password, which runs would show: `headrace repo set` takes a token")
    return text


def hook_url(settings: Settings, repository: StoredRepository) -> str:
    """Where the forge posts to."""
    return settings.url + path("hooks", repository.forge, *repository.full_name.split("/"))


def _page_at_forge(clone_url: str) -> str:
    parts = urlsplit(clone_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    port = f":{parts.port}" if parts.port else ""  # and no user or password of the clone URL's
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path.removesuffix('.git')}"


def _described(settings: Settings, repository: StoredRepository) -> dict[str, str]:
    return {
        "name": repository.full_name,
        "forge": repository.forge,
        "clone_url": repository.clone_url,
        "hook_url": hook_url(settings, repository),
        "created_at": repository.created_at,
    }


def _script(settings: Settings, repository: StoredRepository) -> str:
    if repository.forge != PlainGit.name:
        return ""
    return post_receive(hook_url(settings, repository), repository.secret)


def _as_json(settings: Settings, repository: StoredRepository) -> str:
    return json.dumps(
        {
            "name": repository.full_name,
            "hook_url": hook_url(settings, repository),
            "secret": repository.secret,
            "post_receive": _script(settings, repository),
        }
    )


def _as_text(settings: Settings, repository: StoredRepository) -> str:
    lines = [
        f"{repository.full_name} is built from now on. Tell its forge:",
        "",
        _told(settings, repository),
    ]
    script = _script(settings, repository)
    return "\n".join([*lines, "", script] if script else lines)


def _told(settings: Settings, repository: StoredRepository) -> str:
    lines = [
        f"  Hook URL  {hook_url(settings, repository)}",
        f"  Secret    {repository.secret}",
        "",
        FORGES[repository.forge].setup,
    ]
    return "\n".join(lines)
