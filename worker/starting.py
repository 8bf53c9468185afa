"""Starting: the events of runs that people and clocks ask for, rather than a forge. Pure.

SECURITY. Who starts a run is the account that asks, never the commit's author. What runs is always a commit of the
repository's own branches: the worker looks where a branch stands, and a pull request's from a fork is not deployed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from pipelines.event import Deployment, Event, EventKind
from pipelines.variables import is_reserved
from worker.errors import Conflict, Malformed
from worker.store.queries import StoredRun
from worker.trust import is_from_fork

REF_NAME_PATTERN = r"[^\x00-\x20\x7f~^:?*\[\\-][^\x00-\x20\x7f~^:?*\[\\]{0,199}"
SHA_PATTERN = "[0-9a-f]{7,64}"
PARAMETER_PATTERN = "[A-Za-z_][A-Za-z0-9_]{0,99}"
VALUE_PATTERN = r"[^\x00]{0,10000}"
WORKFLOW_PATTERN = r"[^\x00-\x1f\x7f/]{1,200}"
MOST_PARAMETERS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What somebody asks to run: a branch (`""`: the default one), a tag, or a commit of the branch.

    `params` are the inputs by name; `workflows` those that alone are to run.
    """

    branch: str = ""
    tag: str = ""
    sha: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    workflows: Sequence[str] = ()


def manual_event(start: Start, *, default_branch: str, by: str) -> Event:
    """The event of a run that this account starts by hand. Raises Malformed."""
    if start.tag and (start.branch or start.sha):
        raise Malformed("a tag says which commit to run: give no branch and no commit with it")
    branch = "" if start.tag else start.branch or default_branch
    return Event(
        kind=EventKind.MANUAL,
        ref=_ref(branch, start.tag),
        branch=branch,
        asked_sha=_checked(start.sha, SHA_PATTERN, "commit", "7 to 64 hexadecimal digits"),
        sender=by,
        params=checked_params(start.params),
        workflows=tuple(_checked(name, WORKFLOW_PATTERN, "workflow", "its name") for name in start.workflows),
    )


def cron_event(*, name: str, branch: str, params: Mapping[str, str], default_branch: str, by: str = "") -> Event:
    """The event of a schedule whose time has come, or that this account runs now."""
    branch = branch or default_branch
    return Event(kind=EventKind.CRON, cron=name, ref=_ref(branch, ""), branch=branch, params=dict(params), sender=by)


def deployment_event(run: StoredRun, *, target: str, task: str, params: Mapping[str, str], by: str) -> Event:
    """The event of deploying what an earlier run was of. Raises Conflict if that can't be, Malformed."""
    named = f"run {run.number} of {run.repository}"
    if not run.status.is_terminal:
        raise Conflict(f"{named} goes on: deploy what has ended")
    if is_from_fork(run.event):
        raise Conflict(f"{named} is of a pull request from a fork: merge it, and deploy the run that comes of that")
    if not run.event.sha:
        raise Conflict(f"{named} never came to a commit: there is nothing to deploy")
    request = run.event.pull_request
    return replace(
        run.event,
        kind=EventKind.DEPLOYMENT,
        branch=request.source_branch if request else run.event.branch,
        deployment=Deployment(target=_one_line(target, "environment"), task=_one_line(task, "task")),
        parent=run.number,
        reruns=0,
        action="",
        cron="",
        release=None,
        sender=by,
        sender_avatar="",
        params=checked_params(params),
        workflows=(),
    )


def repeated_event(run: StoredRun) -> Event:
    """The event of running an earlier run again, at its commit."""
    return replace(run.event, parent=run.number, reruns=run.event.reruns + 1)


def checked_branch(name: str) -> str:
    """A branch's name as git has them, or `""`. Raises Malformed."""
    return _checked(name, REF_NAME_PATTERN, "branch", "a name as git has them")


def checked_params(params: Mapping[str, str]) -> dict[str, str]:
    """Inputs whose names can be variables; their types are the workflow file's matter. Raises Malformed."""
    if len(params) > MOST_PARAMETERS:
        raise Malformed(f"there are {len(params)} params: a run may have {MOST_PARAMETERS}")
    for name, value in params.items():
        _check_param(name, value)
    return dict(params)


def _check_param(name: str, value: str) -> None:
    if not re.fullmatch(PARAMETER_PATTERN, name):
        raise Malformed(f"{name[:40]!r} can't be a param: expected letters, digits and '_', such as TARGET")
    if is_reserved(name):
        raise Malformed(f"the param {name} has a name that is Headrace's own: take another one")
    if not re.fullmatch(VALUE_PATTERN, value):
        raise Malformed(f"the param {name} can't be a variable: expected at most 10,000 characters, none of them zero")


def _ref(branch: str, tag: str) -> str:
    if tag:
        return f"refs/tags/{_checked(tag, REF_NAME_PATTERN, 'tag', 'a name as git has them')}"
    return f"refs/heads/{checked_branch(branch)}" if branch else ""


def _checked(text: str, pattern: str, what: str, expected: str) -> str:
    if text and not re.fullmatch(pattern, text):
        raise Malformed(f"{text[:80]!r} is no {what}: expected {expected}")
    return text


def _one_line(text: str, what: str) -> str:
    if not text.isprintable() or len(text) > 100:
        raise Malformed(f"the {what} {text[:40]!r} is no name: expected one line of at most 100 characters")
    return text.strip()
