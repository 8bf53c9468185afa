"""Merges: `<<` in maps and lists, and the rule that a map has each key once."""

from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.nodes import Entry, List, Map, Node, Position, Scalar, described, quoted
from pipelines.report import Report

MERGE_KEY = "<<"


@dataclass(frozen=True, slots=True)
class Splice:
    """What a map with nothing but `<<: *list` makes: items for the list it stands in."""

    position: Position
    items: tuple[Node, ...]


class Merges:
    """Makes maps and lists from their raw children, with `<<` done. Problems go to the report."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def list_of(self, position: Position, children: "list[Node | Splice]") -> List:
        """A list in which each Splice has become its items."""
        items: list[Node] = []
        for child in children:
            items.extend(child.items if isinstance(child, Splice) else (child,))
        return List(position, tuple(items))

    def map_of(self, position: Position, pairs: "list[tuple[Node | Splice, Node | Splice]]") -> Map | Splice:
        """A map of these pairs; a Splice if its only pair is `<<` with a list of items or of lists."""
        if len(pairs) == 1 and _is_merge(pairs[0][0]):
            items = _spliced(position, pairs[0][1])
            if items is not None:
                return Splice(position, items)
        return Map(position, self._entries(pairs))

    def node(self, child: "Node | Splice") -> Node:
        """The child where only a node may stand: there a Splice of maps merges them, any other is a problem."""
        if not isinstance(child, Splice):
            return child
        if all(isinstance(item, Map) for item in child.items):
            return Map(child.position, tuple(self._merged(child.items).values()))
        hint = "`<<: *list` is for list items: `- <<: *list`"
        self._report.add(child.position, "", "`<<` takes a map here and found a list", hint=hint)
        return List(child.position, child.items)

    def _entries(self, pairs: "list[tuple[Node | Splice, Node | Splice]]") -> tuple[Entry, ...]:
        own = self._own_entries(pairs)
        if len(own) == len(pairs):  # most maps merge nothing
            return tuple(own.values())
        sources = [node for key, value in pairs if _is_merge(key) for node in _sources(self.node(value))]
        # A merged entry keeps the place of its first mention, and gives way to the map's own.
        return tuple({**self._merged(sources), **own}.values())

    def _merged(self, sources: "Iterable[Node]") -> dict[str, Entry]:
        merged: dict[str, Entry] = {}
        for source in sources:
            if isinstance(source, Map):
                for entry in source.entries:
                    merged.setdefault(entry.key.text, entry)
            else:
                self._report.add(source.position, "", f"`<<` merges maps and found {described(source)}")
        return merged

    def _own_entries(self, pairs: "list[tuple[Node | Splice, Node | Splice]]") -> dict[str, Entry]:
        own: dict[str, Entry] = {}
        merges: list[Scalar] = []
        for raw_key, raw_value in pairs:
            key = self.node(raw_key)
            if not isinstance(key, Scalar):
                self._report.add(key.position, "", f"a key must be text and found {described(key)}")
            elif _is_merge(key):
                merges.append(key)
            elif key.text in own:
                self._duplicate(key, own[key.text].key)
            else:
                own[key.text] = Entry(key, self.node(raw_value))
        for extra in merges[1:]:
            self._duplicate(extra, merges[0], hint="write `<<: [*a, *b]`")
        return own

    def _duplicate(self, key: Scalar, first: Scalar, *, hint: str = "") -> None:
        where = f"the first is on line {first.position.line}"
        message = f"the key {quoted(key.text)} stands here a second time"
        self._report.add(key.position, "", message, hint=hint or where)


def _is_merge(key: "Node | Splice") -> bool:
    return isinstance(key, Scalar) and key.plain and key.text == MERGE_KEY


def _sources(value: Node) -> tuple[Node, ...]:
    return value.items if isinstance(value, List) else (value,)


def _spliced(key: Position, value: "Node | Splice") -> tuple[Node, ...] | None:
    """The items that `<<: value` gives a list, or None if this is a merge of maps."""
    if not isinstance(value, List):
        return None
    if value.position < key:  # `<<: *list`: what an alias names stands before it
        return value.items
    if value.items and all(isinstance(item, List) for item in value.items):  # `<<: [*list, *list]`
        return tuple(item for inner in value.items if isinstance(inner, List) for item in inner.items)
    return None
