"""What a step leaves and finds: artifacts, caches, reports, outputs."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from pipelines.details import ArtifactRule, CacheRule, Reports, Reuse
from pipelines.nodes import Map
from pipelines.places import Place
from pipelines.status import Status
from pipelines.syntax.forms import TEXT, Form, checked, one_or_many
from pipelines.syntax.keys import Effect, H, Key, Keys, plain_record
from pipelines.syntax.quantities import DURATION
from pipelines.syntax.shapes import AFTER, GLOB, INSIDE_GLOB, VARIABLE_NAME
from pipelines.variables import is_reserved

T = TypeVar("T")


def _artifact(*, when: tuple[Status, ...] = (Status.SUCCESS,), **values: object) -> ArtifactRule:
    return ArtifactRule(on=when, **values)  # type: ignore[arg-type] # the keys below are its fields


def _cache(*, when: tuple[Status, ...] = (Status.SUCCESS,), **values: object) -> CacheRule:
    return CacheRule(on=when, **values)  # type: ignore[arg-type] # the keys below are its fields


def _rules(short: Form[str], whole: Form[T], make: Callable[[tuple[str, ...]], T]) -> Form[tuple[T, ...]]:
    """Texts side by side make one rule, each map makes one of its own."""

    def read(place: Place) -> tuple[T, ...]:
        places = list(place.items())
        alone = _all(short.read(item) for item in places if not isinstance(item.node, Map))
        rules = _all(whole.read(item) for item in places if isinstance(item.node, Map))
        return ((make(alone),) if alone else ()) + rules

    item = {"anyOf": [short.schema, whole.schema]}
    return Form(
        f"{short.expects}, a list of that or {whole.expects}",
        read,
        {"anyOf": [*item["anyOf"], {"type": "array", "items": item}]},
    )


def _all(values: Iterable[T | None]) -> tuple[T, ...]:
    return tuple(value for value in values if value is not None)


EXPIRE = Key(
    name="expire",
    form=DURATION,
    meaning="How long to keep them, such as 30d.",
    default="as long as the run",
    origin=H,
    effect=Effect.NOT_YET,
)
_ARTIFACT_KEYS = Keys(
    owner="an artifact",
    known=(
        Key(name="paths", form=one_or_many(INSIDE_GLOB), meaning="Globs below the workspace.", required=True, origin=H),
        Key(name="name", form=TEXT, meaning="What to call these files together.", origin=H),
        Key(name="when", form=AFTER, meaning="After which end of the step to keep them.", default="success", origin=H),
        EXPIRE,
    ),
)
_CACHE_KEYS = Keys(
    owner="a cache",
    known=(
        Key(name="paths", form=one_or_many(TEXT), meaning="Directories and files to keep.", required=True, origin=H),
        Key(
            name="key",
            form=TEXT,
            meaning='Which cache it is; may hold `{{ hash "FILE" }}`, `{{ branch }}` and `{{ arch }}`.',
            default="one per repository, workflow and path",
            origin=H,
        ),
        Key(
            name="restore_keys",
            form=one_or_many(TEXT),
            meaning="Beginnings of other keys, to start from the newest cache that has one.",
            origin=H,
        ),
        Key(name="when", form=AFTER, meaning="After which end of the step to save it.", default="success", origin=H),
    ),
)
_REPORT_KEYS = Keys(
    owner="reports",
    known=(
        Key(name="junit", form=one_or_many(INSIDE_GLOB), meaning="Test results in JUnit's XML.", origin=H),
        Key(name="coverage", form=one_or_many(INSIDE_GLOB), meaning="Coverage, as Cobertura XML or lcov.", origin=H),
    ),
)
_REUSE_KEYS = Keys(
    owner="a reuse",
    known=(Key(name="inputs", form=one_or_many(GLOB), meaning="Globs of files that the result hangs on.", origin=H),),
)

ARTIFACTS: Form[tuple[ArtifactRule, ...]] = _rules(
    INSIDE_GLOB, plain_record(_ARTIFACT_KEYS, _artifact), lambda paths: ArtifactRule(paths=paths)
)
CACHES: Form[tuple[CacheRule, ...]] = _rules(
    TEXT, plain_record(_CACHE_KEYS, _cache), lambda paths: CacheRule(paths=paths)
)
REPORTS: Form[Reports] = plain_record(_REPORT_KEYS, Reports)
REUSE: Form[Reuse] = plain_record(_REUSE_KEYS, Reuse)
OUTPUTS = one_or_many(checked(VARIABLE_NAME, lambda name: "is a name of Headrace's own" if is_reserved(name) else ""))

RESULT_KEYS = (
    Key(
        name="artifacts",
        form=ARTIFACTS,
        meaning="Files to keep when the step has ended: a glob below the workspace, or a list of them. The long form "
        "is `{paths, name, when, expire}`.",
        origin=H,
        example="""
steps:
  build:
    image: golang:1.26
    commands: go build -o dist/ ./cmd/...
    artifacts: dist/**
  test:
    image: golang:1.26
    commands: go test -json ./... > report.json
    artifacts: {paths: report.json, name: report, when: always, expire: 30d}
""",
    ),
    Key(
        name="needs_artifacts",
        form=one_or_many(TEXT),
        meaning="Names of artifacts of earlier jobs to put into the workspace first.",
        origin=H,
        effect=Effect.NOT_YET,
        example="""
steps:
  deploy: {image: alpine, commands: ./deploy.sh dist, needs_artifacts: [dist]}
""",
    ),
    Key(
        name="cache",
        form=CACHES,
        meaning="Paths to find again in the next run: one, a list, or a list of `{key, paths, restore_keys, when}`. "
        "Saved only after success; forks read it and never write it.",
        origin=H,
        effect=Effect.NOT_YET,
        example="""
steps:
  test:
    image: node:24
    commands: [npm ci, npm test]
    cache:
      - key: 'npm-{{ hash "package-lock.json" }}'
        paths: [node_modules]
        restore_keys: [npm-]
""",
    ),
    Key(
        name="reports",
        form=REPORTS,
        meaning="Files that are shown with the run: test results, coverage.",
        origin=H,
        effect=Effect.NOT_YET,
        example="""
steps:
  test:
    image: python:3.13
    commands: pytest --junit-xml=report.xml --cov --cov-report=xml
    reports: {junit: report.xml, coverage: coverage.xml}
""",
    ),
    Key(
        name="outputs",
        form=OUTPUTS,
        meaning="Variables that the step writes, as `NAME=value` lines, to the file `$CI_OUTPUT`, 64 KiB at most. "
        "Steps that start after it see them under their names, jobs that wait for its job as "
        "`CI_OUTPUT_<STEP>_<NAME>` in upper case, where a secret is `********`.",
        origin=H,
        example="""
steps:
  version: {image: alpine, commands: echo "VERSION=$(cat VERSION)" >> $CI_OUTPUT, outputs: [VERSION]}
  tell: {image: alpine, commands: echo $VERSION}
""",
        errors=(
            "Names of Headrace's own, such as `CI_…`, can't be outputs.",
            "A step with `detach` ends with the job, so it can't have `outputs`.",
        ),
    ),
)
