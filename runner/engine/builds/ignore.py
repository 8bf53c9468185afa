"""Ignore: which files of a context a `.dockerignore` leaves out. Pure.

Patterns are globs of whole paths, `**` takes any number of directories; what lies in a directory that is left out is
left out with it; `!` takes in again what an earlier line left out, and the last line that matches counts.
"""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.globs import matches


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: str
    takes_in: bool


class Ignore:
    """The rules of one `.dockerignore`."""

    def __init__(self, text: str = "") -> None:
        self._rules = tuple(_rules(text))

    def leaves_out(self, path: str) -> bool:
        """True if a file or directory of this path, relative to the context, is not sent."""
        names = [path]
        while "/" in names[-1]:
            names.append(names[-1].rpartition("/")[0])
        left_out = False
        for rule in self._rules:
            if rule.takes_in == left_out and any(matches(rule.pattern, name) for name in names):
                left_out = not rule.takes_in
        return left_out


def _rules(text: str) -> Iterator[_Rule]:
    for line in text.removeprefix("\ufeff").splitlines():
        pattern = line.strip()
        if not pattern or line.startswith("#"):
            continue
        takes_in = pattern.startswith("!")
        pattern = posixpath.normpath(pattern.removeprefix("!").strip().strip("/") or ".")
        if pattern != ".":
            # Braces mean nothing here, and a `**` that shares its segment stops at a slash all the same.
            yield _Rule(pattern.replace("{", "\\{").replace("}", "\\}"), takes_in)
