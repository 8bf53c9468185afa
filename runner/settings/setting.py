"""Setting: one thing that can be set, and the three places where it may be: command line, environment, file."""

from dataclasses import dataclass
from enum import StrEnum


class Area(StrEnum):
    """Who looks at a setting."""

    SERVICE = "the service: `headrace up`, `server`, `worker` and the commands beside them"
    STEPS = "how steps run, in workers and with `headrace run`"
    CLIENT = "commands that speak to a server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting. `name` is its key in the file; the variable is made of it.

    `expected` says what a value must be, `default` is the value without one. Where that depends on the machine or on
    other settings it is `""`, and `shown` says what it is then. `is_secret` values are never repeated.
    """

    name: str
    area: Area
    meaning: str
    expected: str
    default: str = ""
    shown: str = ""
    option: str = ""
    is_secret: bool = False

    @property
    def variable(self) -> str:
        """The environment's name for it."""
        return f"HEADRACE_{self.name.upper()}"
