"""`headrace lint`: what is wrong with workflow files, before anything runs."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click
import msgspec

from pipelines import lint as language
from pipelines.problems import Level, Problem, has_errors
from runner import annotations
from runner.events import global_variables
from runner.excerpts import with_excerpt
from runner.librarieshere import LibrariesHere
from runner.saying import say, say_text, tell
from runner.workflow_files import read_workflow_files, working_tree_root

_OUTPUTS = ("text", "json", "github", "gitlab")
_OUTPUT_HELP = "json: all problems in one object; github: annotations; gitlab: a Code Quality report."


@click.command("lint")
@click.argument("paths", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@click.option("--output", type=click.Choice(_OUTPUTS), default="text", help=_OUTPUT_HELP)
@click.option("--env", multiple=True, metavar="K=V", help="A global variable of the runs, as for `plan`; repeatable.")
@click.option("--strict", is_flag=True, help="Let warnings fail, too.")
def command(*, paths: tuple[Path, ...], output: str, env: tuple[str, ...], strict: bool) -> int:
    """Check the workflow files of this repository, or the FILEs.

    Errors would stop a run; warnings are old forms, what is probably not meant, and bad habits. Exit codes: 0 clean,
    2 with errors.
    """
    return lint(paths, output=output, known=frozenset(global_variables(env)), strict=strict)


def lint(paths: Sequence[Path], *, output: str, known: Iterable[str] = (), strict: bool) -> int:
    """Print the problems of these files, or of the working tree's. `output` is text, json, github or gitlab;
    `known` are the names of global variables.

    Returns 2 if there are errors, with `strict` also if there are warnings; else 0. Raises UsageError if there is
    nothing to read.
    """
    root = working_tree_root(Path.cwd())
    files = read_workflow_files(paths, root)
    libraries = LibrariesHere(root)
    found = language.lint(files, library=libraries.own, known=known, is_whole_run=not paths)
    problems = found.problems
    if output == "text":
        _show(problems, {**libraries.texts, **files}, count=len(files))
    else:
        _print(found, output=output)
    return 2 if has_errors(problems) or (strict and problems) else 0


def _print(found: language.Findings, *, output: str) -> None:
    match output:
        case "github":
            for line in annotations.github(found.problems, found.brought):
                say(line)
        case "gitlab":
            click.echo(annotations.gitlab(found.problems, found.brought))
        case _:
            click.echo(msgspec.json.encode({"problems": found.problems}))


def _show(problems: Sequence[Problem], sources: Mapping[str, bytes], *, count: int) -> None:
    for problem in problems:
        say_text(with_excerpt(problem, sources.get(problem.file, b"")))
    errors = sum(problem.level is Level.ERROR for problem in problems)
    warnings = len(problems) - errors
    tell(f"{_counted(count, 'file')}, {_counted(errors, 'error')}, {_counted(warnings, 'warning')}")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
