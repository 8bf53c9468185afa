"""Saying: the one way by which commands write to people. Results on stdout (`say`), all else on stderr (`tell`).

Whatever it is given, and whoever wrote that, is made plain here (`runner/visible`). JSON is for programs: `click.echo`
writes that, and nothing else in a command; `tests/test_house.py` holds it.
"""

from collections.abc import Iterable, Sequence

import click

from runner.visible import plain


def say(line: str) -> None:
    """Write one line of a result to stdout."""
    click.echo(plain(line))


def tell(line: str) -> None:
    """Write one line to stderr."""
    click.echo(plain(line), err=True)


def say_text(text: str) -> None:
    """Write a result of several lines to stdout, with one line end behind the last."""
    click.echo(plain_text(text))


def tell_text(text: str) -> None:
    """Write several lines to stderr."""
    click.echo(plain_text(text), err=True)


def say_table(rows: Iterable[Sequence[str]]) -> None:
    """Write rows of equally many cells to stdout, each column as wide as its widest cell."""
    plain_rows = [[plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*plain_rows, strict=True)]
    for row in plain_rows:
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def plain_text(text: str) -> str:
    """The text with its own line ends, but the last, and nothing else that a terminal would obey."""
    return "\n".join(map(plain, text.removesuffix("\n").split("\n")))
