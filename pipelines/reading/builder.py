"""Builds the node tree of one document from its YAML events.

DESIGN. The nodes are built from PyYAML's events, not by its composer, which refuses an anchor that is defined twice.
An alias is the very node it names, so a tree may share branches; its *weight* is counted as if it were written out,
as the events come, so that a file that would unfold to billions of values is refused before anything walks it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from pipelines.allowance import MAX_VALUES
from pipelines.files import is_lenient
from pipelines.nodes import START, Map, Node, Position, Scalar, quoted
from pipelines.problems import Level
from pipelines.reading.merges import Merges, Splice
from pipelines.report import Report

MAX_DEPTH = 64
TOO_HEAVY = f"the file unfolds to more than {MAX_VALUES:,} values, aliases written out"

_FORBIDDEN_VALUE = re.compile(r"[\x00\ud800-\udfff]")
_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})
_KNOWN_TAGS = _TEXT_TAGS | {
    f"tag:yaml.org,2002:{name}" for name in ("bool", "float", "int", "map", "merge", "null", "seq", "timestamp")
}


_new_position = tuple.__new__  # without the function that a NamedTuple puts before it


class UnreadableError(Exception):
    """Raised when the rest of the text can't be read at all."""

    def __init__(self, position: Position, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.position, self.message, self.hint = position, message, hint


@dataclass(frozen=True, slots=True)
class _Built:
    """A finished node, what it weighs when written out, and how many levels it has."""

    node: Node | Splice
    weight: int = 1
    depth: int = 1


@dataclass(slots=True)
class _Open:
    """A list or map whose end has not come yet, with what its children weigh and how deep they go."""

    start: yaml.MappingStartEvent | yaml.SequenceStartEvent
    position: Position
    children: list[Node | Splice] = field(default_factory=list)
    weight: int = 1
    depth: int = 0


class Builder:
    """Turns one document's events into its node tree, without recursion.

    `file` is for the positions: `""` in the report's own file. What included files weigh counts together.
    """

    def __init__(self, report: Report, file: str) -> None:
        self._report = report
        self._file = file
        self._values = report.allowance.values
        self._merges = Merges(report)
        self._anchors: dict[str, _Built] = {}
        self._open: list[_Open] = []
        self._root: Node | None = None
        self._documents = 0
        self._document = START
        self._takers: dict[type[yaml.Event], Callable[[Any], None]] = {
            yaml.ScalarEvent: self._take_scalar,
            yaml.MappingStartEvent: self._start,
            yaml.SequenceStartEvent: self._start,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._start_document,
        }

    def build(self, events: Iterator[yaml.Event]) -> Node | None:
        """The root node; None for an empty text. Raises UnreadableError where reading must end."""
        for event in events:
            if self._documents > 1 and isinstance(event, yaml.NodeEvent):
                if not _is_nothing(event):
                    self._refuse_document()
                    break
            elif (take := self._takers.get(type(event))) is not None:
                take(event)
        return self._root

    def _position(self, event: yaml.Event) -> Position:
        mark = event.start_mark
        return _new_position(Position, (mark.line + 1, mark.column + 1, self._file)) if mark else START

    def _start_document(self, event: yaml.DocumentStartEvent) -> None:
        self._documents += 1
        self._document = self._position(event)

    def _refuse_document(self) -> None:
        """A second document, which holds something. Woodpecker runs the first one alone, and so its files do here."""
        is_old = is_lenient(self._file or self._report.file)
        is_drone = isinstance(self._root, Map) and self._root.get("kind") is not None
        place = ".woodpecker" if is_old else ".headrace"
        hint = "this looks like a Drone file: " if is_drone else ""
        hint += f"write each document to a file of its own, as {place}/NAME.yaml"
        if not is_old:
            raise UnreadableError(self._document, "a second document starts here; one file is one workflow", hint)
        message = "a second document starts here, and is left out: one file is one workflow"
        self._report.add(self._document, "", message, hint=hint, level=Level.WARNING)

    def _grow(self, weight: int, position: Position) -> None:
        if not self._values.take(weight):
            raise UnreadableError(position, TOO_HEAVY)

    def _start(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        position = self._position(event)
        self._grow(1, position)
        self._check_depth(1, position)
        self._check_tag(event.tag, position)
        self._open.append(_Open(event, position))

    def _end(self, _: yaml.MappingEndEvent | yaml.SequenceEndEvent) -> None:
        done = self._open.pop()
        if isinstance(done.start, yaml.SequenceStartEvent):
            node: Node | Splice = self._merges.list_of(done.position, done.children)
        else:
            pairs = list(zip(done.children[::2], done.children[1::2], strict=True))
            node = self._merges.map_of(done.position, pairs)
        self._finish(done.start.anchor, node, done.weight, done.depth + 1)

    def _finish(self, anchor: str | None, node: Node | Splice, weight: int, depth: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = _Built(node, weight, depth)
        self._place(node, weight, depth)

    def _place(self, node: Node | Splice, weight: int, depth: int) -> None:
        if not self._open:
            self._root = self._merges.node(node)
            return
        parent = self._open[-1]
        parent.children.append(node)
        parent.weight += weight
        if depth > parent.depth:  # noqa: PLR1730 (which is quicker than `max`, and all values come by)
            parent.depth = depth

    def _take_scalar(self, event: yaml.ScalarEvent) -> None:
        position = self._position(event)
        weight = 1 + len(event.value) // 80
        self._grow(weight, position)
        self._finish(event.anchor, self._scalar(event, position), weight, 1)

    def _alias(self, event: yaml.AliasEvent) -> None:
        anchor, position = event.anchor or "", self._position(event)
        target = self._anchors.get(anchor)
        if any(parent.start.anchor == anchor for parent in self._open):
            raise UnreadableError(position, f"*{anchor} stands inside the very value that &{anchor} names")
        if target is None:
            self._report.add(position, "", f"*{anchor} names nothing", hint=f"define &{anchor} above it")
            target = _Built(Scalar(position, ""))
        self._grow(target.weight, position)
        self._check_depth(target.depth, position)
        self._place(target.node, target.weight, target.depth)

    def _check_depth(self, levels: int, position: Position) -> None:
        if len(self._open) + levels > MAX_DEPTH:
            raise UnreadableError(position, f"lists and maps are nested more than {MAX_DEPTH} deep")

    def _check_tag(self, tag: str | None, position: Position) -> None:
        if tag is not None and tag not in _KNOWN_TAGS:
            self._report.add(position, "", f"the YAML tag {quoted(tag)} is not known here", hint="leave it out")

    def _scalar(self, event: yaml.ScalarEvent, position: Position) -> Scalar:
        if event.tag is not None:
            self._check_tag(event.tag, position)
        if event.style == '"' and _FORBIDDEN_VALUE.search(event.value):  # others are what the file's text is
            self._report.add(position, "", f"the text {quoted(event.value)} holds a character that no program takes")
        plain = event.implicit[0] or (event.tag is not None and event.tag not in _TEXT_TAGS)
        return Scalar(position, event.value, plain=plain)


def _is_nothing(event: yaml.NodeEvent) -> bool:
    """True for what stands behind a `---` that nothing follows, comments aside."""
    return isinstance(event, yaml.ScalarEvent) and event.implicit[0] and not event.value and event.anchor is None
