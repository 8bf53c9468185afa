"""The keys of `when`: what an event must be like for a workflow or a step to run."""

from pipelines.allowance import MAX_EXPRESSIONS_SIZE
from pipelines.event import EventKind
from pipelines.expressions.errors import ExpressionError
from pipelines.expressions.expression import read
from pipelines.files import is_lenient
from pipelines.model import Condition, Evaluation, MatrixFilter, PathFilter
from pipelines.nodes import Map, entries_of, quoted
from pipelines.places import Place
from pipelines.problems import Level
from pipelines.syntax.forms import FLAG, TEXT, Form, map_of, map_or, mapped, one_or_many
from pipelines.syntax.keys import Key, Keys, plain_record, read_keys
from pipelines.syntax.shapes import GLOB, PATTERNS, STATES

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
        return _KIND_LIST.read(place)
    lists = read_keys(place, _OLD_EVENT_KEYS) or {}
    left = [kind for kind in lists.get("include") or _KINDS if kind not in lists.get("exclude", ())]
    hint = f"write `event: [{', '.join(left)}]`"
    place.problem(f"{place.name} as a map is an old form", hint=hint, level=Level.WARNING)
    return tuple(left)


def _evaluation(place: Place) -> Evaluation | None:
    text = TEXT.read(place)
    if text is None:
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
_PATHS = map_or(
    mapped(one_or_many(GLOB), lambda include: PathFilter(include=include)), plain_record(_PATH_KEYS, PathFilter)
)

WHEN_KEYS = Keys(
    owner="a condition",
    known=(
        Key(
            name="event",
            form=Form(_KIND_LIST.expects, _events, _KIND_LIST.schema),
            meaning="The event is one of these.",
            example="""
when: {event: [push, pull_request]}
steps: {test: {image: golang:1.26, commands: go test ./...}}
""",
        ),
        Key(
            name="branch",
            form=PATTERNS,
            meaning="The branch matches; of a pull request, the branch it is to go into. Holds for every tag.",
            example="""
when: {branch: {include: [main, release/*], exclude: release/0.*}}
steps: {test: {image: golang:1.26, commands: go test ./...}}
""",
        ),
        Key(
            name="ref",
            form=PATTERNS,
            meaning="The full ref matches, such as `refs/heads/main`.",
            example="""
when: {event: tag, ref: refs/tags/v*}
steps: {release: {image: golang:1.26, commands: ./release.sh}}
""",
        ),
        Key(
            name="repo",
            form=PATTERNS,
            meaning="The repository's `owner/name` matches, so that forks can leave a step out.",
            example="""
when: {repo: acme/*}
steps: {deploy: {image: alpine, commands: ./deploy.sh}}
""",
        ),
        Key(
            name="instance",
            form=PATTERNS,
            meaning="The server's host matches.",
            example="""
when: {instance: ci.example.org}
steps: {deploy: {image: alpine, commands: ./deploy.sh}}
""",
        ),
        Key(
            name="platform",
            form=PATTERNS,
            meaning="The worker's `os/arch` matches, such as `linux/amd64`.",
            example="""
steps:
  simd: {image: gcc:15, commands: make simd, when: {platform: linux/amd64}}
  test: {image: gcc:15, commands: make test}
""",
        ),
        Key(
            name="cron",
            form=PATTERNS,
            meaning="The schedule's name matches. Holds for all other events.",
            example="""
when: {event: cron, cron: nightly*}
steps: {fuzz: {image: golang:1.26, commands: go test -fuzz=. -fuzztime=1h}}
""",
        ),
        Key(
            name="matrix",
            form=Form("a map of axes or {include, exclude}", _matrix, {"type": "object"}),
            meaning="In steps: the values of these axes of the matrix match, each by a glob.",
            example="""
matrix: {GO: ["1.25", "1.26"]}
steps:
  test: {image: "golang:${GO}", commands: go test ./...}
  lint: {image: "golang:${GO}", commands: go vet ./..., when: {matrix: {GO: "1.26"}}}
""",
        ),
        Key(
            name="path",
            form=_PATHS,
            meaning="A changed file matches. Holds for events that are neither a push nor about a pull request, and "
            "for a push with more changed files than there is time to compare: tens of thousands.",
            example="""
when:
  path: {include: [src/**, go.mod], exclude: "**/*.md", ignore_message: "[all]", on_empty: false}
steps: {test: {image: golang:1.26, commands: go test ./...}}
""",
        ),
        Key(
            name="status",
            form=STATES,
            meaning="The job's state so far is one of these: `success`, `failure`.",
            default="success",
            example="""
steps:
  test: {image: golang:1.26, commands: go test ./...}
  tell: {image: alpine, commands: ./tell.sh, when: {status: [success, failure]}}
""",
        ),
        Key(
            name="evaluate",
            form=Form("an expression", _evaluation, TEXT.schema),
            meaning="The expression is true. See [expressions](#expressions).",
            example="""
when: {evaluate: 'CI_COMMIT_BRANCH == "main" && !(CI_COMMIT_MESSAGE contains "WIP")'}
steps: {deploy: {image: alpine, commands: ./deploy.sh}}
""",
        ),
        Key(
            name="local",
            form=FLAG,
            meaning="False to leave it out of `headrace run`.",
            example="""
steps:
  test: {image: golang:1.26, commands: go test ./...}
  upload: {image: alpine, commands: ./upload.sh, when: {local: false}}
""",
        ),
    ),
    elsewhere={
        "branches": "write `branch`",
        "events": "write `event`",
        "tag": "write `ref: refs/tags/NAME`",
        "target": "write `evaluate: 'CI_PIPELINE_DEPLOY_TARGET == \"NAME\"'`",
        "environment": "write `evaluate: 'CI_PIPELINE_DEPLOY_TARGET == \"NAME\"'`",
        "paths": "write `path`",
        "refs": "write `ref`",
        "if": "write `evaluate`",
    },
)


def _when(place: Place) -> tuple[Condition, ...]:
    """Each map knows its label, `when` or `when[0]`, for the reasons that a plan gives."""
    root = place.path
    label = root.rpartition(".")[2]
    found = []
    for item in place.items():
        values = read_keys(item, WHEN_KEYS)
        if values is not None:
            name = label + item.path.removeprefix(root)
            found.append(Condition(label=name, position=item.position, where=item.path, **values))
    return tuple(found)


WHEN: Form[tuple[Condition, ...]] = Form(
    "a map of conditions, or a list of such maps",
    _when,
    {"anyOf": [{"map": WHEN_KEYS}, {"type": "array", "items": {"map": WHEN_KEYS}}]},
)
