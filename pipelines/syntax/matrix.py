"""The keys of `matrix`: the axes, or the cells themselves."""

from pipelines.model import Matrix
from pipelines.nodes import List, Map, Scalar
from pipelines.places import Place
from pipelines.syntax.forms import Form, map_of, one_or_many

_CELL_KEYS = ("include", "exclude")


def _value(place: Place) -> str | None:
    """The author's text, whatever it is; nothing at all is an empty one."""
    if isinstance(place.node, Scalar):
        return "" if place.node.is_null else place.node.text
    place.expected("text")
    return None


_VALUE = Form("text", _value, {"type": ["string", "number", "boolean", "null"]})
_CELLS: Form[tuple[dict[str, str], ...]] = one_or_many(map_of(_VALUE))


def _axis(place: Place) -> tuple[str, ...]:
    if isinstance(place.node, List):
        return one_or_many(_VALUE).read(place) or ()
    place.expected("a list of values")
    return ()


def _matrix(place: Place) -> Matrix | None:
    if not isinstance(place.node, Map):
        place.expected(MATRIX.expects)
        return None
    entries = {entry.name: entry.value for entry in place.entries() if not entry.value.is_null}
    cells = {name: _CELLS.read(entries[name]) or () for name in _CELL_KEYS if name in entries}
    axes = {name: _axis(value) for name, value in entries.items() if name not in _CELL_KEYS}
    return Matrix(position=place.position, path=place.path, axes=axes, **cells)


MATRIX: Form[Matrix] = Form(
    "a map from axes to lists, with include or exclude",
    _matrix,
    {
        "type": "object",
        "properties": dict.fromkeys(_CELL_KEYS, _CELLS.schema),
        "additionalProperties": {"type": ["array", "null"]},
    },
)
