"""`headrace artifacts`: what a run's steps left behind, on this machine or on a server."""

import json
from pathlib import Path
from typing import Any

import click
import msgspec

from runner.config import Config
from runner.errors import UsageError
from runner.remote.answers import RemoteArtifact
from runner.remote.download import download
from runner.remote.options import chosen_server, connected, place_options
from runner.remote.server import Server
from runner.results.artifacts import DirectoryArtifacts, StoredArtifact
from runner.results.history import find_run
from runner.saying import say


@click.command("artifacts")
@click.argument("run", default="", metavar="[RUN]")
@click.option("--step", default="", metavar="NAME", help="Just this step's.")
@click.option("--to", metavar="DIR", type=click.Path(file_okay=False, path_type=Path), help="Fetch them from a server.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text")
@place_options
def command(*, run: str, step: str, to: Path | None, output: str, server: str, local: bool) -> int:
    """List what a run's steps left behind, the latest run's if none is named; of a server, also fetch it."""
    config = Config.read()
    url = chosen_server(config, server, local=local)
    if not url and to:
        raise click.UsageError("--to fetches from a server: this machine has its artifacts as files already")
    if not url:
        directory = find_run(config.runs_directory, run) / "artifacts"
        _show([each for each in DirectoryArtifacts(directory).list() if step in ("", each.step)], output)
        return 0
    with connected(config, url) as connection:
        speaker = Server(connection)
        found = [each for each in speaker.artifacts(speaker.find(run)) if step in ("", each.step)]
        if to is not None:
            _check_paths(found)
            to.mkdir(parents=True, exist_ok=True)
            for artifact in found:
                say(str(download(connection, artifact, to)))
            return 0
    _show(found, output)
    return 0


def _check_paths(artifacts: list[RemoteArtifact]) -> None:
    """Raises UsageError if one would overwrite another."""
    paths = [artifact.path for artifact in artifacts]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise UsageError(f"several steps left {twice!r}: choose one with --step")


def _show(artifacts: list[StoredArtifact] | list[RemoteArtifact], output: str) -> None:
    if output == "json":
        described: Any = msgspec.to_builtins(artifacts)
        click.echo(json.dumps(described))
        return
    for artifact in artifacts:
        say(f"{artifact.size_bytes:>12}  {artifact.job}/{artifact.step}  {artifact.path}")
