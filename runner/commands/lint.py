"""`headrace lint`: what is wrong with workflow files, before anything runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import msgspec

from pipelines.problems import Level, Problem, has_errors
from pipelines.validate import check_together, read_workflows
from runner.excerpts import with_excerpt
from runner.workflow_files import read_workflow_files, working_tree_root


@click.command("lint")
@click.argument("paths", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="json: all problems in one object.")
@click.option("--strict", is_flag=True, help="Let warnings fail, too.")
def command(*, paths: tuple[Path, ...], output: str, strict: bool) -> int:
    """Check the workflow files of this repository, or the FILEs. Exit codes: 0 clean, 2 with errors."""
    return lint(paths, output=output, strict=strict)


def lint(paths: Sequence[Path], *, output: str, strict: bool) -> int:
    """Print the problems of these files, or of the working tree's. `output` is `text` or `json`.

    Returns 2 if there are errors, with `strict` also if there are warnings; else 0. Raises UsageError if there is
    nothing to read.
    """
    root = working_tree_root(Path.cwd())
    files = read_workflow_files(paths, root)
    problems = _problems(files, whole_run=not paths)
    if output == "json":
        click.echo(msgspec.json.encode({"problems": problems}))
    else:
        _show(problems, files)
    return 2 if has_errors(problems) or (strict and problems) else 0


def _problems(files: Mapping[str, bytes], *, whole_run: bool) -> list[Problem]:
    """All problems, file by file. What holds between files is known only if all files of a run are there."""
    readings = read_workflows(files)
    between = check_together(readings) if whole_run else ()
    return sorted(
        [*(problem for reading in readings for problem in reading.problems), *between],
        key=lambda problem: (problem.file, problem.line, problem.column),
    )


def _show(problems: Sequence[Problem], files: Mapping[str, bytes]) -> None:
    for problem in problems:
        click.echo(with_excerpt(problem, files[problem.file]))
    errors = sum(problem.level is Level.ERROR for problem in problems)
    warnings = len(problems) - errors
    click.echo(
        f"{_counted(len(files), 'file')}, {_counted(errors, 'error')}, {_counted(warnings, 'warning')}", err=True
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
