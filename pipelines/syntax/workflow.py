"""The keys of a workflow file."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipelines.model import Condition, Workflow
from pipelines.nodes import Map, Position, Scalar
from pipelines.places import Place
from pipelines.status import Status
from pipelines.syntax.clone import CLONE
from pipelines.syntax.concurrency import CONCURRENCY
from pipelines.syntax.conditions import WORKFLOW_WHEN
from pipelines.syntax.forms import ANYTHING, FLAG, TEXT, Form, map_of
from pipelines.syntax.include import INCLUDE
from pipelines.syntax.keys import Effect, H, Key, Keys
from pipelines.syntax.matrix import MATRIX
from pipelines.syntax.named import named_steps
from pipelines.syntax.params import PARAMS
from pipelines.syntax.quantities import DURATION
from pipelines.syntax.shapes import DEPENDENCIES, PATTERNS, STATES
from pipelines.syntax.steps import SERVICE, STEP
from pipelines.syntax.values import ENVIRONMENT
from pipelines.syntax.workspace import WORKSPACE


def _platform(place: Place) -> str | None:
    """`linux/amd64`, or Drone's map of os and arch."""
    if not isinstance(place.node, Map):
        return TEXT.read(place)
    parts = [value.text for name in ("os", "arch") if isinstance(value := place.node.get(name), Scalar)]
    return "/".join(parts)


WORKFLOW_KEYS = Keys(
    owner="a workflow",
    known=(
        Key(
            name="when",
            form=WORKFLOW_WHEN,
            meaning="On which events the workflow runs. See [conditions](#conditions).",
            default="always",
            example="""
when:
  - event: pull_request
  - event: push
    branch: main
steps:
  test: {image: golang:1.26, commands: go test ./...}
""",
        ),
        Key(
            name="steps",
            form=named_steps(STEP, default_name="step-{index}"),
            meaning="What to run: a map from names to [steps](#a-step), or a list. Steps run one after another, in "
            "this order, until one fails. All steps of a workflow, and its services, share the workspace and a "
            "private network.",
            required=True,
            example="""
steps:
  - name: build
    image: golang:1.26
    commands: go build ./...
  - image: golang:1.26
    commands: go test ./...
""",
            errors=("A workflow without steps is an error.",),
        ),
        Key(
            name="services",
            form=named_steps(SERVICE, default_name=""),
            meaning="Containers in the background, such as a database. They are started before the steps, which reach "
            "them by their name, and stopped when the steps have ended.",
            example="""
services:
  database:
    image: postgres:17
    environment: {POSTGRES_PASSWORD: only-for-tests}
steps:
  test:
    image: postgres:17
    commands: until pg_isready --host database; do sleep 1; done
""",
            errors=("In a list, each needs a `name`.",),
        ),
        Key(
            name="environment",
            form=ENVIRONMENT,
            meaning="Variables of every step and service. A step's own `environment` wins.",
            origin=H,
            example="""
environment:
  CGO_ENABLED: "0"
steps:
  build: {image: golang:1.26, commands: go build ./...}
""",
        ),
        Key(
            name="matrix",
            form=MATRIX,
            meaning="One job for each combination of values, which stand in the file as `${AXIS}` and in the steps' "
            "environment. `include` lists the combinations themselves; `exclude` leaves out those that have all its "
            "values.",
            example="""
matrix:
  GO: ["1.25", "1.26"]
  OS: [alpine, trixie]
  exclude:
    - {GO: "1.25", OS: alpine}
steps:
  test: {image: "golang:${GO}-${OS}", commands: go test ./...}
""",
            errors=("More than 256 combinations are an error.",),
        ),
        Key(
            name="depends_on",
            form=DEPENDENCIES,
            meaning="The workflows of the same run that must succeed before this one starts: names, or "
            "`{name, optional}`. If one of them doesn't run for an event, this one doesn't either, unless the "
            "dependency is optional. `when: {status: failure}` runs it after a failure.",
            example="""
depends_on:
  - test
  - {name: docs, optional: true}
steps:
  deploy: {image: alpine, commands: ./deploy.sh}
""",
            errors=("Workflows that wait for each other are an error that names the circle.",),
        ),
        Key(
            name="clone",
            form=CLONE,
            meaning="How the repository gets into the workspace. The entry `git`, or one whose image ends in "
            "`plugin-git`, has `settings` of the checkout: `depth`, `tags`, `recursive`, `lfs`, `partial`, `remote`, "
            "`attempts`, `backoff`. Any other entry is a step that runs first, in place of the checkout.",
            example="""
clone:
  git:
    settings: {depth: 1, lfs: false}
steps:
  build: {image: golang:1.26, commands: go build ./...}
""",
        ),
        Key(
            name="skip_clone",
            form=FLAG,
            meaning="True to start with an empty workspace.",
            default="false",
            example="""
skip_clone: true
steps:
  ping: {image: alpine, commands: "wget -q -O - https://example.org/health"}
""",
        ),
        Key(
            name="workspace",
            form=WORKSPACE,
            meaning="Where the steps find their files. `base` is where the job's volume is mounted, `path` the "
            "checkout's directory below it.",
            default="`/headrace`, or `/woodpecker` in a `.woodpecker` file, and "
            "`src/<forge's host>/<owner>/<repository>`",
            example="""
workspace:
  base: /go
  path: src/example.org/app
steps:
  build: {image: golang:1.26, commands: go build ./...}
""",
        ),
        Key(
            name="labels",
            form=map_of(TEXT),
            meaning="Which workers may take the job: those that have all of these. A local run takes every job.",
            effect=Effect.ON_SERVERS,
            example="""
labels:
  platform: linux/arm64
steps:
  build: {image: golang:1.26, commands: go build ./...}
""",
        ),
        Key(
            name="concurrency",
            form=CONCURRENCY,
            meaning="How many jobs of this workflow may run at once in the repository, or `{limit, group, cancel}`. "
            "Others wait in order.",
            effect=Effect.ON_SERVERS,
            example="""
concurrency: {limit: 1, group: deploy, cancel: true}
steps:
  deploy: {image: alpine, commands: ./deploy.sh}
""",
        ),
        Key(
            name="timeout",
            form=DURATION,
            meaning="How long the whole job may take: `90s`, `10m`, `1h30m`.",
            origin=H,
            example="""
timeout: 1h
steps:
  test: {image: golang:1.26, commands: go test ./..., timeout: 20m}
""",
        ),
        Key(
            name="params",
            form=PARAMS,
            meaning="Inputs of manual runs, as `{type, default, options, required, description}`. Steps see them as "
            "`CI_PARAM_<NAME>`, and under their own names.",
            origin=H,
            example="""
when: {event: manual}
params:
  target: {type: choice, options: [staging, production], default: staging, description: Where to?}
  dry_run: {type: bool, default: false}
steps:
  deploy: {image: alpine, commands: ./deploy.sh $CI_PARAM_TARGET}
""",
        ),
        Key(
            name="include",
            form=INCLUDE,
            meaning="Files to start from, in this order: of this repository, by their paths from its root, or of "
            "another one, as `{repo, ref, path}` ([more](#files-of-other-repositories)). Their maps and lists of "
            "`steps`, `services`, `environment`, `labels`, `params` come first; any other key of this file replaces "
            "theirs, and so does a step of the same name.",
            origin=H,
            example="""
include:
  - ci/common.yaml
  - {repo: acme/ci, ref: v1, path: go.yaml}
steps:
  test: {image: golang:1.26, commands: go test ./...}
""",
            errors=(
                "A file that includes itself, by whatever detour, is an error that names the way.",
                "A repository that can't be read is an error at the line that names it.",
            ),
        ),
        Key(
            name="variables",
            form=ANYTHING,
            meaning="A place to define YAML anchors. Headrace reads nothing else here.",
            example="""
variables:
  - &image golang:1.26
steps:
  vet: {image: *image, commands: go vet ./...}
  test: {image: *image, commands: go test ./...}
""",
        ),
        Key(
            name="$schema",
            form=ANYTHING,
            meaning="For editors: where the [schema](schema.json) of the language is. Without effect.",
            example="""
$schema: https://example.org/headrace/schema.json
steps:
  test: {image: golang:1.26, commands: go test ./...}
""",
        ),
        Key(
            name="branches",
            form=PATTERNS,
            meaning="The branch must match, except for tags and deployments.",
            old="write `when: {branch: …}`",
        ),
        Key(
            name="platform",
            form=Form("os/arch", _platform, {"type": ["string", "object"]}),
            meaning="What the worker runs on.",
            old="write `labels: {platform: …}`",
        ),
        Key(
            name="runs_on",
            form=STATES,
            meaning="After which end of the workflows that this one depends on it runs.",
            old="write `when: {status: …}`",
        ),
        Key(
            name="pipeline",
            form=ANYTHING,
            meaning="What to run.",
            old="write `steps`",
        ),
    ),
    elsewhere={
        "jobs": "write `steps`; one file is one workflow",
        "stages": "write `steps` with `depends_on`",
        "on": "write `when: {event: …}`",
        "image": "put it on each step",
        "kind": "this is a Drone file: keep `steps` and leave this out",
        "type": "this is a Drone file: keep `steps` and leave this out",
        "trigger": "this is a Drone file: write `when`",
        "name": "a workflow is called as its file is",
        "secrets": "write `environment: {NAME: {from_secret: name}}` on the steps",
    },
)


def workflow_of(
    file: str,
    name: str,
    *,
    platform: str = "",
    runs_on: tuple[Status, ...] = (),
    labels: Mapping[str, str] | None = None,
    when: tuple[Condition, ...] = (),
    written: dict[str, Position],
    **values: Any,
) -> Workflow:
    """The workflow of its keys' values, old ones in their new places."""
    placed = {"platform": platform} if platform else {}
    places = ({"labels": written["platform"]} if platform else {}) | written
    if runs_on:
        when = tuple(replace(each, status=each.status or runs_on) for each in when or (Condition(),))
    own = {label: value for label, value in (labels or {}).items() if value}
    return Workflow(file=file, name=name, labels=placed | own, when=when, written=places, **values)
