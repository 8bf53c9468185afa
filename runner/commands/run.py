"""`headrace run`: the working tree's workflows, here and now, through the code that the server runs.

DESIGN. Half of what a short run took was Python reading its libraries, and the engine idle meanwhile. So this file
reads no more than what sets the engine to work, and loads the rest, `runner.commands.localrun`, while it works.
"""

import importlib
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from pipelines.status import Status
from runner.commands.event_options import event_options
from runner.config import Config
from runner.engine.early import early_backend
from runner.events import EventOptions, PlanOptions
from runner.run_id import new_run_id
from runner.secrets import read_secrets
from runner.signals import stop_on
from runner.stop import Stop

_INTERRUPTED = (Status.CANCELLED, "interrupted")
_SIGNALS = dict.fromkeys((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), _INTERRUPTED)


@click.command("run")
@click.argument("paths", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@event_options
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="json: Records, one a line.")
@click.option("--secret", "secrets", multiple=True, metavar="NAME=VALUE", help="A secret; may be given often.")
@click.option("--secret-file", "secret_files", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
              help="A file of NAME=VALUE lines.")  # fmt: skip
@click.option("--parallel", type=click.IntRange(min=1), metavar="N",
              help="How many steps and jobs run at once; else HEADRACE_PARALLEL, else processors.")  # fmt: skip
def command(
    *,
    paths: tuple[Path, ...],
    options: EventOptions,
    planning: PlanOptions,
    output: str,
    secrets: tuple[str, ...],
    secret_files: tuple[Path, ...],
    parallel: int | None,
) -> int:
    """Run workflows here: those of this repository, or the FILEs.

    The working tree goes into the containers as it is, with what isn't committed and without what git ignores, and
    is never written to. Exit codes: 0 success, 1 a step failed, 2 a workflow file or the usage is wrong, 3 Headrace
    or the container engine failed, 4 timed out, 130 interrupted.
    """
    values = read_secrets(secrets, secret_files)
    config, run = Config.read(), new_run_id()
    config = replace(config, lanes=parallel or config.lanes)
    stop, abort = Stop(), Stop()
    stop_on(_SIGNALS, stop, abort=abort)
    with early_backend(config, run) as backend:
        local: Any = importlib.import_module("runner.commands.localrun")
        exit_code: int = local.plan_and_run(
            paths,
            options,
            planning,
            local.Means(config=config, run=run, backend=backend, secrets=values, output=output, stop=stop, abort=abort),
        )
    return exit_code
