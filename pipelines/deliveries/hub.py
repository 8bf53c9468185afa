"""The shape of payloads that GitHub made and Gitea took over: pushes, pull requests and releases."""

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from pipelines.deliveries import happenings
from pipelines.deliveries.fields import Fields
from pipelines.deliveries.reading import Ignored, Outcome, starts_no_run
from pipelines.event import Event, EventKind, PullRequest, Release, Repository

PUBLISHED = "published"


def outcome(
    name: str,
    payload: Fields,
    ours: Repository,
    *,
    actions: Mapping[str, EventKind],
    is_from_fork: Callable[[Fields], bool],
) -> Outcome:
    """What an event of this name asks for.

    `actions` says what happens to a pull request by the forge's words, `is_from_fork` judges the payload's one.
    """
    if name not in ("push", "pull_request", "release"):
        return starts_no_run(name)
    repository = _repository(payload, ours)
    if name == "push":
        return _push(payload, repository)
    action = payload.required_text("action")
    if name == "release":
        return _release(payload, repository, action)
    if action not in actions:
        return Ignored(reason=f"pull request {action[:80]!r} starts no run")
    return _pull_request(payload, repository, actions[action], is_from_fork)


def sender(payload: Fields) -> Event:
    """Who did it, as the forge says, and the forge's word for what."""
    account = payload.optional_object("sender")
    return Event(sender=account.text("login"), sender_avatar=account.text("avatar_url"), action=payload.text("action"))


def _repository(payload: Fields, ours: Repository) -> Repository:
    theirs = payload.object("repository")
    theirs.required_text("full_name")
    number = str(theirs.integer("id")) if theirs.has("id") else ""
    return replace(ours, remote_id=number, private=theirs.truth("private"))


def _push(payload: Fields, repository: Repository) -> Outcome:
    commit = payload.optional_object("head_commit")
    author = commit.optional_object("author")
    return happenings.moved_ref(
        repository,
        ref=payload.ref("ref"),
        before=payload.sha("before"),
        after=payload.sha("after"),
        said=replace(
            sender(payload),
            message=commit.text("message"),
            author=author.text("name"),
            author_email=author.text("email"),
            forge_url=payload.text("compare") or payload.text("compare_url"),
        ),
    )


def _pull_request(
    payload: Fields, repository: Repository, kind: EventKind, is_from_fork: Callable[[Fields], bool]
) -> Outcome:
    request = payload.object("pull_request")
    head, base = request.object("head"), request.object("base")
    number = payload.integer("number")
    return happenings.pull_request(
        repository,
        kind,
        PullRequest(
            number=number,
            source_branch=head.branch("ref"),
            target_branch=base.branch("ref"),
            from_fork=is_from_fork(request),
            labels=request.names("labels", "name"),
            milestone=request.optional_object("milestone").text("title"),
            draft=request.truth("draft"),
        ),
        ref=f"refs/pull/{number}/head",
        sha=head.sha("sha"),
        said=replace(
            sender(payload),
            message=request.text("title"),
            author=request.optional_object("user").text("login"),
            forge_url=request.text("html_url"),
        ),
    )


def _release(payload: Fields, repository: Repository, action: str) -> Outcome:
    if action != PUBLISHED:
        return Ignored(reason=f"release {action[:80]!r} starts no run")
    release = payload.object("release")
    return happenings.release(
        repository,
        tag=release.required_text("tag_name"),
        sha="",
        release=Release(title=release.text("name"), prerelease=release.truth("prerelease")),
        said=replace(
            sender(payload),
            author=release.optional_object("author").text("login"),
            forge_url=release.text("html_url"),
        ),
    )
