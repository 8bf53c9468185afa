"""Extends: a step that starts from another one of its file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from pipelines.files import is_lenient
from pipelines.nodes import Entry, List, Map, Node, Scalar, quoted
from pipelines.places import Place, joined
from pipelines.problems import Level
from pipelines.reading.builder import TOO_HEAVY
from pipelines.reading.includes import step_name
from pipelines.report import Report

MAX_DEPTH = 20

_KEY = "extends"
_SECTIONS = frozenset({"services", "steps"})
_MERGED = frozenset({"environment", "settings"})


def with_bases(root: Node, report: Report) -> Node:
    """The tree, in which steps have what they extend; those whose name begins with a dot are gone then."""
    if not isinstance(root, Map):
        return root
    entries = (
        replace(entry, value=_Section(Place(entry.value, entry.key.text, report)).extended())
        if entry.key.text in _SECTIONS
        else entry
        for entry in root.entries
    )
    return Map(root.position, tuple(entries))


@dataclass(frozen=True, slots=True)
class _Step:
    """A step with what it extends in it, and how many it stands on."""

    node: Node
    depth: int = 0


class _Section:
    """The steps of one file, or its services."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._report = place.report
        self._places = self._placed()
        self._done: dict[str, _Step] = {}

    def extended(self) -> Node:
        section = self._place.node
        if isinstance(section, Map):
            kept = (Entry(e.key, self._of(e.key.text, e.value)) for e in section.entries if self._runs(e.key.text))
            return Map(section.position, tuple(kept))
        if isinstance(section, List):
            items = (self._of(step_name(item), item) for item in section.items if self._runs(step_name(item)))
            return List(section.position, tuple(items))
        return section

    def _placed(self) -> Mapping[str, Place]:
        if isinstance(self._place.node, Map):
            return {entry.name: entry.value for entry in self._place.entries()}
        items = self._place.items() if isinstance(self._place.node, List) else ()
        return {step_name(item.node): item for item in items if step_name(item.node)}

    def _runs(self, name: str) -> bool:
        """False for what is there to be extended. Woodpecker knows no such steps, so its files have none."""
        return is_lenient(self._report.file) or not name.startswith(".")

    def _of(self, name: str, node: Node) -> Node:
        if _base_of(node) is None:
            return node
        place = self._places.get(name)
        if place is None or place.node is not node:  # a step without a name, or the second of that name
            return self._over(Place(node, joined(self._place.path, name), self._report), self._resolved_base(node)).node
        return self._resolved(name).node

    def _resolved_base(self, node: Node) -> _Step | None:
        base = _base_of(node)
        if base is None or base.text not in self._places:
            return None
        return self._resolved(base.text)

    def _resolved(self, name: str) -> _Step:
        """The step of that name with its bases, each made once: the way down to what is done, and up again."""
        way = {name: None}
        while name not in self._done and (base := _base_of(self._places[name].node)) is not None:
            if base.text not in self._places:
                break
            if base.text in way:
                return self._circle(list(way), base)
            name = base.text
            way[name] = None
        for each in reversed(way):
            if each not in self._done:
                place = self._places[each]
                base = _base_of(place.node)
                self._done[each] = self._over(place, self._done.get(base.text) if base else None)
        return self._done[next(iter(way))]

    def _circle(self, way: list[str], base: Scalar) -> _Step:
        circle = " → ".join((*way[way.index(base.text) :], base.text))
        Place(base, "", self._report).problem(f"these steps extend each other: {circle}")
        for name in way:
            self._report.gaps.add_step(self._places[name].position)
            self._done[name] = _Step(_without_key(self._places[name].node))
        return self._done[way[0]]

    def _over(self, place: Place, base: _Step | None) -> _Step:
        own = _without_key(place.node)
        name = _base_of(place.node)
        if name is None:
            return _Step(own)
        at = Place(name, joined(place.path, _KEY), self._report)
        if base is None and self._report.gaps.is_partial:
            return _Step(own)
        if base is None:
            hint = self._report.nearest(name.text, self._places)
            level = Level.WARNING if is_lenient(self._report.file) else Level.ERROR  # Woodpecker has no such key
            at.problem(f"there is no step {quoted(name.text)} to extend", hint=hint, level=level)
            if level is Level.ERROR:
                self._report.gaps.add_step(own.position)
            return _Step(own)
        if self._report.gaps.is_in_step(base.node.position):
            self._report.gaps.add_step(own.position)
        if base.depth >= MAX_DEPTH:
            at.problem(f"steps extend each other more than {MAX_DEPTH} deep")
            self._report.gaps.add_step(own.position)
            return _Step(own)
        values = self._report.allowance.values
        if not values.take(0) or not values.take(_weight(base.node)):  # past it, nothing more is weighed
            at.problem(TOO_HEAVY)
            self._report.gaps.add_step(own.position)
            return _Step(own)
        return _Step(_merged(base.node, own), base.depth + 1)


def _base_of(node: Node) -> Scalar | None:
    base = node.get(_KEY) if isinstance(node, Map) else None
    return base if isinstance(base, Scalar) and not base.is_null else None


def _without_key(node: Node) -> Node:
    if not isinstance(node, Map):
        return node
    return Map(node.position, tuple(entry for entry in node.entries if entry.key.text != _KEY))


def _merged(base: Node, own: Node) -> Node:
    if not isinstance(base, Map) or not isinstance(own, Map):
        return own
    entries = {entry.key.text: entry for entry in base.entries if entry.key.text != "name"}
    for entry in own.entries:
        before = entries.get(entry.key.text)
        entries[entry.key.text] = _entry(before, entry) if before else entry
    return Map(own.position, tuple(entries.values()))


def _entry(before: Entry, own: Entry) -> Entry:
    if own.key.text not in _MERGED or not isinstance(before.value, Map) or not isinstance(own.value, Map):
        return own
    return replace(own, value=Map(own.value.position, _together(before.value.entries, own.value.entries)))


def _together(base: Iterable[Entry], own: Iterable[Entry]) -> tuple[Entry, ...]:
    return tuple(({entry.key.text: entry for entry in base} | {entry.key.text: entry for entry in own}).values())


def _weight(node: Node) -> int:
    match node:
        case Map():
            return 1 + sum(1 + _weight(entry.value) for entry in node.entries)
        case List():
            return 1 + sum(_weight(item) for item in node.items)
        case _:
            return 1 + len(node.text) // 80
