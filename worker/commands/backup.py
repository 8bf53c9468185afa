"""`headrace backup`: all that the server knows and keeps in one file, made while it runs."""

from contextlib import closing
from pathlib import Path

import click

from runner.saying import say, tell
from worker.backup.making import make_backup
from worker.commands.settings_options import settings_options
from worker.settings import Settings
from worker.store.database import Database


@click.command("backup")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--with-key", is_flag=True, help="Also the key that secrets are sealed with: keep such a file as safe.")
@settings_options
def command(*, settings: Settings, file: Path, with_key: bool) -> int:
    """Write the database, logs and artifacts into FILE, while the server runs. `headrace restore` reads it."""
    with closing(Database(settings.database_url)) as database:
        end = make_backup(settings, database, file.absolute(), with_key=with_key)
    for name in end.missing:
        tell(f"headrace: {name!r} is not there any more")
    say(f"{file}: {end.runs} runs, {end.files} files of theirs with {end.size_bytes} bytes")
    return 0
