"""Shapes of the language's own values: globs, commands, names, images, dependencies."""

import re
import shlex

from pipelines.allowance import MAX_GLOBS_SIZE
from pipelines.files import is_lenient
from pipelines.globs import glob
from pipelines.images import is_reference
from pipelines.model import Dependency, Patterns
from pipelines.nodes import Map, described, quoted
from pipelines.paths import below
from pipelines.places import Place
from pipelines.problems import Level
from pipelines.status import Status
from pipelines.syntax.forms import FLAG, TEXT, Form, checked, choice, map_or, mapped, one_or_many
from pipelines.syntax.keys import Key, Keys, plain_record, record

_LEAST_SIZE = 20  # what a glob costs, however short
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _glob(place: Place) -> str | None:
    pattern = TEXT.read(place)
    if pattern is None or place.is_open:
        return pattern
    budget = place.report.allowance.globs
    if not budget.take(0):
        return pattern  # which has been told
    ready = glob(pattern)
    if not budget.take_once(pattern, max(_LEAST_SIZE, ready.size)):
        place.problem(f"the globs of this file have more than {MAX_GLOBS_SIZE:,} characters, alternatives written out")
    elif ready.complaint:
        level = Level.WARNING if is_lenient(place.report.file) else Level.ERROR
        place.problem(f"the glob {described(place.node)} {ready.complaint}, so it matches nothing", level=level)
    return pattern


def _command(place: Place) -> str | None:
    if isinstance(place.node, Map):
        hint = "YAML reads `: ` as a map; put the whole command between quotes"
        place.problem(f"{place.name} must be text, not a map", hint=hint)
        return None
    return TEXT.read(place)


def _image(place: Place) -> str | None:
    """A name that an engine takes. Woodpecker looks at it only when it runs the step."""
    image = TEXT.read(place)
    if image is None or place.is_open:
        return image
    if not image.strip():
        place.problem(f"{place.name} is empty; name an image")
    elif not is_reference(image):
        level = Level.WARNING if is_lenient(place.report.file) else Level.ERROR
        hint = "write it as in golang:1.26 or ghcr.io/owner/name:tag, in small letters"
        place.problem(f"{place.name} must be the name of an image, not {quoted(image)}", hint=hint, level=level)
    return image


def _arguments(place: Place) -> tuple[str, ...] | None:
    """Words as a shell would split them, or a list of them."""
    words = one_or_many(TEXT).read(place)
    if words is None or len(words) != 1:
        return words
    try:
        return tuple(shlex.split(words[0]))
    except ValueError:
        place.problem(f"{place.name} has a quote without its end")
        return None


GLOB = Form("a glob", _glob, TEXT.schema)
INSIDE_GLOB = checked(GLOB, below)
COMMANDS = one_or_many(Form("a command as text", _command, TEXT.schema))
ARGUMENTS: Form[tuple[str, ...]] = Form("words or a list of them", _arguments, one_or_many(TEXT).schema)
STATES = one_or_many(mapped(choice("success", "failure"), Status))
FILLED = checked(TEXT, lambda text: "" if text.strip() else "is empty")
IMAGE = Form("the name of an image", _image, TEXT.schema)
VARIABLE_NAME = checked(
    TEXT, lambda text: "" if _VARIABLE.fullmatch(text) else "must be letters, digits and _, as variables are called"
)

_STATES_BY_WORD = {
    "success": (Status.SUCCESS,),
    "failure": (Status.FAILURE,),
    "always": (Status.SUCCESS, Status.FAILURE),
}
AFTER: Form[tuple[Status, ...]] = mapped(choice(*_STATES_BY_WORD), _STATES_BY_WORD.__getitem__)

PATTERN_KEYS = (
    Key(name="include", form=one_or_many(GLOB), meaning="In if any of these globs matches."),
    Key(name="exclude", form=one_or_many(GLOB), meaning="Out if any of these globs matches, whatever else does."),
)
PATTERNS: Form[Patterns] = map_or(
    mapped(one_or_many(GLOB), lambda include: Patterns(include=include)),
    plain_record(Keys(owner="a filter", known=PATTERN_KEYS), Patterns),
)

_DEPENDENCY_KEYS = Keys(
    owner="a dependency",
    known=(
        Key(name="name", form=TEXT, meaning="What must end first.", required=True),
        Key(name="optional", form=FLAG, meaning="True if it may be left out of the run.", default="false"),
    ),
)


def _dependency_name(place: Place) -> Dependency | None:
    name = TEXT.read(place)
    return None if name is None else Dependency(position=place.position, path=place.path, name=name)


DEPENDENCIES = one_or_many(map_or(Form("a name", _dependency_name, TEXT.schema), record(_DEPENDENCY_KEYS, Dependency)))
