"""Secrets of a local run: from options and files, never from the repository."""

from collections.abc import Iterable
from pathlib import Path

from runner.errors import UsageError


def read_secrets(pairs: Iterable[str], files: Iterable[Path]) -> dict[str, str]:
    """Values by name, from `NAME=VALUE` options and files of such lines; options win. Raises UsageError.

    In a file, empty lines and those that start with `#` don't count, and a value may stand in quotes.
    """
    found: dict[str, str] = {}
    for file in files:
        for number, line in enumerate(_lines(file), start=1):
            if line.strip() and not line.lstrip().startswith("#"):
                name, value = _pair(line.strip(), where=f"{file}:{number}")
                found[name] = _unquoted(value)
    for pair in pairs:
        name, value = _pair(pair, where="--secret")
        found[name] = value
    return found


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"can't read the secrets in {file}: {error}") from error


def _pair(text: str, *, where: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"{where}: expected NAME=VALUE")  # without the text: it may be a secret
    return name.strip(), value


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value
