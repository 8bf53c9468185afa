"""Place: a node, the path of keys that leads to it, and the report that takes its problems."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.nodes import Entry, List, Map, Node, Position, Scalar, described, is_null, printable
from pipelines.problems import Level
from pipelines.report import Report

_SIMPLE_KEY = re.compile(r"[\w-]{1,60}")


class Place:
    """Where a reader looks. Every problem it reports carries this line, column and path, as `steps[0].image`.

    A path is only put together when somebody asks, which few of the thousands of places of a file are for. `key` is
    that of the map that the node stands in, or its index in a list; None where reading began.
    """

    __slots__ = ("_above", "_path", "key", "node", "report")

    def __init__(
        self, node: Node, path: str, report: Report, *, above: "Place | None" = None, key: str | int | None = None
    ) -> None:
        self.node = node
        self.report = report
        self.key = key
        self._path = path
        self._above = above

    @property
    def path(self) -> str:
        """The keys that lead here."""
        if self._above is None:
            return self._path
        if isinstance(self.key, int):
            return f"{self._above.path}[{self.key}]"
        return joined(self._above.path, self.key or "")

    def below(self, key: str | int, node: Node) -> "Place":
        """The place of a node in this map or list."""
        return Place(node, "", self.report, above=self, key=key)

    @property
    def position(self) -> Position:
        """The node's line and column."""
        return self.node.position

    @property
    def name(self) -> str:
        """The path for the middle of a sentence: "`steps[0].image`", or "the file" at its root."""
        return f"`{self.path}`" if self.path else "the file"

    @property
    def is_null(self) -> bool:
        """True for a value that isn't there: `~`, `null` or nothing at all."""
        return is_null(self.node)

    @property
    def is_open(self) -> bool:
        """True for a text that nobody can judge yet, since a `${NAME}` in it has no value before there is an event."""
        return self.report.is_raw and isinstance(self.node, Scalar) and "${" in self.node.text

    def problem(self, message: str, *, hint: str = "", level: Level = Level.ERROR) -> None:
        """Report what is wrong here."""
        path = "" if self.report.is_full else self.path  # which nobody will see
        self.report.add(self.position, path, message, hint=hint, level=level)

    def expected(self, what: str, *, hint: str = "") -> None:
        """Report that this node isn't of the form it should have."""
        self.problem(f"{self.name} must be {what}, not {described(self.node)}", hint=hint)

    def items(self) -> Iterator["Place"]:
        """The places of a list's items; anything else counts as a list of one, under its own path."""
        if isinstance(self.node, List):
            for index, item in enumerate(self.node.items):
                yield self.below(index, item)
        else:
            yield self

    def entries(self) -> Iterator["PlacedEntry"]:
        """The places of a map's keys and values; none if this is no map."""
        if isinstance(self.node, Map):
            for entry in self.node.entries:
                yield self.entry(entry)

    def entry(self, entry: Entry) -> "PlacedEntry":
        """The places of an entry of this map."""
        name = entry.key.text
        return PlacedEntry(name, self.below(name, entry.key), self.below(name, entry.value))


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
