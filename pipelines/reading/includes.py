"""Includes: the files that a workflow starts from, merged into one tree. Each node knows which file it stands in."""

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from pipelines.event import Included
from pipelines.files import is_lenient
from pipelines.nodes import Entry, List, Map, Node, Position, Scalar, quoted
from pipelines.places import Place
from pipelines.problems import Level
from pipelines.reading.document import read_document
from pipelines.reading.library import Library, Unreadable
from pipelines.report import Report

MAX_FILES = 50
FOREIGN_KEYS = ("repo", "ref", "path")

_KEY = "include"
_STEPS = frozenset({"services", "steps"})
_MAPS = frozenset({"environment", "labels", "params"})

Prepare = Callable[[Place, bytes], Node]
"""What is done to each file's tree, of that text, before it is merged."""


class Includes:
    """Reads the files that a file includes, and those that they include, of whatever repository."""

    def __init__(self, report: Report, prepare: Prepare) -> None:
        self._report = report
        self._prepare = prepare
        self._files = 0
        self._included: dict[Included, None] = {}
        # Woodpecker has no such key, so that its files say something else by it.
        self._level = Level.WARNING if is_lenient(report.file) else Level.ERROR

    @property
    def included(self) -> tuple[Included, ...]:
        """The other repositories that files were read of, each once."""
        return tuple(self._included)

    def merged(self, root: Node, library: Library, trail: tuple[str, ...]) -> Node:
        """The tree of a library's file with all that it includes. `trail` are the files that lead to it, itself last.

        A path is one of the same library, so that what another repository includes is its own, at the same commit.
        """
        node = root.get(_KEY) if isinstance(root, Map) else None
        if not isinstance(root, Map) or node is None or Place(node, _KEY, self._report).is_null:
            return root
        bases = (self._read(item, library, trail) for item in Place(node, _KEY, self._report).items())
        whole = Map(root.position, ())
        for base in bases:
            whole = _over(whole, base) if isinstance(base, Map) else whole
        return _over(whole, root)

    def _read(self, item: Place, library: Library, trail: tuple[str, ...]) -> Node | None:
        """The tree of one included file, with what it includes itself; None if there is none, and reported why."""
        self._files += 1
        if self._files > MAX_FILES:
            item.problem(f"more than {MAX_FILES} files are included")
            self._report.gaps.is_partial = True
            return None
        try:
            found = self._found(item, library)
            text = self._text(*found, item, trail) if found else None
        except Unreadable as error:
            item.problem(str(error), level=self._level)
            found = text = None
        if found and found[0].name:
            self._note_brought(found[0].called(found[1]), item)
        tree = self._tree(text, *found, trail) if found and text is not None else None
        if tree is None and self._level is Level.ERROR:
            self._report.gaps.is_partial = True
        return tree

    def _note_brought(self, name: str, item: Place) -> None:
        """Note where our own files include another repository's, be it by way of more of its files."""
        line, column, file = item.position
        brought = self._report.brought
        brought.setdefault(name, brought.get(file) or Position(line, column, file or self._report.file))

    def _tree(self, text: bytes, library: Library, path: str, trail: tuple[str, ...]) -> Node | None:
        name = library.called(path)
        root = read_document(text, self._report, file=name)
        if root is None:
            return None
        place = Place(root, "", self._report)
        if not isinstance(root, Map):
            place.expected("a map with the keys of a workflow")
            return None
        return self.merged(self._prepare(place, text), library, (*trail, name))

    def _text(self, library: Library, path: str, item: Place, trail: tuple[str, ...]) -> bytes | None:
        name = library.called(path)
        if name in trail:
            circle = " → ".join((*trail[trail.index(name) :], name))
            item.problem(f"these files include each other: {circle}")
        elif (text := library.files.get(path)) is not None:
            return text
        else:
            where = f" in {library.name}" if library.name else ""
            hint = self._report.nearest(path, library.files)
            item.problem(f"there is no file {quoted(path)}{where} to include", hint=hint, level=self._level)
        return None

    def _found(self, item: Place, library: Library) -> tuple[Library, str] | None:
        """The library of the file that is meant, and its path from that repository's root. Raises Unreadable."""
        if isinstance(item.node, Map):
            return self._foreign(item, library)
        if isinstance(item.node, Scalar) and not item.node.is_null:
            return library, item.node.text.removeprefix("./")
        item.expected("a path, {repo, ref, path}, or a list of them")
        return None

    def _foreign(self, item: Place, library: Library) -> tuple[Library, str] | None:
        values = {entry.name: self._value(entry.value) for entry in item.entries() if self._is_known(entry.key)}
        missing = [name for name in ("repo", "path") if name not in values]
        if missing:
            names = " and ".join(f"`{name}`" for name in missing)
            hint = "write {repo: owner/name, ref: v1, path: file.yaml}"
            item.problem(f"{item.name} needs {names}", hint=hint, level=self._level)
        if missing or None in values.values():
            return None
        other = library.reach(values["repo"] or "", values.get("ref") or "")
        if other.included:
            self._included[other.included] = None
        return other, (values["path"] or "").removeprefix("./")

    def _is_known(self, key: Place) -> bool:
        known = key.key in FOREIGN_KEYS
        if not known:
            name = str(key.key)
            hint = self._report.nearest(name, FOREIGN_KEYS)
            key.problem(f"{quoted(name)} is not a key of an include", hint=hint, level=self._level)
        return known

    def _value(self, value: Place) -> str | None:
        """The text; None, and reported, if it can't be one."""
        if not isinstance(value.node, Scalar) or value.node.is_null:
            value.expected("text")
            return None
        if "${" in value.node.text:
            value.problem(f"{value.name} is read before there is an event: it can't hold `${{…}}`")
            return None
        return value.node.text


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
