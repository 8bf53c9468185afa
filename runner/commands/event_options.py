"""The event flags that `run` and `plan` share; a command gets them as one `options`."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import click

from pipelines.event import EventKind
from runner.events import EventOptions

_KINDS = [kind.value for kind in EventKind]
_FLAGS = (
    click.option("--event", type=click.Choice(_KINDS), help="What happened; push, unless other flags say otherwise."),
    click.option("--branch", default="", help="The branch (the checked-out one)."),
    click.option("--target-branch", default="", help="The branch that a pull request wants to go to."),
    click.option("--source-branch", default="", help="The branch that a pull request comes from."),
    click.option("--ref", default="", help="The full ref, such as refs/heads/main."),
    click.option("--sha", default="", help="The commit."),
    click.option("--tag", default="", help="The tag that was pushed."),
    click.option("--message", default="", help="The commit's message."),
    click.option("--author", default="", help="The commit's author."),
    click.option("--repo", default="", metavar="OWNER/NAME", help="The repository (from the origin's address)."),
    click.option("--pr", type=click.IntRange(min=1), metavar="N", help="The pull request's number."),
    click.option(
        "--changed-file", "changed_files", multiple=True, metavar="PATH", help="A changed file; may be given often."
    ),
)
_NAMES = tuple(field.name for field in fields(EventOptions))


def event_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command the event flags; it receives them as `options`, an EventOptions."""

    def with_options(**given: Any) -> Any:
        flags = {name: given.pop(name) for name in _NAMES}
        kind = EventKind(flags["event"]) if flags["event"] else None
        return command(options=EventOptions(**flags | {"event": kind}), **given)

    with_options.__doc__ = command.__doc__
    with_options.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined] # click's own
    for flag in reversed(_FLAGS):
        with_options = flag(with_options)
    return with_options
