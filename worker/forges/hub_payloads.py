"""The shape of payloads that GitHub made and Gitea took over: pushes and pull requests, read the same way for both."""

from collections.abc import Callable, Collection

from pipelines.event import Event, PullRequest
from worker.forges.base import Ignored, pull_request_event, ref_event
from worker.forges.fields import Fields
from worker.store.repositories import StoredRepository


def outcome(
    name: str,
    payload: Fields,
    repository: StoredRepository,
    *,
    built_actions: Collection[str],
    is_from_fork: Callable[[Fields], bool],
) -> Event | Ignored:
    """What an event of this name asks for. `is_from_fork` judges the payload's `pull_request`."""
    if name == "push":
        return push(payload, repository)
    if name != "pull_request":
        return Ignored(reason=f"event {name[:80]!r} starts no run")
    action = payload.required_text("action")
    if action not in built_actions:
        return Ignored(reason=f"pull request {action[:80]!r} starts no run")
    return pull_request(payload, repository, from_fork=is_from_fork(payload.object("pull_request")))


def push(payload: Fields, repository: StoredRepository) -> Event | Ignored:
    """What a `push` asks for."""
    payload.object("repository").required_text("full_name")
    commit = payload.optional_object("head_commit")
    author = commit.optional_object("author")
    return ref_event(
        repository,
        ref=payload.ref("ref"),
        before=payload.sha("before"),
        after=payload.sha("after"),
        said=Event(
            message=commit.text("message"),
            author=author.text("name"),
            author_email=author.text("email"),
            sender=payload.optional_object("sender").text("login"),
        ),
    )


def pull_request(payload: Fields, repository: StoredRepository, *, from_fork: bool) -> Event | Ignored:
    """What a new state of a pull request asks for."""
    payload.object("repository").required_text("full_name")
    request = payload.object("pull_request")
    head, base = request.object("head"), request.object("base")
    number = payload.integer("number")
    return pull_request_event(
        repository,
        PullRequest(
            number=number,
            source_branch=head.branch("ref"),
            target_branch=base.branch("ref"),
            from_fork=from_fork,
        ),
        ref=f"refs/pull/{number}/head",
        sha=head.sha("sha"),
        said=Event(
            message=request.text("title"),
            author=request.optional_object("user").text("login"),
            sender=payload.optional_object("sender").text("login"),
        ),
    )
