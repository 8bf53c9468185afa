"""Keys: what a map of the language may hold. Each key is declared once, and read, checked and explained from there."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from pipelines.files import is_lenient
from pipelines.nodes import Map, is_null, quoted
from pipelines.places import Place, PlacedEntry
from pipelines.problems import Level
from pipelines.report import Report
from pipelines.syntax.forms import Form

T = TypeVar("T")


class Origin(StrEnum):
    """Whose key it is: one that Woodpecker has with this meaning, or one that Headrace adds."""

    WOODPECKER = "W"
    HEADRACE = "H"


W, H = Origin.WOODPECKER, Origin.HEADRACE


class Effect(StrEnum):
    """Where a key does what it means. Elsewhere it is read, checked, planned, and told to do nothing."""

    EVERYWHERE = "everywhere"
    ON_SERVERS = "on servers"
    NOT_YET = "not yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key: its name is the model's field, `meaning` a few sentences for people, `example` a whole workflow.

    `default` is what holds without it, in words. `effect` is where it does what it means. `old` says what to write
    instead of a key that stays for the sake of old files. `errors` are mistakes worth knowing.
    """

    name: str
    form: Form[Any]
    meaning: str
    example: str = ""
    origin: Origin = W
    default: str = ""
    required: bool = False
    effect: Effect = Effect.EVERYWHERE
    old: str = ""
    errors: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The meaning without links."""
        return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", self.meaning)

    @property
    def summary(self) -> str:
        """The first sentence of it, without its full stop."""
        return self.text.partition(". ")[0].removesuffix(".")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """All the keys of one kind of map, which `owner` names ("a step").

    `elsewhere` are keys of other systems, with what to write instead; `stranger` is the hint for a key that is near
    none.
    """

    owner: str
    known: tuple[Key, ...]
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    stranger: str = ""
    by_name: Mapping[str, Key] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {key.name: key for key in self.known})

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the known keys, but for those of old files."""
        return tuple(key.name for key in self.known if not key.old)

    def get(self, name: str) -> Key | None:
        """The known key of that name."""
        return self.by_name.get(name)


def read_keys(place: Place, keys: Keys) -> dict[str, Any] | None:
    """The values of a map, by key; keys that are absent or null are left out. None if it is no map or lacks a key."""
    if not isinstance(place.node, Map):
        place.expected(f"a map with the keys of {keys.owner}")
        return None
    values: dict[str, Any] = {}
    for entry in place.node.entries:
        key = keys.by_name.get(entry.key.text)
        if key is None:
            _refuse(place.entry(entry), keys)
        elif not is_null(entry.value):
            if key.old:
                _warn_of_old(place.entry(entry).key, key)
            values[key.name] = read_key(key, place.below(key.name, entry.value))
    return _complete(place, keys, values)


def read_key(key: Key, place: Place) -> Any:
    """The value of a key. Woodpecker ignores what only Headrace knows, so that in its files this is no mistake."""
    if key.origin is W or not is_lenient(place.report.file):
        return key.form.read(place)
    above = place.report
    trial = Report(above.file, is_raw=above.is_raw, allowance=above.allowance, gaps=above.gaps)
    value = key.form.read(Place(place.node, place.path, trial))
    if not trial.has_errors:
        trial.pass_on(place.report)
        return value
    first = next(each for each in trial.problems if each.level is Level.ERROR)
    hint = f"Woodpecker has no `{key.name}`; as Headrace's it is left out" + (f": {first.hint}" if first.hint else "")
    place.problem(first.message, hint=hint, level=Level.WARNING)
    return None


def record(keys: Keys, make: Callable[..., T]) -> Form[T]:
    """A map with these keys, read into `make(position=…, path=…, **values)`."""

    def read(place: Place) -> T | None:
        values = read_keys(place, keys)
        return None if values is None else make(position=place.position, path=place.path, **values)

    return Form(f"a map with the keys of {keys.owner}", read, {"map": keys})


def plain_record(keys: Keys, make: Callable[..., T]) -> Form[T]:
    """A map with these keys, read into `make(**values)`, for values that need no place of their own."""

    def read(place: Place) -> T | None:
        values = read_keys(place, keys)
        return None if values is None else make(**values)

    return Form(f"a map with the keys of {keys.owner}", read, {"map": keys})


def _complete(place: Place, keys: Keys, values: dict[str, Any]) -> dict[str, Any] | None:
    missing = [key for key in keys.known if key.required and values.get(key.name) is None]
    for key in missing:
        if key.name not in values and not place.report.gaps.is_partial:
            place.problem(f"{place.name} has no `{key.name}`, which {keys.owner} needs", hint=key.summary)
    return None if missing else {name: value for name, value in values.items() if value is not None}


def _warn_of_old(place: Place, key: Key) -> None:
    place.problem(f"{place.name} is an old form", hint=key.old, level=Level.WARNING)


def _refuse(entry: PlacedEntry, keys: Keys) -> None:
    """Report a key that is not known. Woodpecker itself only warns of one, so its files may have it."""
    level = Level.WARNING if is_lenient(entry.key.report.file) else Level.ERROR
    if entry.key.report.is_full:
        return entry.key.problem("unknown", level=level)
    hint = keys.elsewhere.get(entry.name) or entry.key.report.nearest(entry.name, keys.names) or keys.stranger
    return entry.key.problem(f"{quoted(entry.name)} is not a key of {keys.owner}", hint=hint, level=level)
