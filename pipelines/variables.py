"""The `CI_*` variables of a job that are known when planning, from the event. Empty ones are not set."""

import json

from pipelines.event import Event, EventKind

_MAX_FILES = 500


def job_variables(event: Event, *, workflow: str, workspace: str) -> dict[str, str]:
    """All of them, by name, for every step of a job."""
    variables = {
        "CI": "headrace",
        "CI_SYSTEM_NAME": "headrace",
        "CI_FORGE_URL": _forge_url(event),
        **_repository(event),
        **_commit(event),
        **_pull_request(event),
        "CI_PIPELINE_EVENT": event.kind.value,
        "CI_PIPELINE_AUTHOR": event.sender or event.author,
        "CI_PIPELINE_FILES": _files(event),
        "CI_WORKFLOW_NAME": workflow,
        "CI_WORKSPACE": workspace,
    }
    return {name: value for name, value in variables.items() if value}


def _forge_url(event: Event) -> str:
    page = event.repository.url
    root = page.removesuffix(f"/{event.repository.full_name}")
    return root if root != page else ""


def _repository(event: Event) -> dict[str, str]:
    repository = event.repository
    return {
        "CI_REPO": repository.full_name,
        "CI_REPO_OWNER": repository.owner,
        "CI_REPO_NAME": repository.name,
        "CI_REPO_URL": repository.url,
        "CI_REPO_CLONE_URL": repository.clone_url,
        "CI_REPO_DEFAULT_BRANCH": repository.default_branch,
    }


def _commit(event: Event) -> dict[str, str]:
    return {
        "CI_COMMIT_SHA": event.sha,
        "CI_COMMIT_REF": event.ref,
        "CI_COMMIT_BRANCH": event.branch,
        "CI_COMMIT_TAG": event.tag if event.kind is EventKind.TAG else "",
        "CI_COMMIT_MESSAGE": event.message,
        "CI_COMMIT_AUTHOR": event.author,
        "CI_COMMIT_AUTHOR_EMAIL": event.author_email,
    }


def _pull_request(event: Event) -> dict[str, str]:
    request = event.pull_request
    if request is None or not event.kind.is_pull_request:
        return {}
    branches = (request.source_branch, request.target_branch)
    return {
        "CI_COMMIT_PULL_REQUEST": str(request.number) if request.number else "",
        "CI_COMMIT_SOURCE_BRANCH": request.source_branch,
        "CI_COMMIT_TARGET_BRANCH": request.target_branch,
        "CI_COMMIT_REFSPEC": ":".join(branches) if all(branches) else "",
    }


def _files(event: Event) -> str:
    """A JSON list; unset where nobody knows, and past the number that still fits an environment."""
    if event.changed_files is None or len(event.changed_files) > _MAX_FILES:
        return ""
    return json.dumps(event.changed_files, separators=(",", ":"), ensure_ascii=False)
