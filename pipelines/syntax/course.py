"""The keys of a step that say what it waits for, how long, how often, and what its failure means."""

from pipelines.syntax.containers import APPROVAL, RETRY
from pipelines.syntax.forms import FLAG, choice
from pipelines.syntax.keys import Effect, H, Key
from pipelines.syntax.quantities import DURATION
from pipelines.syntax.results import REUSE
from pipelines.syntax.shapes import DEPENDENCIES

COURSE_KEYS = (
    Key(
        name="depends_on",
        form=DEPENDENCIES,
        meaning="The steps that must end before this one starts: names, or `{name, optional}`. As soon as one step of "
        "a file has this key, even an empty list, the order of the file no longer counts: a step starts when what it "
        "depends on has ended, and those that depend on nothing start at once.",
        default="the step before it",
        example="""
steps:
  lint: {image: golang:1.26, commands: go vet ./..., depends_on: []}
  test: {image: golang:1.26, commands: go test ./...}
  fuzz: {image: golang:1.26, commands: go test -fuzz=., when: {event: cron}}
  build:
    image: golang:1.26
    commands: go build ./...
    depends_on: [lint, test, {name: fuzz, optional: true}]
""",
        errors=(
            "A dependency that doesn't run for an event is an error, unless it is optional.",
            "Steps that wait for each other are an error that names the circle.",
        ),
    ),
    Key(
        name="failure",
        form=choice("fail", "ignore", "cancel"),
        meaning="What the failure of the step or service does: `fail` fails the job; `ignore` shows it and goes on as "
        "if it had succeeded; `cancel` cancels the whole run, other jobs too, and the run is a failure. A service "
        "fails if it doesn't become healthy, or ends with another exit code than 0 before the steps have.",
        default="fail",
        example="""
steps:
  audit: {image: node:24, commands: npm audit, failure: ignore}
""",
    ),
    Key(
        name="detach",
        form=FLAG,
        meaning="True to run the step in the background until the job ends, for a program that is built in the "
        "workflow itself.",
        default="false",
        example="""
steps:
  serve: {image: python:3.13, commands: python -m http.server 8000, detach: true}
  test: {image: alpine, commands: "wget -q -O - http://serve:8000"}
""",
    ),
    Key(
        name="timeout",
        form=DURATION,
        meaning="How long the step, or each attempt at it, may take. It then ends as *timed out*, which is not the "
        "same as *failed*.",
        default="the job's time",
        origin=H,
        example="""
steps:
  test: {image: golang:1.26, commands: go test ./..., timeout: 10m}
""",
    ),
    Key(
        name="retry",
        form=RETRY,
        meaning="How often to try, in all, or `{attempts, exit_codes, on, delay}`. Every attempt has a fresh "
        "container, the workspace as the one before left it, its number in `CI_ATTEMPT`, and is shown. `on` says after "
        "which ends to try again: `failure` (with one of the `exit_codes`, if there are any), `timeout` (of the step's "
        "own `timeout`), `oom` or `error` (the image can't be had, or the engine fails). The last attempt decides what "
        "becomes of the step; a cancel or the job's time-out ends it at once.",
        default="1",
        origin=H,
        example="""
steps:
  fetch: {image: alpine, commands: ./fetch.sh, retry: 3}
  test:
    image: golang:1.26
    commands: ./flaky.sh
    retry: {attempts: 2, on: [failure, timeout], exit_codes: [1, 75], delay: 30s}
""",
        errors=("A step with `detach` is started once, so it can't have `retry`.",),
    ),
    Key(
        name="approval",
        form=APPROVAL,
        meaning="True or `{message, users, timeout}`: the step's job waits, before it begins and without a worker, "
        "until a person lets it run. What is to run before stands in a workflow of its own. A local run asks nobody.",
        origin=H,
        effect=Effect.ON_SERVERS,
        example="""
steps:
  deploy:
    image: alpine
    commands: ./deploy.sh
    approval: {message: Deploy to production?, users: [ada, grace]}
""",
    ),
    Key(
        name="reuse",
        form=REUSE,
        meaning="Skip the step if its image, commands, environment, dependencies' results and these inputs are what "
        "they were when it last succeeded.",
        origin=H,
        effect=Effect.NOT_YET,
        example="""
steps:
  assets: {image: node:24, commands: npm run build, reuse: {inputs: [web/**, package-lock.json]}}
""",
    ),
)
