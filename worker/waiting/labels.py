"""Labels: what a worker says of itself, and whether it may take a task that asks for some. Pure.

A worker has each label that a task asks for, with that value; `*` on the worker's side is any value. A label that the
worker wrote with a `!` before its name must be asked for: such a worker takes nothing else.
"""

import re
from collections.abc import Iterable, Mapping

from worker.errors import SettingsError

Labels = Mapping[str, str]

ANY = "*"
_MUST = "!"
_NAME = re.compile(r"!?[A-Za-z0-9][A-Za-z0-9_./-]{0,62}")
_VALUE = re.compile(r"\*|[A-Za-z0-9_.:/@+-]{1,100}")


def worker_labels(given: Iterable[str], *, host: str, platform: str) -> dict[str, str]:
    """A worker's labels, of `NAME=VALUE` texts and what is true of every one of ours. Raises SettingsError."""
    own = {"backend": "docker", "hostname": host, "platform": platform, "repo": ANY}
    return own | dict(map(_parsed, given))


def meets(worker: Labels, asked: Labels) -> bool:
    """True if a worker with these labels may take a task that asks for those."""
    has = {name.removeprefix(_MUST): value for name, value in worker.items()}
    musts = {name.removeprefix(_MUST) for name in worker if name.startswith(_MUST)}
    return musts <= asked.keys() and all(has.get(name) in (value, ANY) for name, value in asked.items())


def as_text(labels: Labels) -> str:
    """`gpu=true, platform=linux/arm64`, by name."""
    return ", ".join(f"{name}={value}" for name, value in sorted(labels.items()))


def _parsed(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        raise SettingsError(
            f"--label (HEADRACE_LABELS) is {text[:80]!r}: expected NAME=VALUE, such as gpu=true, or NAME=*; "
            "a `!` before the name keeps jobs away that don't ask for it"
        )
    return name, value
