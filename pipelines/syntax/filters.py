"""What the keys of `when` take: kinds of event, states, expressions, filters of the matrix and of paths."""

from pipelines.allowance import MAX_EXPRESSIONS_SIZE
from pipelines.event import EventKind
from pipelines.expressions.errors import ExpressionError
from pipelines.expressions.expression import read
from pipelines.files import is_lenient
from pipelines.model import Evaluation, MatrixFilter, PathFilter
from pipelines.nodes import Map, entries_of, quoted
from pipelines.places import Place
from pipelines.problems import Level
from pipelines.status import Status
from pipelines.syntax.forms import FLAG, TEXT, Form, map_of, map_or, mapped, one_or_many
from pipelines.syntax.keys import Key, Keys, plain_record, read_keys
from pipelines.syntax.shapes import GLOB, STATES

_LEAST_SIZE = 16  # what an expression costs, however short
_MISTAKE_SIZE = 500  # what it costs to find one, and to think of a hint
_KINDS = tuple(kind.value for kind in EventKind)


def _kind(place: Place) -> str | None:
    """The name of a kind of event. One that doesn't exist never happens, which Woodpecker doesn't mind."""
    text = TEXT.read(place)
    if text is not None and text not in _KINDS and not place.is_open:
        level = Level.WARNING if is_lenient(place.report.file) else Level.ERROR
        message = f"{place.name} must be a kind of event, not {quoted(text)}"
        place.problem(message, hint=place.report.nearest(text, _KINDS) or f"there are {', '.join(_KINDS)}", level=level)
    return text


_KIND_LIST = one_or_many(Form("a kind of event", _kind, {"enum": list(_KINDS)}))
_OLD_EVENT_KEYS = Keys(
    owner="a filter of events",
    known=(
        Key(name="include", form=_KIND_LIST, meaning="In if the event is one of these."),
        Key(name="exclude", form=_KIND_LIST, meaning="Out if the event is one of these."),
    ),
)


def _events(place: Place) -> tuple[str, ...] | None:
    """Kinds of event; the old form has a map of those that are in and those that are out."""
    if not isinstance(place.node, Map):
        return _KIND_LIST.read(place) or None  # an empty list asks for nothing
    lists = read_keys(place, _OLD_EVENT_KEYS) or {}
    left = [kind for kind in lists.get("include") or _KINDS if kind not in lists.get("exclude", ())]
    hint = f"write `event: [{', '.join(left)}]`"
    place.problem(f"{place.name} as a map is an old form", hint=hint, level=Level.WARNING)
    return tuple(left)


def _evaluation(place: Place) -> Evaluation | None:
    text = TEXT.read(place)
    if not text:
        return None
    if place.is_open:
        return Evaluation(position=place.position, path=place.path, text=text)
    budget = place.report.allowance.expressions
    if not budget.take_once(text, len(text) + _LEAST_SIZE):
        place.problem(f"the expressions of this file have more than {MAX_EXPRESSIONS_SIZE:,} characters")
        return None
    try:
        expression = read(text)
    except ExpressionError as wrong:
        place.problem(f"the expression {wrong.message}", hint=wrong.hint)
        budget.take_once((text, wrong.message), _MISTAKE_SIZE)
        return None
    budget.take_once(expression, expression.size)
    return Evaluation(position=place.position, path=place.path, text=text, expression=expression)


_OLD_STATUS_KEYS = Keys(
    owner="a filter of states",
    known=(
        Key(name="include", form=STATES, meaning="After one of these."),
        Key(name="exclude", form=STATES, meaning="Without effect, as in Woodpecker."),
    ),
)


def _states(place: Place) -> tuple[Status, ...] | None:
    """States to run after. Woodpecker has a map, too, of which only `include` counts."""
    if not isinstance(place.node, Map):
        return STATES.read(place)
    lists = read_keys(place, _OLD_STATUS_KEYS) or {}
    message = f"{place.name} as a map is an old form, of which only `include` counts"
    place.problem(message, hint="write a list of success and failure", level=Level.WARNING)
    included: tuple[Status, ...] = lists.get("include", ())
    return included


_MATRIX_KEYS = Keys(
    owner="a filter of the matrix",
    known=(
        Key(name="include", form=map_of(GLOB), meaning="In if the values of all these axes match."),
        Key(name="exclude", form=map_of(GLOB), meaning="Out if the values of all these axes match."),
    ),
)
_AXES = mapped(map_of(GLOB), lambda include: MatrixFilter(include=include))


def _matrix(place: Place) -> MatrixFilter | None:
    """`{include, exclude}` if that is what it has; else each key is an axis."""
    is_long = any(
        entry.key.text in _MATRIX_KEYS.by_name and isinstance(entry.value, Map) for entry in entries_of(place.node)
    )
    return (plain_record(_MATRIX_KEYS, MatrixFilter) if is_long else _AXES).read(place)


_PATH_KEYS = Keys(
    owner="a filter of paths",
    known=(
        Key(name="include", form=one_or_many(GLOB), meaning="In if any changed file matches any of these globs."),
        Key(name="exclude", form=one_or_many(GLOB), meaning="Out if every changed file matches one of these."),
        Key(
            name="ignore_message",
            form=TEXT,
            meaning="In, whatever has changed, if the commit's message holds this text, in small or capital letters.",
        ),
        Key(name="on_empty", form=FLAG, meaning="What holds if no file has changed.", default="true"),
    ),
)

EVENTS = Form(_KIND_LIST.expects, _events, _KIND_LIST.schema)
STATUS = Form(STATES.expects, _states, STATES.schema)
EVALUATION: Form[Evaluation] = Form("an expression", _evaluation, TEXT.schema)
MATRIX_FILTER = Form("a map of axes or {include, exclude}", _matrix, {"type": "object"})
PATHS = map_or(
    mapped(one_or_many(GLOB), lambda include: PathFilter(include=include)), plain_record(_PATH_KEYS, PathFilter)
)
