"""The `headrace` command: which commands there are, and what their errors become."""

import gc
import importlib
import io
import os
import sys
import threading
from typing import Any

import click

from runner.saying import tell_text

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

# Loaded when called for: `headrace --version` imports none of them. What has no summary is for our own processes.
_COMMANDS = {
    "run": ("runner.commands.run", "Run workflows here, in containers, as the server would."),
    "plan": ("runner.commands.plan", "Show what an event would run, and why."),
    "lint": ("runner.commands.lint", "Check workflow files."),
    "schema": ("runner.commands.schema", "Print the JSON Schema of workflow files, for editors."),
    "runs": ("runner.commands.runs", "List the latest runs, of this machine or of a server."),
    "workers": ("runner.commands.workers", "List the workers of a server."),
    "logs": ("runner.commands.logs", "Show a run again, or follow a server's."),
    "artifacts": ("runner.commands.artifacts", "List what a run's steps left behind, or fetch it."),
    "cancel": ("runner.commands.cancel", "End a server's run before its time."),
    "start": ("runner.commands.start", "Have a server run workflows of a branch or tag by hand."),
    "deploy": ("runner.commands.deploy", "Have a server deploy what an earlier run was of."),
    "schedule": ("runner.commands.schedule", "Say what a server runs at which times."),
    "rerun": ("runner.commands.rerun", "Have a server run something again."),
    "clean": ("runner.commands.clean", "Remove what runs that were killed have left in the engine."),
    "up": ("worker.commands.up", "Serve: server, workers and Redis in one."),
    "server": ("worker.commands.server", "Serve webhooks, API and pages only."),
    "worker": ("worker.commands.worker", "Take jobs from the queue only."),
    "backup": ("worker.commands.backup", "Write all that the server knows and keeps into one file."),
    "restore": ("worker.commands.restore", "Make a server's data of a backup."),
    "retention": ("worker.commands.retention", "Say how long things are kept, and have the rest go."),
    "user": ("worker.commands.user", "Say who may use the server."),
    "token": ("worker.commands.token", "Make tokens for programs, and revoke them."),
    "repo": ("worker.commands.repo", "Say which repositories the server builds."),
    "deliveries": ("worker.commands.deliveries", "See what forges have posted, and have it taken again."),
    "approve": ("worker.commands.approve", "Let a run begin that waits for a person."),
    "decline": ("worker.commands.decline", "End a run that waits for a person."),
    "secret": ("worker.commands.secret", "Keep what steps may ask for by name, and nobody may read."),
    "registry": ("worker.commands.registry", "Say which login registries are shown."),
    "upgrade": ("worker.commands.upgrade", ""),
}

# What the processes that stay never use, and libraries of theirs import where they find it: 4 MB a process.
_STAY = {"up", "server", "worker"}
_FORGONE = ("rich", "pygments")

# New objects between two looks for garbage, in the processes that end soon: Python's 700 are 7% of a short run's time.
_SELDOM = 50_000


class _LazyGroup(click.Group):
    """A group whose commands are modules, each with a click command named `command`."""

    def list_commands(self, _: click.Context) -> list[str]:
        return [name for name, (_, summary) in _COMMANDS.items() if summary]

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(_COMMANDS[name][0]).command
        return command

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in _COMMANDS.items() if summary])


def _print_version(context: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 -- click's form
    if value:
        click.echo(f"headrace {importlib.import_module('importlib.metadata').version('headrace')}")
        context.exit()


@click.command("headrace", cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show it.")
def headrace() -> None:
    """CI for small teams: a git push runs every step in a fresh container, and so does your laptop."""


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its code: results are on stdout, everything else is on stderr.

    Without `arguments` those of the process count, and it ends here.
    """
    if arguments is None and _STAY.intersection(sys.argv[1:2]):
        sys.modules.update(dict.fromkeys(_FORGONE))  # type: ignore[arg-type] # None: importing it fails from now on
    elif arguments is None:
        gc.set_threshold(_SELDOM)
    code = _exit_code(arguments)
    if arguments is None:
        _leave(code)
    sys.exit(code)


def _leave(code: int) -> None:
    """End the process at once, if nothing is left to do but to free its memory: that takes Python some 50 ms."""
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        return
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return  # whoever read it has gone; Python has its own words for that
    os._exit(code)


def _exit_code(arguments: list[str] | None) -> int:
    try:
        result: Any = headrace.main(args=arguments, prog_name="headrace", standalone_mode=False)
    except click.ClickException as error:
        error.show(written := io.StringIO())
        tell_text(written.getvalue())
        return EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except Exception as error:
        code = getattr(error, "exit_code", None)  # what our errors have, which say in one line what to do
        if code is None:
            raise
        tell_text(f"headrace: {error}")
        return int(code)
    return int(result or 0)


if __name__ == "__main__":
    main()
