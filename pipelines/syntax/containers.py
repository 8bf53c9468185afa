"""How a step's container is made and kept in check: builds, pulls, retries, resources, health, users."""

from collections.abc import Mapping

from pipelines.details import Approval, Build, Healthcheck, Resources, Retry, Value, references
from pipelines.nodes import Map, Scalar
from pipelines.paths import below
from pipelines.places import Place
from pipelines.syntax.forms import ANYTHING, FLAG, TEXT, Form, checked, choice, either, map_or, mapped, one_or_many
from pipelines.syntax.keys import H, Key, Keys, plain_record
from pipelines.syntax.quantities import DURATION, FRACTION, SIZE, whole
from pipelines.syntax.shapes import COMMANDS, FILLED
from pipelines.syntax.trusted import TRUST_BY_KEY
from pipelines.syntax.values import ENVIRONMENT

_BELOW = checked(FILLED, below)


def _secret_in_arguments(arguments: Mapping[str, Value]) -> str:
    """What is wrong with a build's arguments, to complete "`args` …"."""
    named = [name for name, value in arguments.items() if references(value)]
    return f"may hold no secret, as {named[0]!r} does: whoever has the image can read them" if named else ""


_BUILD_KEYS = Keys(
    owner="a build",
    known=(
        Key(name="context", form=_BELOW, meaning="The directory that is sent to the build.", required=True, origin=H),
        Key(name="dockerfile", form=_BELOW, meaning="The Dockerfile, below the context.", origin=H),
        Key(
            name="args",
            form=checked(ENVIRONMENT, _secret_in_arguments),
            meaning="The build's arguments, in the clear.",
            origin=H,
        ),
        Key(name="target", form=TEXT, meaning="The stage to build.", origin=H),
    ),
)
_RETRY_KEYS = Keys(
    owner="a retry",
    known=(
        Key(name="attempts", form=whole(lowest=1, highest=10), meaning="Tries in all.", required=True, origin=H),
        Key(
            name="exit_codes",
            form=one_or_many(whole(lowest=1, highest=255)),
            meaning="Only after these exit codes.",
            default="all but 0",
            origin=H,
        ),
        Key(
            name="on",
            form=one_or_many(choice("failure", "timeout", "oom", "error", "lost")),
            meaning="After which ends: the step failed, took too long, ran out of memory or couldn't run; on servers "
            "also that its worker vanished: then the job begins anew.",
            default="failure",
            origin=H,
        ),
        Key(name="delay", form=DURATION, meaning="How long to wait in between.", origin=H),
    ),
)
_RESOURCE_KEYS = Keys(
    owner="resources",
    known=(
        Key(name="cpus", form=FRACTION, meaning="Cores, such as 1.5.", origin=H),
        Key(name="memory", form=SIZE, meaning="Memory, such as 512M.", origin=H),
        Key(name="pids", form=whole(lowest=1, highest=1_000_000), meaning="Processes.", origin=H),
        Key(name="shm", form=SIZE, meaning="Shared memory, such as 64M.", origin=H),
    ),
)
_HEALTHCHECK_KEYS = Keys(
    owner="a healthcheck",
    known=(
        Key(name="command", form=COMMANDS, meaning="What tells by its exit code.", default="the image's own", origin=H),
        Key(name="interval", form=DURATION, meaning="The time between two checks.", origin=H),
        Key(name="timeout", form=DURATION, meaning="How long one check may take.", origin=H),
        Key(name="retries", form=whole(lowest=1, highest=1000), meaning="Failures in a row that count.", origin=H),
        Key(name="start_period", form=DURATION, meaning="Time to start, in which failures don't count.", origin=H),
    ),
)
_APPROVAL_KEYS = Keys(
    owner="an approval",
    known=(
        Key(name="message", form=TEXT, meaning="What to ask.", origin=H),
        Key(
            name="users",
            form=one_or_many(TEXT),
            meaning="Accounts of the server that may answer.",
            default="all that may cancel runs",
            origin=H,
        ),
        Key(name="timeout", form=DURATION, meaning="How long that may take.", default="a week", origin=H),
    ),
)
_DOCKER_KEYS = Keys(
    owner="the Docker options",
    known=(Key(name="user", form=TEXT, meaning="User or user:group, by name or number."),),
    elsewhere=dict.fromkeys(TRUST_BY_KEY, "write it on the step itself, in a repository that is trusted with it"),
)


def _user(*, docker: Mapping[str, str] | None = None) -> str:
    return docker.get("user", "") if docker else ""


_BACKEND_KEYS = Keys(
    owner="backend options",
    known=(
        Key(name="docker", form=plain_record(_DOCKER_KEYS, dict[str, str]), meaning="For the Docker engine."),
        Key(name="kubernetes", form=ANYTHING, meaning="Woodpecker's; without effect here."),
        Key(name="local", form=ANYTHING, meaning="Woodpecker's; without effect here."),
    ),
)

_FLAG_WORDS = frozenset({"true", "false", "yes", "no", "on", "off"})


def _is_flag(place: Place) -> bool:
    return isinstance(place.node, Scalar) and place.node.text.lower() in _FLAG_WORDS


def _approval(place: Place) -> Approval | None:
    if isinstance(place.node, Map):
        return plain_record(_APPROVAL_KEYS, Approval).read(place)
    return Approval() if FLAG.read(place) else None


_POLICIES = choice("always", "missing", "never")
_POLICY_BY_FLAG = mapped(FLAG, lambda is_always: "always" if is_always else "missing")
PULL: Form[str] = either(
    "true, always, missing or never",
    lambda place: _POLICY_BY_FLAG if _is_flag(place) else _POLICIES,
    _POLICY_BY_FLAG,
    _POLICIES,
)
BUILD: Form[Build] = map_or(mapped(_BELOW, lambda context: Build(context=context)), plain_record(_BUILD_KEYS, Build))
RETRY: Form[Retry] = map_or(
    mapped(whole(lowest=1, highest=10), lambda attempts: Retry(attempts=attempts)), plain_record(_RETRY_KEYS, Retry)
)
RESOURCES: Form[Resources] = plain_record(_RESOURCE_KEYS, Resources)
HEALTHCHECK: Form[Healthcheck] = plain_record(_HEALTHCHECK_KEYS, Healthcheck)
APPROVAL: Form[Approval] = Form(
    "true or {message, users, timeout}", _approval, {"anyOf": [FLAG.schema, {"map": _APPROVAL_KEYS}]}
)
BACKEND_OPTIONS: Form[str] = plain_record(_BACKEND_KEYS, _user)
