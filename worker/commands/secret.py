"""`headrace secret`: what steps may ask for by name and nobody may read: set, list, remove; and the key of it all."""

import json
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import click

from pipelines.event import EventKind
from runner.remote.connection import Connection
from runner.saying import say_table, tell
from worker.commands.answers import Secret, Secrets
from worker.commands.scope_options import phrase_of, scope_of, scope_options, scope_parameters
from worker.commands.service_options import service_options
from worker.commands.settings_options import settings_options
from worker.errors import Malformed
from worker.secrets.keyfile import keys_of
from worker.secrets.rotation import rotate
from worker.secrets.scope import Scope
from worker.secrets.secret import DEFAULT_EVENTS, checked_images, checked_name, checked_value
from worker.settings import Settings
from worker.store.database import Database

_EVENTS = [kind.value for kind in EventKind if kind is not EventKind.LOCAL]


@click.group("secret")
def command() -> None:
    """Keep what steps may ask for by name, and nobody may read."""


@command.command("set")
@click.argument("name")
@scope_options()
@click.option("--file", type=click.Path(path_type=Path), help="Take the value from a file, as it is.")
@click.option("--event", "events", multiple=True, type=click.Choice(_EVENTS),
              help="Only for runs of this event; may be given often. Without it: all but pull requests.")  # fmt: skip
@click.option("--image", "images", multiple=True, help="Only for plugin steps of this image; may be given often.")
@service_options
def set_command(
    *,
    service: Connection,
    name: str,
    scope: Scope,
    file: Path | None,
    events: tuple[str, ...],
    images: tuple[str, ...],
) -> int:
    """Store the value that comes on standard input, without its last line end, or a file's."""
    return set_(service, name=name, scope=scope, value=read_value(file), events=events, images=images)


@command.command("list")
@scope_options(is_required=False)
@click.option("--output", type=click.Choice(["text", "json"]), default="text")
@service_options
def list_command(*, service: Connection, scope: Scope | None, output: str) -> int:
    """Show which secrets there are, and for whom; with --repo those that reach it. Never a value."""
    return list_(service, scope=scope, output=output)


@command.command("remove")
@click.argument("name")
@scope_options()
@service_options
def remove_command(*, service: Connection, name: str, scope: Scope) -> int:
    """Forget a secret."""
    return remove(service, name=name, scope=scope)


@command.command("rotate-key")
@click.option("--finish", is_flag=True, help="Make no new key; only let go of the old ones.")
@settings_options
def rotate_command(*, settings: Settings, finish: bool) -> int:
    """Make a new key, seal everything with it, and let go of the old one."""
    return rotate_key(settings, makes_key=not finish)


def read_value(file: Path | None) -> str:
    """A value from a file, else from standard input, without its last line end there; a terminal shows nothing of it.

    Raises Malformed.
    """
    try:
        if file is not None:
            return file.read_bytes().decode()
        if sys.stdin.isatty():
            return str(click.prompt("Value", hide_input=True, err=True))
        text = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise Malformed("the value is no UTF-8 text: encode it, by base64 say, and decode it in the step") from error
    except OSError as error:
        raise Malformed(f"can't read {file}: {error.strerror}") from error
    return text.removesuffix("\n").removesuffix("\r")


def set_(
    service: Connection,
    *,
    name: str,
    scope: Scope,
    value: str,
    events: Sequence[str] = (),
    images: Sequence[str] = (),
) -> int:
    """Store a secret, in place of one of the same name. Raises Malformed or UsageError."""
    wanted = {
        "value": checked_value(value),
        "events": list(events) or [kind.value for kind in DEFAULT_EVENTS],
        "images": list(checked_images(images)),
    }
    stored = service.put(_path(name), wanted, Secret, **scope_parameters(scope))
    if stored.warning:
        tell(f"warning: {stored.warning}")
    tell(f"{stored.name} is kept for {scope.phrase}")
    return 0


def list_(service: Connection, *, scope: Scope | None = None, output: str = "text") -> int:
    """Print secrets: all, or those that reach a repository, or an owner's."""
    pages = service.pages("/api/secrets", Secrets, **scope_parameters(scope))
    stored = [each for page in pages for each in page.secrets]
    if output == "json":
        click.echo(json.dumps([_described(secret) for secret in stored]))
        return 0
    say_table((secret.name, phrase_of(secret), _limits(secret)) for secret in stored)
    if not stored:
        tell("no secret yet: headrace secret set NAME --repo OWNER/NAME < FILE")
    return 0


def remove(service: Connection, *, name: str, scope: Scope) -> int:
    """Forget a secret. Raises Malformed or UsageError."""
    service.delete(_path(name), **scope_parameters(scope))
    tell(f"{name.lower()} is gone for {scope.phrase}")
    return 0


def rotate_key(settings: Settings, *, makes_key: bool = True) -> int:
    """Let a new key take over, or finish that. Says what is left to do."""
    with closing(Database(settings.database_url)) as database:
        done = rotate(database, keys_of(settings), makes_key=makes_key)
    tell(f"the key {done.key} seals from now on; it took over {done.sealed} secrets")
    if settings.secret_key:
        tell("HEADRACE_SECRET_KEY may hold it alone, once no run waits that was queued before")
    if done.waiting:
        tell(
            f"the old key stays, because {done.waiting} tasks wait that may need it: "
            "run `headrace secret rotate-key --finish` once they have begun"
        )
    return 0


def _path(name: str) -> str:
    return f"/api/secrets/{quote(checked_name(name), safe='')}"


def _limits(secret: Secret) -> str:
    return ", ".join([*secret.events, *(f"image {image}" for image in secret.images)])


def _described(secret: Secret) -> dict[str, object]:
    return {
        "name": secret.name,
        "scope": str(scope_of(secret)),
        "events": list(secret.events),
        "images": list(secret.images),
        "created_at": secret.created_at,
        "updated_at": secret.updated_at,
    }
