"""The `CI_*` variables that are known when planning, from the event.

What has no value is `""` here, which tells a name that is known from one that isn't; steps get only those with one.
"""

import json
from collections.abc import Mapping

from pipelines.event import Event, EventKind, Previous

AT_RUN_TIME = frozenset(
    {
        "CI_ATTEMPT", "CI_MACHINE", "CI_OUTPUT", "CI_PIPELINE_STATUS", "CI_SCRIPT", "CI_STEP_NAME", "CI_STEP_NUMBER",
        "CI_STEP_STARTED", "CI_STEP_TYPE", "CI_STEP_URL", "CI_WORKFLOW_NUMBER", "CI_WORKFLOW_STATUS", "CI_WORKSPACE",
    }
)  # fmt: skip
"""Names that steps see and planning doesn't know yet."""

_MAX_FILES = 500


def event_variables(event: Event, trust: frozenset[str] = frozenset()) -> dict[str, str]:
    """All that an event says, by name. `trust` is what an administrator trusts the repository with."""
    return {
        "CI": "headrace",
        **_system(event),
        **_repository(event, trust),
        **_commit(event),
        **_pull_request(event),
        **_pipeline(event),
        **_previous(event.previous or Previous()),
    }


def with_values(variables: Mapping[str, str]) -> dict[str, str]:
    """Those that have a value."""
    return {name: value for name, value in variables.items() if value}


def is_reserved(name: str) -> bool:
    """True for names that are ours to give: an axis, a parameter or a global variable can't have them."""
    return name == "CI" or name.startswith(("CI_", "DRONE_", "PLUGIN_"))


def _system(event: Event) -> dict[str, str]:
    return {
        "CI_SYSTEM_NAME": "headrace",
        "CI_SYSTEM_URL": event.system.url,
        "CI_SYSTEM_HOST": event.system.host,
        "CI_SYSTEM_PLATFORM": event.system.platform,
        "CI_SYSTEM_VERSION": event.system.version,
        "CI_FORGE_TYPE": event.repository.forge_type,
        "CI_FORGE_URL": _forge_url(event),
    }


def _forge_url(event: Event) -> str:
    page = event.repository.url
    root = page.removesuffix(f"/{event.repository.full_name}")
    return root if root != page else ""


def _repository(event: Event, trust: frozenset[str]) -> dict[str, str]:
    repository = event.repository
    return {
        "CI_REPO": repository.full_name,
        "CI_REPO_OWNER": repository.owner,
        "CI_REPO_NAME": repository.name,
        "CI_REPO_REMOTE_ID": repository.remote_id,
        "CI_REPO_URL": repository.url,
        "CI_REPO_CLONE_URL": repository.clone_url,
        "CI_REPO_CLONE_SSH_URL": repository.clone_ssh_url,
        "CI_REPO_DEFAULT_BRANCH": repository.default_branch,
        "CI_REPO_PRIVATE": "" if repository.private is None else _flag(repository.private),
        **{f"CI_REPO_TRUSTED_{word.upper()}": _flag(word in trust) for word in ("network", "volumes", "security")},
    }


def _commit(event: Event) -> dict[str, str]:
    return {
        "CI_COMMIT_SHA": event.sha,
        "CI_COMMIT_REF": event.ref,
        "CI_COMMIT_BRANCH": event.branch,
        "CI_COMMIT_TAG": event.tag,
        "CI_COMMIT_MESSAGE": event.message,
        "CI_COMMIT_TIMESTAMP": _number(event.timestamp),
        "CI_COMMIT_AUTHOR": event.author,
        "CI_COMMIT_AUTHOR_EMAIL": event.author_email,
    }


def _pull_request(event: Event) -> dict[str, str]:
    request = event.pull_request if event.kind.is_pull_request else None
    source, target = (request.source_branch, request.target_branch) if request else ("", "")
    return {
        "CI_COMMIT_PULL_REQUEST": _number(request.number) if request else "",
        "CI_COMMIT_SOURCE_BRANCH": source,
        "CI_COMMIT_TARGET_BRANCH": target,
        "CI_COMMIT_REFSPEC": _refspec(source, target),
        "CI_COMMIT_PULL_REQUEST_LABELS": ",".join(request.labels) if request else "",
        "CI_COMMIT_PULL_REQUEST_MILESTONE": request.milestone if request else "",
        "CI_COMMIT_PULL_REQUEST_DRAFT": _flag(request.draft) if request else "",
    }


def _pipeline(event: Event) -> dict[str, str]:
    release = event.release if event.kind is EventKind.RELEASE else None
    return {
        "CI_PIPELINE_NUMBER": _number(event.number),
        "CI_PIPELINE_PARENT": _number(event.parent),
        "CI_PIPELINE_RERUNS": _number(event.reruns),
        "CI_PIPELINE_EVENT": event.kind.value,
        "CI_PIPELINE_EVENT_REASON": event.action,
        "CI_PIPELINE_URL": event.url,
        "CI_PIPELINE_FORGE_URL": event.forge_url,
        "CI_PIPELINE_DEPLOY_TARGET": event.deployment.target if event.deployment else "",
        "CI_PIPELINE_DEPLOY_TASK": event.deployment.task if event.deployment else "",
        "CI_PIPELINE_CREATED": _number(event.created_at),
        "CI_PIPELINE_STARTED": _number(event.started_at),
        "CI_PIPELINE_AUTHOR": event.sender or event.author,
        "CI_PIPELINE_AVATAR": event.sender_avatar,
        "CI_PIPELINE_FILES": _files(event),
        "CI_PIPELINE_RELEASE_TITLE": release.title if release else "",
        "CI_PIPELINE_RELEASE_PRE": _flag(release.prerelease) if release else "",
    }


def _previous(previous: Previous) -> dict[str, str]:
    commit = {
        "SHA": previous.sha,
        "REF": previous.ref,
        "REFSPEC": _refspec(previous.source_branch, previous.target_branch),
        "BRANCH": previous.branch,
        "URL": previous.forge_url,
        "MESSAGE": previous.message,
        "TIMESTAMP": _number(previous.timestamp),
        "AUTHOR": previous.author,
        "AUTHOR_EMAIL": previous.author_email,
        "SOURCE_BRANCH": previous.source_branch,
        "TARGET_BRANCH": previous.target_branch,
    }
    pipeline = {
        "NUMBER": _number(previous.number),
        "PARENT": _number(previous.parent),
        "EVENT": previous.kind,
        "URL": previous.url,
        "FORGE_URL": previous.forge_url,
        "STATUS": previous.status,
        "CREATED": _number(previous.created_at),
        "STARTED": _number(previous.started_at),
        "FINISHED": _number(previous.finished_at),
        "AUTHOR": previous.sender or previous.author,
    }
    return {
        **{f"CI_PREV_COMMIT_{name}": value for name, value in commit.items()},
        **{f"CI_PREV_PIPELINE_{name}": value for name, value in pipeline.items()},
    }


def _number(number: int) -> str:
    return str(number) if number else ""


def _flag(flag: bool) -> str:  # noqa: FBT001 (the only thing there is to say)
    return "true" if flag else "false"


def _refspec(source: str, target: str) -> str:
    return f"{source}:{target}" if source and target else ""


def _files(event: Event) -> str:
    """A JSON list; unset where nobody knows, and past the number that still fits an environment."""
    if event.changed_files is None or len(event.changed_files) > _MAX_FILES:
        return ""
    return json.dumps(event.changed_files, separators=(",", ":"), ensure_ascii=False)


NAMES = frozenset(event_variables(Event())) | {"CI_WORKFLOW_NAME"}
"""All the names that planning knows, with a value or without."""
