"""The node tree of a YAML document: scalars keep their author's text, every node knows its line and column.

Nodes are msgspec's, which makes one in a fifth of a dataclass's time; they never form a circle, so that the collector
need not look at them.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_SHOWN_CHARACTERS = 60


class Position(NamedTuple):
    """A place in a text. Line and column count from 1. `file` is `""` for the file that is being read."""

    line: int
    column: int
    file: str = ""


START = Position(1, 1)


class Scalar(msgspec.Struct, frozen=True, gc=False):
    """One value as its author wrote it. `plain` is false for quoted, block and tagged text, which is always text."""

    position: Position
    text: str
    plain: bool = True

    @property
    def is_null(self) -> bool:
        """True for `~`, `null` and nothing at all."""
        return self.plain and self.text in _NULLS


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One `key: value` of a map."""

    key: Scalar
    value: "Node"


class Map(msgspec.Struct, frozen=True, gc=False):
    """Entries in the author's order, keys unique, merges (`<<`) already done."""

    position: Position
    entries: tuple[Entry, ...]

    def get(self, name: str) -> "Node | None":
        """The value of that key, or None without it."""
        return next((entry.value for entry in self.entries if entry.key.text == name), None)


class List(msgspec.Struct, frozen=True, gc=False):
    """Items in the author's order, splices (`- <<: *list`) already done."""

    position: Position
    items: tuple["Node", ...]

    def __iter__(self) -> Iterator["Node"]:
        """Its items."""
        return iter(self.items)


Node = Scalar | Map | List


def entries_of(node: Node) -> tuple[Entry, ...]:
    """A map's entries; none for any other node."""
    return node.entries if isinstance(node, Map) else ()


def key_places(node: Node) -> dict[str, Position]:
    """Where each key of a map stands; none for any other node."""
    return {entry.key.text: entry.key.position for entry in entries_of(node)}


def is_null(node: Node) -> bool:
    """True for `~`, `null` and nothing at all."""
    return isinstance(node, Scalar) and node.is_null


def quoted(text: str) -> str:
    """The text between double quotes, on one line, shortened, with nothing in it that a terminal would obey."""
    short = text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
    return f'"{printable(short)}"'


def printable(text: str) -> str:
    """The text with escapes for what isn't plain to see: line ends, control characters, surrogates."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def described(node: Node) -> str:
    """What a node is, for messages: `a map`, `a list`, `nothing` or its text."""
    match node:
        case Map():
            return "a map"
        case List():
            return "a list"
        case _:
            return "nothing" if node.is_null else quoted(node.text)
