"""Shapes of the language's own values: globs, commands, dependencies, artifacts, and steps as a list or a map."""

from dataclasses import replace

from pipelines import globs
from pipelines.files import is_lenient
from pipelines.forms import FLAG, TEXT, Form, checked, choice, mapped, one_or_many
from pipelines.keys import Key, Keys, plain_record, record
from pipelines.model import Dependency, Patterns, Step
from pipelines.nodes import List, Map, described
from pipelines.paths import below
from pipelines.places import Place
from pipelines.plan import ArtifactRule
from pipelines.problems import Level
from pipelines.report import MAX_GLOBS_SIZE
from pipelines.status import Status


def _glob(place: Place) -> str | None:
    pattern = TEXT.read(place)
    if pattern is None:
        return None
    if not place.report.count_glob(globs.size(pattern)):
        place.problem(f"the globs of this file have more than {MAX_GLOBS_SIZE:,} characters, alternatives written out")
    elif wrong := globs.complaint(pattern):
        level = Level.WARNING if is_lenient(place.report.file) else Level.ERROR
        place.problem(f"the glob {described(place.node)} {wrong}, so it matches nothing", level=level)
    return pattern


def _command(place: Place) -> str | None:
    if isinstance(place.node, Map):
        hint = "YAML reads `: ` as a map; put the whole command between quotes"
        place.problem(f"{place.name} must be text, not a map", hint=hint)
        return None
    return TEXT.read(place)


GLOB = Form("a glob", _glob)
COMMANDS = one_or_many(Form("a command as text", _command))
STATES = one_or_many(mapped(choice("success", "failure"), Status))
IMAGE = checked(TEXT, lambda text: "" if text.strip() else "is empty; name an image")

_PATTERN_KEYS = Keys(
    owner="a filter",
    known=(
        Key(name="include", form=one_or_many(GLOB), meaning="In if any of these globs matches."),
        Key(name="exclude", form=one_or_many(GLOB), meaning="Out if any of these globs matches, whatever else does."),
    ),
)


def _patterns(place: Place) -> Patterns | None:
    if isinstance(place.node, Map):
        return plain_record(_PATTERN_KEYS, Patterns).read(place)
    return Patterns(include=one_or_many(GLOB).read(place) or ())


PATTERNS = Form("a glob, a list of globs or {include, exclude}", _patterns)

_DEPENDENCY_KEYS = Keys(
    owner="a dependency",
    known=(
        Key(name="name", form=TEXT, meaning="What must end first.", required=True),
        Key(name="optional", form=FLAG, meaning="True if it may be left out of the run."),
    ),
)


def _dependency(place: Place) -> Dependency | None:
    if isinstance(place.node, Map):
        return record(_DEPENDENCY_KEYS, Dependency).read(place)
    name = TEXT.read(place)
    return None if name is None else Dependency(position=place.position, path=place.path, name=name)


DEPENDENCIES = one_or_many(Form("a name or {name, optional}", _dependency))

_INSIDE_GLOB = checked(GLOB, below)
_STATES_BY_WORD = {
    "success": (Status.SUCCESS,),
    "failure": (Status.FAILURE,),
    "always": (Status.SUCCESS, Status.FAILURE),
}


def _artifact_rule(*, paths: tuple[str, ...], name: str = "", when: str = "success") -> ArtifactRule:
    return ArtifactRule(paths=paths, name=name, on=_STATES_BY_WORD[when])


_ARTIFACT_KEYS = Keys(
    owner="an artifact",
    known=(
        Key(name="paths", form=one_or_many(_INSIDE_GLOB), meaning="Globs below the workspace.", required=True),
        Key(name="name", form=TEXT, meaning="What to call these files together."),
        Key(name="when", form=choice(*_STATES_BY_WORD), meaning="After which end of the step to keep them."),
    ),
    later=frozenset({"expire"}),
)


def _artifacts(place: Place) -> tuple[ArtifactRule, ...]:
    """Globs side by side make one rule, each map one of its own."""
    globs_alone = [item for item in place.items() if not isinstance(item.node, Map)]
    paths = tuple(path for item in globs_alone if (path := _INSIDE_GLOB.read(item)) is not None)
    maps = [item for item in place.items() if isinstance(item.node, Map)]
    rules = [plain_record(_ARTIFACT_KEYS, _artifact_rule).read(item) for item in maps]
    return (*((ArtifactRule(paths=paths),) if paths else ()), *(rule for rule in rules if rule is not None))


ARTIFACTS = Form("a glob, a list of globs or {paths, name, when}", _artifacts)


def named_steps(step: Form[Step], *, default_name: str) -> Form[tuple[Step, ...]]:
    """Steps as a list, or as a map from names.

    In a list, `default_name` names those without a name, with `{index}` for their place; if it is `""` each
    must have its own.
    """

    def read(place: Place) -> tuple[Step, ...]:
        if isinstance(place.node, Map):
            named = [(entry.name, step.read(entry.value)) for entry in place.entries()]
        elif isinstance(place.node, List):
            named = [(default_name.format(index=i), step.read(item)) for i, item in enumerate(place.items())]
        else:
            place.expected(expects)
            named = []
        steps = [replace(each, name=each.name or name) for name, each in named if each is not None]
        for each in steps:
            if not each.name:
                place.report.add(each.position, each.path, f"`{each.path}` has no `name`, which a service needs")
        return tuple(steps)

    expects = "a list, or a map from names"
    return Form(expects, read)
