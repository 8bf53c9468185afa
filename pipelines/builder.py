"""Builds the node tree of one document from its YAML events.

DESIGN. The nodes are built from PyYAML's events, not by its composer, which refuses an anchor that is defined twice.
An alias is the very node it names, so a tree may share branches; its *weight* is counted as if it were written out,
as the events come, so that a file that would unfold to billions of values is refused before anything walks it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from pipelines.merges import Merges, Splice
from pipelines.nodes import Map, Node, Position, Scalar, quoted
from pipelines.report import Report

MAX_DEPTH = 64
MAX_WEIGHT = 20_000  # values; text counts once more for every 80 characters

START = Position(1, 1)
_FORBIDDEN_VALUE = re.compile(r"[\x00\ud800-\udfff]")
_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})
_KNOWN_TAGS = _TEXT_TAGS | {
    f"tag:yaml.org,2002:{name}" for name in ("bool", "float", "int", "map", "null", "seq", "timestamp")
}


class UnreadableError(Exception):
    """Raised when the rest of the text can't be read at all."""

    def __init__(self, position: Position, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.position, self.message, self.hint = position, message, hint


@dataclass(frozen=True, slots=True)
class _Built:
    """A finished node, what it weighs when written out, and how many levels it has."""

    node: Node | Splice
    weight: int
    depth: int


@dataclass(slots=True)
class _Open:
    """A list or map whose end has not come yet."""

    start: yaml.MappingStartEvent | yaml.SequenceStartEvent
    position: Position
    children: list[_Built] = field(default_factory=list)


class Builder:
    """Turns one document's events into its node tree, without recursion."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._merges = Merges(report)
        self._anchors: dict[str, _Built] = {}
        self._open: list[_Open] = []
        self._root: Node | None = None
        self._weight = 0
        self._documents = 0

    def build(self, events: Iterator[yaml.Event]) -> Node | None:
        """The root node; None for an empty text. Raises UnreadableError where reading must end."""
        for event in events:
            mark = event.start_mark
            self._take(event, Position(mark.line + 1, mark.column + 1) if mark else START)
        return self._root

    def _take(self, event: yaml.Event, position: Position) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._start_document(position)
            case yaml.ScalarEvent():
                self._grow(1 + len(event.value) // 80, position)
                self._finish(event.anchor, self._scalar(event, position), [])
            case yaml.AliasEvent():
                self._alias(event.anchor or "", position)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._start(event, position)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._end()

    def _start_document(self, position: Position) -> None:
        self._documents += 1
        if self._documents > 1:
            is_drone = isinstance(self._root, Map) and self._root.get("kind") is not None
            hint = "this looks like a Drone file: " if is_drone else ""
            hint += "write each document to a file of its own, as .headrace/NAME.yaml"
            raise UnreadableError(position, "a second document starts here; one file is one workflow", hint)

    def _grow(self, weight: int, position: Position) -> None:
        self._weight += weight
        if self._weight > MAX_WEIGHT:
            message = f"the file unfolds to more than {MAX_WEIGHT:,} values, aliases written out"
            raise UnreadableError(position, message)

    def _start(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent, position: Position) -> None:
        self._grow(1, position)
        self._check_depth(1, position)
        self._check_tag(event.tag, position)
        self._open.append(_Open(event, position))

    def _end(self) -> None:
        done = self._open.pop()
        nodes = [child.node for child in done.children]
        if isinstance(done.start, yaml.SequenceStartEvent):
            node: Node | Splice = self._merges.list_of(done.position, nodes)
        else:
            node = self._merges.map_of(done.position, list(zip(nodes[::2], nodes[1::2], strict=True)))
        self._finish(done.start.anchor, node, done.children)

    def _finish(self, anchor: str | None, node: Node | Splice, children: list[_Built]) -> None:
        own_weight = 1 + (len(node.text) // 80 if isinstance(node, Scalar) else 0)
        weight = own_weight + sum(child.weight for child in children)
        built = _Built(node, weight, 1 + max((child.depth for child in children), default=0))
        if anchor is not None:
            self._anchors[anchor] = built
        self._place(built)

    def _place(self, built: _Built) -> None:
        if self._open:
            self._open[-1].children.append(built)
        else:
            self._root = self._merges.node(built.node)

    def _alias(self, anchor: str, position: Position) -> None:
        target = self._anchors.get(anchor)
        if any(parent.start.anchor == anchor for parent in self._open):
            raise UnreadableError(position, f"*{anchor} stands inside the very value that &{anchor} names")
        if target is None:
            self._report.add(position, "", f"*{anchor} names nothing", hint=f"define &{anchor} above it")
            target = _Built(Scalar(position, ""), 1, 1)
        self._grow(target.weight, position)
        self._check_depth(target.depth, position)
        self._place(target)

    def _check_depth(self, levels: int, position: Position) -> None:
        if len(self._open) + levels > MAX_DEPTH:
            raise UnreadableError(position, f"lists and maps are nested more than {MAX_DEPTH} deep")

    def _check_tag(self, tag: str | None, position: Position) -> None:
        if tag is not None and tag not in _KNOWN_TAGS:
            self._report.add(position, "", f"the YAML tag {quoted(tag)} is not known here", hint="leave it out")

    def _scalar(self, event: yaml.ScalarEvent, position: Position) -> Scalar:
        self._check_tag(event.tag, position)
        if _FORBIDDEN_VALUE.search(event.value):
            self._report.add(position, "", f"the text {quoted(event.value)} holds a character that no program takes")
        plain = event.implicit[0] or (event.tag is not None and event.tag not in _TEXT_TAGS)
        return Scalar(position, event.value, plain=plain)
