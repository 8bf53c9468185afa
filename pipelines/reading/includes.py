"""Includes: the files that a workflow starts from, merged into one tree. Each node knows which file it stands in."""

from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from pipelines.files import is_lenient
from pipelines.nodes import Entry, List, Map, Node, Scalar, quoted
from pipelines.places import Place
from pipelines.problems import Level
from pipelines.reading.document import read_document
from pipelines.report import Report

MAX_FILES = 50

_KEY = "include"
_STEPS = frozenset({"services", "steps"})
_MAPS = frozenset({"environment", "labels", "params"})

Prepare = Callable[[Place, bytes], Node]
"""What is done to each file's tree, of that text, before it is merged."""


class Includes:
    """Reads the files that a file includes, and those that they include."""

    def __init__(self, report: Report, includable: Mapping[str, bytes], prepare: Prepare) -> None:
        self._report = report
        self._includable = includable
        self._prepare = prepare
        self._files = 0
        # Woodpecker has no such key, so that its files say something else by it.
        self._level = Level.WARNING if is_lenient(report.file) else Level.ERROR

    def merged(self, root: Node, trail: tuple[str, ...]) -> Node:
        """The tree with all that it includes. `trail` are the files that lead to it, itself last."""
        node = root.get(_KEY) if isinstance(root, Map) else None
        if not isinstance(root, Map) or node is None or Place(node, _KEY, self._report).is_null:
            return root
        bases = (self._read(item, trail) for item in Place(node, _KEY, self._report).items())
        whole = Map(root.position, ())
        for base in bases:
            whole = _over(whole, base) if isinstance(base, Map) else whole
        return _over(whole, root)

    def _read(self, item: Place, trail: tuple[str, ...]) -> Node | None:
        """The tree of one included file, with what it includes itself; None if there is none, and reported why."""
        path = self._path(item)
        text = self._text(path, item, trail) if path is not None else None
        root = read_document(text, self._report, file=path or "") if text is not None else None
        if path is None or text is None or root is None:
            return None
        place = Place(root, "", self._report)
        if not isinstance(root, Map):
            place.expected("a map with the keys of a workflow")
            return None
        return self.merged(self._prepare(place, text), (*trail, path))

    def _text(self, path: str, item: Place, trail: tuple[str, ...]) -> bytes | None:
        self._files += 1
        if path in trail:
            circle = " → ".join((*trail[trail.index(path) :], path))
            item.problem(f"these files include each other: {circle}")
        elif self._files > MAX_FILES:
            item.problem(f"more than {MAX_FILES} files are included")
        elif (text := self._includable.get(path)) is not None:
            return text
        else:
            hint = self._report.nearest(path, self._includable)
            item.problem(f"there is no file {quoted(path)} to include", hint=hint, level=self._level)
        return None

    def _path(self, item: Place) -> str | None:
        """The path from the repository's root."""
        if isinstance(item.node, Map):
            message = f"{item.name}: files of other repositories can't be included yet"
            item.problem(message, hint="copy the file", level=self._level)
        elif isinstance(item.node, Scalar) and not item.node.is_null:
            return item.node.text.removeprefix("./")
        else:
            item.expected("a path, or a list of them")
        return None


def _over(base: Map, own: Map) -> Map:
    """The two as one: what both have is `own`'s, save the maps and steps, which are put together."""
    entries = {entry.key.text: entry for entry in base.entries}
    for entry in own.entries:
        name = entry.key.text
        if name == _KEY:
            continue
        before = entries.get(name)
        entries[name] = replace(entry, value=_together(name, before.value, entry.value)) if before else entry
    return Map(own.position, tuple(entries.values()))


def _together(name: str, base: Node, own: Node) -> Node:
    if name in _MAPS and isinstance(base, Map) and isinstance(own, Map):
        return Map(own.position, _entries(base.entries, own.entries))
    if name in _STEPS and isinstance(base, Map) and isinstance(own, Map):
        return Map(own.position, _entries(base.entries, own.entries))
    if name in _STEPS and isinstance(base, Map | List) and isinstance(own, Map | List):
        return List(own.position, _items(_listed(base), _listed(own)))
    return own


def _entries(base: Iterable[Entry], own: Iterable[Entry]) -> tuple[Entry, ...]:
    return tuple(({entry.key.text: entry for entry in base} | {entry.key.text: entry for entry in own}).values())


def _items(base: tuple[Node, ...], own: tuple[Node, ...]) -> tuple[Node, ...]:
    """One step after another; a step of `own` stands in the place of the one whose name it has."""
    by_name = {name: item for item in own if (name := step_name(item))}
    kept = [by_name.pop(step_name(item), item) for item in base]
    return (*kept, *(item for item in own if not step_name(item) or step_name(item) in by_name))


def step_name(step: Node) -> str:
    """The `name` of a step in a list, or `""`."""
    name = step.get("name") if isinstance(step, Map) else None
    return name.text if isinstance(name, Scalar) and not name.is_null else ""


def _listed(steps: Map | List) -> tuple[Node, ...]:
    """The steps as a list has them, each with its name."""
    if isinstance(steps, List):
        return steps.items
    return tuple(_named(entry) for entry in steps.entries)


def _named(entry: Entry) -> Node:
    if not isinstance(entry.value, Map) or step_name(entry.value):
        return entry.value
    name = Entry(Scalar(entry.key.position, "name"), Scalar(entry.key.position, entry.key.text, plain=False))
    return Map(entry.value.position, (name, *entry.value.entries))
