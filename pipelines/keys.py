"""Keys: what a map of the language may hold. Each key is declared once, and read, checked and explained from there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pipelines.files import is_lenient
from pipelines.forms import Form
from pipelines.nodes import Map, Scalar, quoted
from pipelines.places import Place, PlacedEntry
from pipelines.problems import Level
from pipelines.suggestions import nearest

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key: its name is the model's field, `meaning` one sentence for people."""

    name: str
    form: Form[Any]
    meaning: str
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """All the keys of one kind of map, which `owner` names ("a step").

    `later` are keys of the language that Headrace doesn't act on yet: an error, so that nothing is ignored in silence.
    `elsewhere` are keys of other systems, with what to write instead.
    """

    owner: str
    known: tuple[Key, ...]
    later: frozenset[str] = frozenset()
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the known keys."""
        return tuple(key.name for key in self.known)

    def get(self, name: str) -> Key | None:
        """The known key of that name."""
        return next((key for key in self.known if key.name == name), None)


def read_keys(place: Place, keys: Keys) -> dict[str, Any] | None:
    """The values of a map, by key; keys that are absent or null are left out. None if it is no map or lacks a key."""
    if not isinstance(place.node, Map):
        place.expected(f"a map with the keys of {keys.owner}")
        return None
    values: dict[str, Any] = {}
    for entry in place.entries():
        key = keys.get(entry.name)
        if key is None:
            _refuse(entry, keys)
        elif not _is_null(entry.value):
            values[key.name] = key.form.read(entry.value)
    return _complete(place, keys, values)


def record(keys: Keys, make: Callable[..., T]) -> Form[T]:
    """A map with these keys, read into `make(position=…, path=…, **values)`."""

    def read(place: Place) -> T | None:
        values = read_keys(place, keys)
        return None if values is None else make(position=place.position, path=place.path, **values)

    return Form(f"a map with the keys of {keys.owner}", read)


def plain_record(keys: Keys, make: Callable[..., T]) -> Form[T]:
    """A map with these keys, read into `make(**values)`, for values that need no place of their own."""

    def read(place: Place) -> T | None:
        values = read_keys(place, keys)
        return None if values is None else make(**values)

    return Form(f"a map with the keys of {keys.owner}", read)


def _complete(place: Place, keys: Keys, values: dict[str, Any]) -> dict[str, Any] | None:
    for key in keys.known:
        if key.required and key.name not in values:
            place.problem(f"{place.name} has no `{key.name}`, which {keys.owner} needs", hint=key.meaning)
    read = {name: value for name, value in values.items() if value is not None}
    return read if all(key.name in read for key in keys.known if key.required) else None


def _is_null(place: Place) -> bool:
    return isinstance(place.node, Scalar) and place.node.is_null


def _refuse(entry: PlacedEntry, keys: Keys) -> None:
    if entry.key.report.is_full:
        return entry.key.problem("unknown")
    name = quoted(entry.name)
    if entry.name in keys.later:
        return entry.key.problem(f"the key {name} of {keys.owner} is not supported yet")
    if entry.name in keys.elsewhere:
        return entry.key.problem(f"{name} is not a key of {keys.owner}", hint=keys.elsewhere[entry.name])
    level = Level.WARNING if is_lenient(entry.key.report.file) else Level.ERROR
    hint = nearest(entry.name, (*keys.names, *keys.later))
    return entry.key.problem(f"{name} is not a key of {keys.owner}", hint=hint, level=level)
