"""`headrace restore`: a server's data out of a backup."""

from pathlib import Path

import click

from runner.saying import say, tell
from worker.backup.restoring import restore
from worker.commands.settings_options import settings_options
from worker.settings import Settings


@click.command("restore")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Move aside what is in the data directory.")
@settings_options
def command(*, settings: Settings, file: Path, force: bool) -> int:
    """Fill the data directory, and the database, from FILE. Both must be empty, and no server run there."""
    restored = restore(settings, file.absolute(), force=force)
    if restored.aside:
        tell(f"headrace: what was in {settings.data} is in {restored.aside} now")
    if not restored.manifest.has_key and not settings.secret_key:
        tell(f"headrace: put a copy of the key to {settings.secret_key_file}, or no secret opens again")
    end = restored.end
    say(f"{settings.data}: {end.runs} runs and {end.files} files, as of {restored.manifest.made_at}")
    return 0
