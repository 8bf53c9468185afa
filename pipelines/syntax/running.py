"""The keys of a step that say what runs, and where."""

from pipelines.paths import below_or_absolute
from pipelines.syntax.conditions import WHEN
from pipelines.syntax.containers import BUILD, PULL
from pipelines.syntax.forms import TEXT, checked, one_or_many
from pipelines.syntax.keys import H, Key
from pipelines.syntax.shapes import ARGUMENTS, COMMANDS, IMAGE
from pipelines.syntax.values import ENVIRONMENT, SETTINGS

RUNNING_KEYS = (
    Key(
        name="name",
        form=TEXT,
        meaning="In a list, what the step is called. In a map, the map's key is the name.",
        default="`step-0`, `step-1` and so on, by the place in the list",
        example="""
steps:
  - name: unit tests
    image: golang:1.26
    commands: go test ./...
""",
        errors=("Two steps or services of one file can't have one name.",),
    ),
    Key(
        name="extends",
        form=TEXT,
        meaning="The step whose keys this one starts from. Its own keys win; `environment` and `settings` are put "
        "together. A step whose name begins with a dot is there to be extended, and never runs.",
        origin=H,
        example="""
steps:
  .go: {image: golang:1.26, environment: {CGO_ENABLED: "0"}}
  vet: {extends: .go, commands: go vet ./...}
  test: {extends: .go, commands: go test ./..., environment: {GOFLAGS: -count=1}}
""",
        errors=("A step that extends itself, by whatever detour, is an error that names the way.",),
    ),
    Key(
        name="image",
        form=IMAGE,
        meaning="Required, unless the step has `build`. The container image, as `docker run` takes it.",
        example="""
steps:
  test: {image: "ghcr.io/astral-sh/uv:python3.13-alpine", commands: uv run pytest}
""",
        errors=("`image: bash` and other shells are containers here, too; they don't run on the machine itself.",),
    ),
    Key(
        name="build",
        form=BUILD,
        meaning="Build the image first, with the container engine's builder, from the workspace as the step finds it: "
        "a directory with a `Dockerfile`, or `{context, dockerfile, args, target}`. What was built from the same files "
        "before is used again.",
        origin=H,
        example="""
steps:
  test:
    build: {context: ., dockerfile: ci/Dockerfile, args: {PYTHON: "3.13"}, target: test}
    commands: pytest
""",
        errors=(
            "A build whose command fails is the step's failure.",
            "`args` take no secrets: they can be read in the image afterwards.",
        ),
    ),
    Key(
        name="pull",
        form=PULL,
        meaning="True or `always` to ask the registry in each run; `missing` to ask only if the image isn't there; "
        "`never` to use what is there.",
        default="missing",
        example="""
steps:
  deploy: {image: "registry.example.org/deploy:stable", commands: deploy, pull: true}
""",
    ),
    Key(
        name="commands",
        form=COMMANDS,
        meaning="One command or a list. They make one script for `sh -e`: each command is shown before it runs, "
        "variables and the working directory stay from one to the next, and the first that fails ends the step.",
        default="the image's own program",
        example="""
steps:
  build:
    image: alpine
    commands:
      - VERSION=$(cat VERSION)
      - |
        if [ -n "$CI_COMMIT_TAG" ]; then
          echo "release $VERSION"
        fi
""",
        errors=("`- echo a: b` is a map to YAML: put quotes around the whole command.",),
    ),
    Key(
        name="shell",
        form=ARGUMENTS,
        meaning="The program that reads the commands, in place of `sh -e`, with its options: words, or a list of them. "
        "A shell that speaks POSIX (`bash`, `dash`, `ksh`, `zsh`, `busybox sh`…) runs them as `sh` does, each shown "
        "and timed by itself. Any other program reads all of them, as the lines of one program, from its standard "
        "input; they are shown together, and the image needs a `/bin/sh` besides.",
        default="sh",
        origin=H,
        example="""
steps:
  report: {image: python:3.13, shell: [python3, -], commands: "print(6 * 7)"}
  strict: {image: debian, shell: bash -o pipefail, commands: ./list.sh | sort}
""",
        errors=("A step with `entrypoint` or without `commands` can't have `shell`.",),
    ),
    Key(
        name="entrypoint",
        form=one_or_many(TEXT),
        meaning="The program to run in place of the image's own, with its arguments. Together with `commands`, it "
        "finds their script in the variable `CI_SCRIPT`, in base64.",
        example="""
steps:
  build:
    image: alpine
    entrypoint: [/bin/sh, -c, 'echo "$CI_SCRIPT" | base64 -d | sh -ex']
    commands: echo hello
""",
    ),
    Key(
        name="environment",
        form=ENVIRONMENT,
        meaning="Variables of this step, over those of the workflow. A value is text, or the name of a secret, which "
        "is put in when the step starts and shown as `********` in its output. A list of values is joined by commas; "
        "a map becomes JSON.",
        example="""
steps:
  publish:
    image: node:24
    environment:
      NODE_ENV: production
      NPM_TOKEN: {from_secret: npm_token}
    commands: npm publish
""",
    ),
    Key(
        name="settings",
        form=SETTINGS,
        meaning="The parameters of a plugin: an image that does one job and reads them from variables. `tags` becomes "
        "`PLUGIN_TAGS`, `dry-run` becomes `PLUGIN_DRY_RUN`. Values become text as in `environment`.",
        example="""
steps:
  image:
    image: woodpeckerci/plugin-docker-buildx:6
    settings:
      repo: registry.example.org/app
      tags: [stable, "1.10"]
      password: {from_secret: registry_password}
""",
        errors=("A step with `settings` has no `commands` and no `entrypoint`; with `environment` it is no plugin.",),
    ),
    Key(
        name="directory",
        form=checked(TEXT, below_or_absolute),
        meaning="Where to run, below the workspace; an absolute path is possible too. It is made if it is missing.",
        default="the workspace",
        example="""
steps:
  build: {image: node:24, directory: web, commands: npm ci}
""",
    ),
    Key(
        name="when",
        form=WHEN,
        meaning="On which events the step runs. See [conditions](#conditions).",
        default="always, after success",
        example="""
steps:
  test: {image: golang:1.26, commands: go test ./...}
  release: {image: golang:1.26, commands: ./release.sh, when: {event: tag}}
""",
    ),
)
