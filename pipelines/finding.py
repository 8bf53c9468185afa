"""Finding: whether one key of a `when` is met, and the phrase that says why."""

from collections.abc import Sequence
from dataclasses import dataclass

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a key holds, and why: `branch is main`, or `branch is dev, not main`."""

    holds: bool
    phrase: str


def either(wanted: Sequence[str]) -> str:
    """What was wanted, as `main or release/*`."""
    more = f" or {len(wanted) - _SHOWN} more" if len(wanted) > _SHOWN else ""
    return " or ".join(wanted[:_SHOWN]) + more
