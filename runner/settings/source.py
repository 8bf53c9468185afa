"""Source: where values come from. The command line wins over the environment, that over the file, that over defaults.

SECURITY. A file that holds a password or a key must not be readable by everybody on the machine.
"""

import re
import stat
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self, TypeVar

from runner.settings.table import BY_NAME

T = TypeVar("T")
FILE_VARIABLE = "HEADRACE_CONFIG"
FILE = Path("/etc/headrace/headrace.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What was given, by name. `error` is the class of what is raised for a value that can't be used."""

    given: Mapping[str, str | None]
    environment: Mapping[str, str]
    path: Path
    file: Mapping[str, str] = field(repr=False)
    error: type[Exception]

    @classmethod
    def open(
        cls, environment: Mapping[str, str], error: type[Exception], given: Mapping[str, str | None] | None = None
    ) -> Self:
        """The source with the file that `HEADRACE_CONFIG` names, which must be there, or else `FILE` if it is there.

        Raises `error` if the file can't be read, or holds what is no setting.
        """
        named = environment.get(FILE_VARIABLE)
        path = Path(named or FILE)
        file = _read(path, error) if named or path.exists() else {}
        return cls(given=given or {}, environment=environment, path=path, file=file, error=error)

    def text(self, name: str, default: str = "") -> str:
        """The value as text; without one this default, or the table's."""
        setting = BY_NAME[name]
        found = self.given.get(name) or self.environment.get(setting.variable) or self.file.get(name)
        return found or default or setting.default

    def value(self, name: str, form: Callable[[str], T], default: str = "") -> T:
        """The value as `form` makes it of the text, which raises ValueError for one that can't be used.

        Raises `error`, which names where the value stands, the value unless it is secret, and what is expected.
        """
        text = self.text(name, default)
        try:
            return form(text)
        except ValueError as error:
            shown = re.sub(r"[^/@]*@", "…@", text) if BY_NAME[name].is_secret else text
            raise self.error(f"{self.where(name)} is {shown!r}: expected {BY_NAME[name].expected}") from error

    def where(self, name: str) -> str:
        """Where the value stands, or could: its option and variable, or its key in the file."""
        setting = BY_NAME[name]
        is_in_file = not self.given.get(name) and not self.environment.get(setting.variable) and name in self.file
        if is_in_file:
            return f"{name} in {self.path}"
        return f"{setting.option} ({setting.variable})" if setting.option else setting.variable


def _read(path: Path, error: type[Exception]) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            mode = path.stat().st_mode
            values = tomllib.load(file)
    except OSError as failure:
        raise error(f"can't read the settings in {path}: {failure.strerror}") from failure
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
        raise error(f"{path} is no TOML: {failure}") from failure
    for key in values:
        if key not in BY_NAME:
            near = get_close_matches(key, BY_NAME, n=1)
            hint = f"; {near[0]!r} is" if near else ""
            raise error(f"{path} has {key!r}, which is no setting{hint}: docs/settings.md has them all")
    secret = next((key for key in values if BY_NAME[key].is_secret), None)
    if secret and mode & stat.S_IROTH:
        raise error(f"{path} holds {secret!r} and can be read by everybody: chmod o-rwx {path}")
    return {key: _text(path, key, value, error) for key, value in values.items()}


def _text(path: Path, key: str, value: Any, error: type[Exception]) -> str:
    match value:
        case bool():
            return "on" if value else "off"
        case str() | int() | float():
            return str(value)
        case list() if all(isinstance(item, str) for item in value):
            return ",".join(value)
        case _:
            raise error(f"{key} in {path} is a {type(value).__name__}: expected {BY_NAME[key].expected}")
