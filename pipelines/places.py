"""Place: a node, the path of keys that leads to it, and the report that takes its problems."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.nodes import Entry, List, Map, Node, Position, described, printable
from pipelines.problems import Level
from pipelines.report import Report

_SIMPLE_KEY = re.compile(r"[\w-]{1,60}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader looks. Every problem it reports carries this line, column and path, as `steps[0].image`."""

    node: Node
    path: str
    report: Report

    @property
    def position(self) -> Position:
        """The node's line and column."""
        return self.node.position

    @property
    def name(self) -> str:
        """The path for the middle of a sentence: "`steps[0].image`", or "the file" at its root."""
        return f"`{self.path}`" if self.path else "the file"

    def problem(self, message: str, *, hint: str = "", level: Level = Level.ERROR) -> None:
        """Report what is wrong here."""
        self.report.add(self.position, self.path, message, hint=hint, level=level)

    def expected(self, what: str, *, hint: str = "") -> None:
        """Report that this node isn't of the form it should have."""
        self.problem(f"{self.name} must be {what}, not {described(self.node)}", hint=hint)

    def items(self) -> Iterator["Place"]:
        """The places of a list's items; anything else counts as a list of one, under its own path."""
        if isinstance(self.node, List):
            for index, item in enumerate(self.node.items):
                yield Place(item, f"{self.path}[{index}]", self.report)
        else:
            yield self

    def entries(self) -> Iterator["PlacedEntry"]:
        """The places of a map's keys and values; none if this is no map."""
        if isinstance(self.node, Map):
            for entry in self.node.entries:
                yield self._entry(entry)

    def _entry(self, entry: Entry) -> "PlacedEntry":
        path = joined(self.path, entry.key.text)
        return PlacedEntry(entry.key.text, Place(entry.key, path, self.report), Place(entry.value, path, self.report))


@dataclass(frozen=True, slots=True)
class PlacedEntry:
    """One entry of a map: the key's text, the key's place and the value's place."""

    name: str
    key: Place
    value: Place


def joined(path: str, key: str) -> str:
    """The path of a key below a path: `a.b`, or `a["odd key"]`."""
    if not _SIMPLE_KEY.fullmatch(key):
        shown = key if len(key) <= 60 else key[:59] + "…"
        return f'{path}["{printable(shown)}"]'
    return f"{path}.{key}" if path else key
