"""The flags that `run` and `plan` share: those of the event as `options`, what else a plan takes as `planning`."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from pipelines.event import EventKind
from pipelines.syntax.trusted import TRUST_WORDS
from runner.delivery import read_delivery
from runner.errors import UsageError
from runner.events import EventOptions, PlanOptions, global_variables, pairs

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
    click.option("--cron", default="", metavar="NAME", help="The schedule that has come due."),
    click.option("--deploy-target", default="", metavar="NAME", help="Where a deployment goes to."),
    click.option("--deploy-task", default="", metavar="NAME", help="What a deployment is to do there."),
    click.option("--release-title", default="", metavar="TEXT", help="What a release is called."),
    click.option("--prerelease", is_flag=True, help="The release is not for everybody yet."),
    click.option("--param", "params", multiple=True, metavar="K=V", help="An input of a manual run; repeatable."),
    click.option(
        "--changed-file", "changed_files", multiple=True, metavar="PATH", help="A changed file; may be given often."
    ),
    click.option(
        "--delivery",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="What a forge has posted to a hook, as `headrace deliveries show --output json` prints it.",
    ),
)
_PLAN_FLAGS = (
    click.option("--env", multiple=True, metavar="K=V", help="A variable of every step; repeatable."),
    click.option("--trust", default="", metavar="WORDS", help=f"Allow what needs trust: {','.join(TRUST_WORDS)}."),
)
_NAMES = tuple(field.name for field in fields(EventOptions))


def event_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command the flags; it receives them as `options`, an EventOptions, and `planning`, PlanOptions."""

    def with_options(*, env: tuple[str, ...], trust: str, **given: Any) -> Any:
        flags = {name: given.pop(name) for name in _NAMES}
        planning = PlanOptions(trust=_trust(trust), variables=global_variables(env))
        return command(options=_options(flags), planning=planning, **given)

    with_options.__doc__ = command.__doc__
    with_options.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined] # click's own
    for flag in reversed((*_FLAGS, *_PLAN_FLAGS)):
        with_options = flag(with_options)
    return with_options


def _options(flags: dict[str, Any]) -> EventOptions:
    kind = EventKind(flags["event"]) if flags["event"] else None
    params = pairs(flags["params"], flag="--param")
    delivery = read_delivery(flags["delivery"]) if flags["delivery"] else None
    return EventOptions(**flags | {"event": kind, "params": params, "delivery": delivery})


def _trust(words: str) -> frozenset[str]:
    trust = frozenset(word.strip() for word in words.split(",") if word.strip())
    for word in sorted(trust - set(TRUST_WORDS)):
        raise UsageError(f"--trust {word}: there are {', '.join(TRUST_WORDS)}")
    return trust
