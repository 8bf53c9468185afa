"""`headrace schema`: the JSON Schema of workflow files, for editors."""

import json

import click

from pipelines.syntax.schema import schema


@click.command("schema")
def command() -> int:
    """Print the JSON Schema of workflow files.

    An editor that is told of it completes keys and shows what they mean.
    """
    click.echo(json.dumps(schema(), indent=2, ensure_ascii=False))
    return 0
