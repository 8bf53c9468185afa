"""The options that all commands of the service share, and what becomes of them."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from worker.settings import Settings

OPTIONS = (
    click.option("--data", metavar="DIR", help="Where everything is kept (HEADRACE_DATA)."),
    click.option("--listen", metavar="HOST:PORT", help="Where the server listens (HEADRACE_LISTEN)."),
    click.option("--url", metavar="URL", help="How browsers and forges reach the server (HEADRACE_URL)."),
    click.option(
        "--redis-url", metavar="URL", help="A running Redis; without it `up` runs its own (HEADRACE_REDIS_URL)."
    ),
    click.option("--host", metavar="NAME", help="What to call this machine, or container, in labels (HEADRACE_HOST)."),
    click.option("--log-format", metavar="FORMAT", help="console or json (HEADRACE_LOG_FORMAT)."),
)
NAMES = ("data", "listen", "url", "redis_url", "host", "log_format")


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options; it receives them as `settings`."""

    @wraps(command)  # and with it the options that the command has already
    def with_settings(**given: Any) -> Any:
        named = {name: given.pop(name) for name in NAMES}
        return command(settings=Settings.build(**named), **given)

    for option in reversed(OPTIONS):
        with_settings = option(with_settings)
    return with_settings


label_option = click.option(
    "--label",
    multiple=True,
    metavar="NAME=VALUE",
    help="What jobs may ask this machine's workers for; may be given again.",
)
