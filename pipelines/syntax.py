"""The table of the language: every key of a workflow file, declared once with its form and its meaning."""

from pipelines.event import EventKind
from pipelines.forms import ANYTHING, DURATION, FLAG, TEXT, Form, checked, choice, map_of, one_or_many
from pipelines.keys import Key, Keys, plain_record, read_keys, record
from pipelines.model import Condition, Step, Workspace
from pipelines.paths import absolute, below, below_or_absolute
from pipelines.places import Place
from pipelines.settings import ENVIRONMENT, SETTINGS
from pipelines.shapes import ARTIFACTS, COMMANDS, DEPENDENCIES, IMAGE, PATTERNS, STATES, named_steps

WHEN_KEYS = Keys(
    owner="a condition",
    known=(
        Key(
            name="event",
            form=one_or_many(choice(*(kind.value for kind in EventKind))),
            meaning="The kinds of event that this is for.",
        ),
        Key(
            name="branch",
            form=PATTERNS,
            meaning="The branch; of a pull request the one it is to go into. Holds for every tag.",
        ),
        Key(name="ref", form=PATTERNS, meaning="The full ref, such as refs/heads/main or refs/tags/v1."),
        Key(name="repo", form=PATTERNS, meaning="The repository's owner/name."),
        Key(
            name="status",
            form=STATES,
            meaning="The state of the job so far: success, which is the default, failure or both.",
        ),
    ),
    later=frozenset({"cron", "evaluate", "instance", "matrix", "path", "platform"}),
    elsewhere={"branches": "write `branch`", "events": "write `event`", "tag": "write `ref: refs/tags/NAME`"},
)


def _when(place: Place) -> tuple[Condition, ...]:
    """Each map knows its label, `when` or `when[0]`, for the reasons that a plan gives."""
    root = place.path
    label = root.rpartition(".")[2]
    found = []
    for item in place.items():
        values = read_keys(item, WHEN_KEYS)
        if values is not None:
            found.append(Condition(label=label + item.path.removeprefix(root), **values))
    return tuple(found)


WHEN = Form("a map of conditions, or a list of such maps", _when)

STEP_KEYS = Keys(
    owner="a step",
    known=(
        Key(name="name", form=TEXT, meaning="The step's name, once in the file; `step-<index>` in a list without it."),
        Key(name="image", form=IMAGE, meaning="The container image to run, as `docker run` takes it.", required=True),
        Key(
            name="commands",
            form=COMMANDS,
            meaning="One script for `sh -e`, each command shown before it runs. Without it the image's own runs.",
        ),
        Key(name="entrypoint", form=one_or_many(TEXT), meaning="The program to run instead of the image's own."),
        Key(name="environment", form=ENVIRONMENT, meaning="Variables of this step, over those of the workflow."),
        Key(name="settings", form=SETTINGS, meaning="Parameters of a plugin, which sees them as PLUGIN_*."),
        Key(name="directory", form=checked(TEXT, below_or_absolute), meaning="Where to run, below the workspace."),
        Key(name="when", form=WHEN, meaning="On which events the step runs."),
        Key(
            name="depends_on",
            form=DEPENDENCIES,
            meaning="Steps that must end first. Once any step has this key, even `[]`, those without it start at once.",
        ),
        Key(
            name="failure",
            form=choice("fail", "ignore", "cancel"),
            meaning="What the step's failure does: fail the job, nothing, or cancel the whole run.",
        ),
        Key(name="detach", form=FLAG, meaning="True to run in the background until the job ends."),
        Key(name="timeout", form=DURATION, meaning="How long the step may take."),
        Key(name="artifacts", form=ARTIFACTS, meaning="Files of the workspace to keep when the step has ended."),
    ),
    later=frozenset(
        {
            "approval", "backend_options", "build", "cache", "devices", "dns", "dns_search", "extends", "extra_hosts",
            "group", "healthcheck", "needs_artifacts", "network_mode", "outputs", "ports", "privileged", "pull",
            "reports", "resources", "retry", "reuse", "secrets", "shell", "tmpfs", "volumes",
        }
    ),
    elsewhere={
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
    },
)  # fmt: skip

_OF_SERVICES = frozenset({"name", "image", "commands", "entrypoint", "environment", "settings", "directory", "when"})

SERVICE_KEYS = Keys(
    owner="a service",
    known=tuple(key for key in STEP_KEYS.known if key.name in _OF_SERVICES),
    later=STEP_KEYS.later | {"command"},
    elsewhere=dict.fromkeys(set(STEP_KEYS.names) - _OF_SERVICES, "only steps have this key")
    | {name: hint for name, hint in STEP_KEYS.elsewhere.items() if name != "command"},
)

_WORKSPACE_KEYS = Keys(
    owner="a workspace",
    known=(
        Key(name="base", form=checked(TEXT, absolute), meaning="Where all the job's steps find its volume."),
        Key(name="path", form=checked(TEXT, below), meaning="The checkout's directory below the base."),
    ),
)

WORKFLOW_KEYS = Keys(
    owner="a workflow",
    known=(
        Key(name="when", form=WHEN, meaning="On which events the workflow runs; always without it."),
        Key(
            name="steps",
            form=named_steps(record(STEP_KEYS, Step), default_name="step-{index}"),
            meaning="What to run, in this order: a list, or a map from names.",
            required=True,
        ),
        Key(
            name="services",
            form=named_steps(record(SERVICE_KEYS, Step), default_name=""),
            meaning="Containers in the background, started before the steps, which reach them by name.",
        ),
        Key(name="environment", form=ENVIRONMENT, meaning="Variables of every step."),
        Key(name="depends_on", form=DEPENDENCIES, meaning="Workflows of this run that must succeed first."),
        Key(name="workspace", form=plain_record(_WORKSPACE_KEYS, Workspace), meaning="Where the checkout is."),
        Key(name="labels", form=map_of(TEXT), meaning="Which workers may take the job: they have all of these."),
        Key(name="skip_clone", form=FLAG, meaning="True to start with an empty workspace."),
        Key(name="timeout", form=DURATION, meaning="How long the whole job may take."),
        Key(name="variables", form=ANYTHING, meaning="A place for YAML anchors; Headrace reads nothing here."),
    ),
    later=frozenset({"branches", "clone", "concurrency", "include", "matrix", "params", "platform", "runs_on"}),
    elsewhere={
        "pipeline": "write `steps`",
        "jobs": "write `steps`; one file is one workflow",
        "stages": "write `steps` with `depends_on`",
        "on": "write `when: {event: …}`",
        "image": "put it on each step",
        "kind": "this is a Drone file: keep `steps` and leave this out",
        "type": "this is a Drone file: keep `steps` and leave this out",
        "trigger": "this is a Drone file: write `when`",
    },
)
