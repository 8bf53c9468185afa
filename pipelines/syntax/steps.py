"""The keys of steps and services."""

from collections.abc import Mapping
from typing import Any

from pipelines.details import Value
from pipelines.model import Step
from pipelines.nodes import Node, entries_of, is_null, key_places
from pipelines.places import Place
from pipelines.syntax.containers import (
    BACKEND_OPTIONS,
    HEALTHCHECK,
    RESOURCES,
)
from pipelines.syntax.course import COURSE_KEYS
from pipelines.syntax.forms import TEXT, Form
from pipelines.syntax.keys import H, Key, Keys, read_keys
from pipelines.syntax.oldsecrets import OLD_SECRETS
from pipelines.syntax.outside import PORTS
from pipelines.syntax.results import RESULT_KEYS
from pipelines.syntax.running import RUNNING_KEYS
from pipelines.syntax.shapes import ARGUMENTS
from pipelines.syntax.trusted import TRUSTED_KEYS

_CONTAINER_KEYS = (
    Key(
        name="resources",
        form=RESOURCES,
        meaning="What the container may use at most: processors, memory with swap, processes, shared memory. Without "
        "this, all processors, nine tenths of the machine's memory, 4096 processes, 64 MiB of shared memory.",
        origin=H,
        example="""
steps:
  test: {image: gcc:15, commands: make check, resources: {cpus: 1.5, memory: 512M, pids: 512, shm: 64M}}
""",
    ),
    Key(
        name="backend_options",
        form=BACKEND_OPTIONS,
        meaning="What only one engine has: `docker: {user: …}` is the user that the container runs as.",
        example="""
steps:
  test: {image: node:24, commands: npm test, backend_options: {docker: {user: "1000:1000"}}}
""",
    ),
    *TRUSTED_KEYS,
)

_OLD_KEYS = (
    Key(
        name="secrets",
        form=OLD_SECRETS,
        meaning="Secrets as variables, in upper case and as written.",
        old="write `environment: {NAME: {from_secret: name}}`, or that in `settings`",
    ),
    Key(
        name="group",
        form=TEXT,
        meaning="Neighbours with one group run side by side, if no step has `depends_on`.",
        old="write `depends_on`",
    ),
)

_PLUGINS = "parameters of a plugin stand below `settings`"
_PARAMETERS_OF_PLUGINS = (
    "api_key", "args", "bucket", "channel", "dockerfile", "dry_run", "file", "files", "from", "host", "key", "message",
    "password", "path", "port", "recipients", "registry", "repo", "server", "source", "tag", "tags", "target",
    "template", "to", "token", "url", "user", "username", "webhook",
)  # fmt: skip
_CONDITIONS = ("branch", "cron", "event", "evaluate", "instance", "matrix", "path", "ref", "status")
_ELSEWHERE = {
    **dict.fromkeys(_PARAMETERS_OF_PLUGINS, _PLUGINS),
    **dict.fromkeys(_CONDITIONS, "write it below `when`"),
    "platform": "write `labels: {platform: …}` for the whole workflow, in a file of its own",
    "runs-on": "write `labels` for the whole workflow",
    "command": "write `commands`",
    "cmd": "write `commands`",
    "script": "write `commands`",
    "run": "write `commands`",
    "env": "write `environment`",
    "needs": "write `depends_on`",
    "if": "write `when`",
    "uses": "name a container `image`",
    "plugin": "name the plugin's `image`",
    "working_directory": "write `directory`",
    "user": "write `backend_options: {docker: {user: …}}`, or below `settings` what a plugin is to read",
    "inputs": "write `reuse: {inputs: …}`",
    "working_dir": "write `directory`",
    "network": "steps of a job share its network",
    "networks": "steps of a job share its network",
}

STEP_KEYS = Keys(
    owner="a step",
    known=(*RUNNING_KEYS, *COURSE_KEYS, *RESULT_KEYS, *_CONTAINER_KEYS, *_OLD_KEYS),
    elsewhere=_ELSEWHERE | {"ports": "only services have this key", "healthcheck": "only services have this key"},
    stranger=_PLUGINS,
)

_OF_STEPS_ALONE = (frozenset(key.name for key in (*COURSE_KEYS, *RESULT_KEYS)) | {"group"}) - {"failure"}

SERVICE_KEYS = Keys(
    owner="a service",
    known=(
        *(key for key in STEP_KEYS.known if key.name not in _OF_STEPS_ALONE),
        Key(
            name="healthcheck",
            form=HEALTHCHECK,
            meaning="How to see that the service is ready, which the steps wait for: `command` is one command or "
            "several for the image's shell, run in the service's container. Without `interval` it is asked at once, "
            "and then more and more slowly up to once a second. Without `retries` it has a minute beyond its "
            "`start_period`; with them, as many checks may fail after that. A service that doesn't become healthy "
            "fails.",
            default="the image's own, if the service runs the image's own program",
            origin=H,
            example="""
services:
  database:
    image: postgres:17
    environment: {POSTGRES_PASSWORD: only-for-tests}
    healthcheck: {command: pg_isready, interval: 2s, timeout: 1s, retries: 30, start_period: 5s}
steps:
  test: {image: postgres:17, commands: psql --host database --command "select 1"}
""",
        ),
        Key(
            name="ports",
            form=PORTS,
            meaning="Ports that the service listens on. They are reachable without this; nothing is published.",
            example="""
services:
  database: {image: postgres:17, ports: [5432], environment: {POSTGRES_PASSWORD: only-for-tests}}
steps:
  test: {image: postgres:17, commands: pg_isready --host database}
""",
        ),
        Key(
            name="command",
            form=ARGUMENTS,
            meaning="Arguments of the image's own program.",
            old="write `entrypoint` with the program and its arguments",
        ),
    ),
    elsewhere=dict.fromkeys(_OF_STEPS_ALONE, "only steps have this key") | _ELSEWHERE,
)


def _step(
    place: Place,
    *,
    backend_options: str = "",
    secrets: Mapping[str, Value] | None = None,
    command: tuple[str, ...] = (),
    **values: Any,
) -> Step:
    """A step of its keys. Old ones don't make a plugin another kind of step."""
    own: Mapping[str, Value] = values.pop("environment", {})
    runs_itself = not values.get("commands") and values.get("entrypoint") is None and not own
    name = values.pop("name", "") or (place.key if isinstance(place.key, str) else "")
    return Step(
        **values,
        name=name,
        position=place.position,
        path=place.path,
        written=key_places(place.node),
        user=backend_options,
        arguments=command,
        environment={**(secrets or {}), **own},
        is_plugin=runs_itself and (not secrets or bool(values.get("settings"))),
    )


def _with_image(keys: Keys) -> Form[Step]:
    """A step of these keys, which has an image or builds one."""

    def read(place: Place) -> Step | None:
        values = read_keys(place, keys)
        if values is None:
            return None
        if not _says_what_runs(place.node):
            hint = "the container image to run, or `build` to make one"
            if not place.report.gaps.is_in_step(place.position):
                place.problem(f"{place.name} has no `image`, which {keys.owner} needs", hint=hint)
        if values.get("image") and values.get("build"):
            hint = "the image that is built is the one that runs: leave out `image`"
            place.problem(f"{place.name} has an `image` and a `build`", hint=hint)
        if values.pop("extends", None) is not None:  # one that could be done is done before the keys are read
            place.problem(f"{place.name} extends another, as only `steps` and `services` can")
        return _step(place, **values)

    return Form(f"a map with the keys of {keys.owner}", read, {"map": keys})


def _says_what_runs(node: Node) -> bool:
    """True if there is an image or a build, right or wrong."""
    return any(entry.key.text in ("image", "build") and not is_null(entry.value) for entry in entries_of(node))


STEP = _with_image(STEP_KEYS)
SERVICE = _with_image(SERVICE_KEYS)
