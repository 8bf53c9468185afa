"""GitLab's deliveries: pushes, tag pushes, merge requests, releases and deployments."""

from msgspec.structs import replace

from pipelines.deliveries import happenings
from pipelines.deliveries.fields import Fields
from pipelines.deliveries.reading import Headers, Ignored, Outcome, delivery_key, starts_no_run
from pipelines.event import Deployment, Event, EventKind, PullRequest, Release, Repository

_PUBLIC_LEVEL = 20
_ACTIONS = {
    "open": EventKind.PULL_REQUEST,
    "reopen": EventKind.PULL_REQUEST,
    "close": EventKind.PULL_REQUEST_CLOSED,
    "merge": EventKind.PULL_REQUEST_CLOSED,
}


class GitLab:
    """gitlab.com, and GitLab on one's own machines."""

    def key(self, headers: Headers) -> str:
        """The one that is signed, where there is a signature.

        GitLab before 17.4 sends none that lasts over its retries; each of its tries then counts as a delivery.
        """
        if "webhook-signature" in headers:
            return delivery_key(headers, "webhook-id")
        return delivery_key(headers, "idempotency-key", "x-gitlab-webhook-uuid")

    def name(self, headers: Headers) -> str:
        """Such as `Push Hook`."""
        return headers.get("x-gitlab-event", "")

    def outcomes(self, name: str, payload: Fields, repository: Repository) -> tuple[Outcome, ...]:
        """One."""
        read = {
            "Push Hook": _push,
            "Tag Push Hook": _push,
            "Merge Request Hook": _merge_request,
            "Release Hook": _release,
            "Deployment Hook": _deployment,
        }.get(name)
        return (read(payload, _repository(payload, repository)) if read else starts_no_run(name),)


def _repository(payload: Fields, ours: Repository) -> Repository:
    theirs = payload.object("project")
    theirs.required_text("path_with_namespace")
    number = str(theirs.integer("id")) if theirs.has("id") else ""
    level = theirs.integer("visibility_level") if theirs.has("visibility_level") else 0
    return replace(ours, remote_id=number, private=level < _PUBLIC_LEVEL)


def _push(payload: Fields, repository: Repository) -> Outcome:
    after = payload.sha("after")
    commit = next((commit for commit in payload.objects("commits") if commit.text("id") == after), Fields({}))
    author = commit.optional_object("author")
    return happenings.moved_ref(
        repository,
        ref=payload.ref("ref"),
        before=payload.sha("before"),
        after=after,
        said=Event(
            message=commit.text("message"),
            author=author.text("name"),
            author_email=author.text("email"),
            sender=payload.text("user_username"),
            sender_avatar=payload.text("user_avatar"),
            forge_url=commit.text("url"),
        ),
    )


def _merge_request(payload: Fields, repository: Repository) -> Outcome:
    request = payload.object("object_attributes")
    action = request.text("action")
    kind = _kind(request, action)
    if kind is None:
        return Ignored(reason=f"merge request {action[:80]!r} starts no run")
    number = request.integer("iid")
    user = payload.optional_object("user")
    return happenings.pull_request(
        repository,
        kind,
        PullRequest(
            number=number,
            source_branch=request.branch("source_branch"),
            target_branch=request.branch("target_branch"),
            from_fork=request.integer("source_project_id") != request.integer("target_project_id"),
            labels=payload.names("labels", "title"),
            draft=request.truth("draft") or request.truth("work_in_progress"),
        ),
        ref=f"refs/merge-requests/{number}/head",
        sha=request.object("last_commit").sha("id"),
        said=Event(
            message=request.text("title"),
            author=request.object("last_commit").optional_object("author").text("name"),
            sender=user.text("username"),
            sender_avatar=user.text("avatar_url"),
            forge_url=request.text("url"),
            action=action,
        ),
    )


def _kind(request: Fields, action: str) -> EventKind | None:
    """An update of the title, a label or the draft mark has no `oldrev`: no commit has changed."""
    if action == "update":
        return EventKind.PULL_REQUEST if request.has("oldrev") else EventKind.PULL_REQUEST_METADATA
    return _ACTIONS.get(action)


def _release(payload: Fields, repository: Repository) -> Outcome:
    action = payload.required_text("action")
    if action != "create":
        return Ignored(reason=f"release {action[:80]!r} starts no run")
    commit = payload.object("commit")
    author = commit.optional_object("author")
    return happenings.release(
        repository,
        tag=payload.required_text("tag"),
        sha=commit.sha("id"),
        release=Release(title=payload.text("name")),
        said=Event(
            message=commit.text("message"),
            author=author.text("name"),
            author_email=author.text("email"),
            forge_url=payload.text("url"),
            action=action,
        ),
    )


def _deployment(payload: Fields, repository: Repository) -> Outcome:
    """One that begins asks for a run; how it ends is told to others. Of a merge request's commits nobody deploys."""
    status, ref = payload.required_text("status"), payload.required_text("ref")
    if status != "running":
        return Ignored(reason=f"deployment {status[:80]!r} starts no run")
    if ref.startswith("refs/"):
        return Ignored(reason=f"the deployment is of {ref[:80]!r}, which is neither a branch nor a tag")
    user = payload.optional_object("user")
    return happenings.deployment(
        repository,
        ref=ref,
        sha=payload.last_part_as_sha("commit_url"),
        deployment=Deployment(target=payload.text("environment")),
        said=Event(
            sender=user.text("username"),
            sender_avatar=user.text("avatar_url"),
            forge_url=payload.text("deployable_url"),
            action=status,
        ),
    )
