"""Substitutes `${NAME}` in a whole file's nodes, keys and values, each in its place."""

from collections.abc import Iterable, Mapping
from enum import Enum, auto
from operator import is_

from pipelines.nodes import Entry, List, Map, Node, Scalar, quoted
from pipelines.places import joined
from pipelines.problems import Level
from pipelines.report import Report
from pipelines.substitution.substitute import may_change, substitute
from pipelines.substitution.templates import TemplateError
from pipelines.variables import AT_RUN_TIME

_AS_WRITTEN = frozenset({"matrix", "params", "variables"})  # top-level keys that are read before, or by nobody
_LISTS_OF_STEPS = frozenset({"steps", "services", "clone"})
_COMMANDS = frozenset({"commands", "command"})


class Context(Enum):
    """What a node is part of: only the commands of a step are a shell's."""

    FILE = auto()
    STEPS = auto()
    STEP = auto()
    TEXT = auto()
    COMMANDS = auto()

    def below(self, key: str) -> "Context":
        """The context of the value that a map has under a key."""
        if self is Context.STEP:
            return Context.COMMANDS if key in _COMMANDS else Context.TEXT
        if self is Context.FILE:
            return Context.STEPS if key in _LISTS_OF_STEPS else Context.TEXT
        return self.inside

    @property
    def inside(self) -> "Context":
        """The context of a list's items."""
        return Context.STEP if self is Context.STEPS else self


_Path = tuple["_Path", str | int] | tuple[()]
"""The keys that lead to a node, the last one first: put together only for what has a problem."""


def substituted(root: Node, variables: Mapping[str, str], report: Report) -> Node:
    """The tree with values for names; the very same one if nothing in it changes.

    A name set to `""` is known, and has no value. Reports what is malformed, and warns of names, outside of
    commands, that nobody gives a value.
    """
    return _Pass(variables, report).node(root, (), Context.FILE)


def check_names(root: Node, names: Iterable[str], report: Report) -> None:
    """Report what `substituted` would, for a run that knows these names."""
    substituted(root, {name: f"${{{name}}}" for name in names}, report)


class _Pass:
    """One way through a tree, with values for names."""

    def __init__(self, variables: Mapping[str, str], report: Report) -> None:
        self._variables = variables
        self._report = report

    def node(self, node: Node, path: _Path, context: Context) -> Node:
        """The node with values; the very same one if nothing in it changes."""
        if isinstance(node, Scalar):
            return self._scalar(node, path, context) if may_change(node.text) else node
        return self._map(node, path, context) if isinstance(node, Map) else self._list(node, path, context)

    def _list(self, node: List, path: _Path, context: Context) -> List:
        inside = context.inside
        items = tuple(
            [item if _stays(item) else self.node(item, (path, n), inside) for n, item in enumerate(node.items)]
        )
        return node if all(map(is_, items, node.items)) else List(node.position, items)

    def _map(self, node: Map, path: _Path, context: Context) -> Map:
        entries = tuple([self._entry(entry, path, context) for entry in node.entries])
        if all(map(is_, entries, node.entries)):
            return node
        self._check_keys(entries, path)
        return Map(node.position, entries)

    def _entry(self, entry: Entry, path: _Path, context: Context) -> Entry:
        name = entry.key.text
        if _stays(entry.value) and not may_change(name):
            return entry  # as most do, which is why they are told apart first
        if context is Context.FILE and name in _AS_WRITTEN:
            return entry
        key = self._scalar(entry.key, path, Context.TEXT) if may_change(name) else entry.key
        value = self.node(entry.value, (path, key.text), context.below(key.text))
        return entry if key is entry.key and value is entry.value else Entry(key, value)

    def _check_keys(self, entries: Iterable[Entry], path: _Path) -> None:
        seen: set[str] = set()
        for entry in entries:
            if entry.key.text in seen:
                message = f"the key {quoted(entry.key.text)} is there twice, once `${{}}` has its value"
                self._report.add(entry.key.position, _joined(path), message)
            seen.add(entry.key.text)

    def _scalar(self, scalar: Scalar, path: _Path, context: Context) -> Scalar:
        try:
            in_shell = context is Context.COMMANDS
            result = substitute(scalar.text, self._variables, in_shell=in_shell, allowance=self._report.allowance)
        except TemplateError as error:
            self._report.add(scalar.position, _joined(path), error.message, hint=error.hint)
            return scalar
        for name in result.unknown if context is not Context.COMMANDS else ():
            self._warn(name, scalar, path)
        if result.text == scalar.text:
            return scalar
        return Scalar(scalar.position, result.text, plain=scalar.plain)

    def _warn(self, name: str, scalar: Scalar, path: _Path) -> None:
        if name in AT_RUN_TIME:
            hint = f"only steps know it, when they run: use `${name}` in `commands`"
        else:
            hint = self._report.nearest(name, self._variables) or f"write `$${{{name}}}` if it is to stay as it is"
        message = f"`${{{name}}}` is empty: nothing of this name is known before a step runs"
        self._report.add(scalar.position, _joined(path), message, hint=hint, level=Level.WARNING)


def _stays(node: Node) -> bool:
    """True for a text without names."""
    return isinstance(node, Scalar) and "$" not in node.text and "\\" not in node.text


def _joined(path: _Path) -> str:
    """The path as people read it, such as `steps[0].image`."""
    if not path:
        return ""
    above, key = path
    return f"{_joined(above)}[{key}]" if isinstance(key, int) else joined(_joined(above), key)
