"""The keys of `when`: what an event must be like for a workflow or a step to run."""

from dataclasses import replace
from typing import Any

from pipelines.files import is_lenient
from pipelines.model import Condition
from pipelines.places import Place
from pipelines.problems import Level
from pipelines.report import Report
from pipelines.syntax.filters import EVALUATION, EVENTS, MATRIX_FILTER, PATHS, STATUS
from pipelines.syntax.forms import FLAG, Form
from pipelines.syntax.keys import Key, Keys, read_keys
from pipelines.syntax.shapes import PATTERNS

WHEN_KEYS = Keys(
    owner="a condition",
    known=(
        Key(
            name="event",
            form=EVENTS,
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
            form=MATRIX_FILTER,
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
            form=PATHS,
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
            form=STATUS,
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
            form=EVALUATION,
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
        values = _without_keys(item) if item.is_null else read_keys(item, WHEN_KEYS)
        if values is not None:
            name = label + item.path.removeprefix(root)
            found.append(Condition(label=name, position=item.position, where=item.path, **values))
    return tuple(found)


def _without_keys(place: Place) -> dict[str, Any]:
    """An item that is not there. For Woodpecker it holds always."""
    level = Level.WARNING if is_lenient(place.report.file) else Level.ERROR
    place.problem(f"{place.name} is nothing, so it holds always", hint="leave the item out", level=level)
    return {}


def _when_of_workflow(place: Place) -> tuple[Condition, ...]:
    """Cells are not what workflows are filtered by: a step is in one, a workflow has them all."""
    return tuple(_without_matrix(condition, place.report) for condition in _when(place))


def _without_matrix(condition: Condition, report: Report) -> Condition:
    if condition.matrix is None:
        return condition
    path = f"{condition.where}.matrix"
    hint = "write it on the steps, or leave cells out by `matrix: {exclude: […]}`"
    report.add(condition.position, path, f"`{path}` has no effect on a workflow", hint=hint, level=Level.WARNING)
    return replace(condition, matrix=None)


_WHEN_SCHEMA = {"anyOf": [{"map": WHEN_KEYS}, {"type": "array", "items": {"map": WHEN_KEYS}}]}
_EXPECTS = "a map of conditions, or a list of such maps"

WHEN: Form[tuple[Condition, ...]] = Form(_EXPECTS, _when, _WHEN_SCHEMA)
WORKFLOW_WHEN: Form[tuple[Condition, ...]] = Form(_EXPECTS, _when_of_workflow, _WHEN_SCHEMA)
