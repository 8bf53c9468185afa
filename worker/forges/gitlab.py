"""GitLab: the secret itself as a token, or since 2026 a signature over id, time and body."""

from pipelines.event import Event, PullRequest
from worker.forges.base import Headers, Ignored, Parsed, pull_request_event, ref_event
from worker.forges.fields import Fields, delivery_key, storable
from worker.forges.signatures import check_standard, check_token
from worker.store.repositories import StoredRepository

_BUILT_ACTIONS = ("open", "reopen")
_PUSHES = ("Push Hook", "Tag Push Hook")
_MERGE_REQUEST = "Merge Request Hook"


class GitLab:
    """gitlab.com, and GitLab on one's own machines."""

    name = "gitlab"
    setup = (
        "Project > Settings > Webhooks > Add new webhook: URL as above, the secret as Secret token,\n"
        "trigger: Push events, Tag push events, Merge request events."
    )

    def verify(self, headers: Headers, body: bytes, secret: str, now: float) -> None:
        """Where there is a signature it must verify: a token beside it never makes up for a wrong one."""
        if "webhook-signature" in headers:
            check_standard(
                headers["webhook-signature"],
                secret=secret,
                key=headers.get("webhook-id", ""),
                timestamp=headers.get("webhook-timestamp", ""),
                body=body,
                now=now,
            )
        else:
            check_token(headers.get("x-gitlab-token", ""), secret=secret, header="x-gitlab-token")

    def parse(self, headers: Headers, body: bytes, repository: StoredRepository) -> Parsed:
        """Pushes, tags, and merge requests whose commits have changed."""
        payload, stored = storable(body)
        name = headers.get("x-gitlab-event", "")
        return Parsed(
            key=_key(headers),
            name=name,
            payload=stored,
            outcomes=(_outcome(name, payload, repository),),
        )


def _key(headers: Headers) -> str:
    if "webhook-signature" in headers:
        return delivery_key(headers, "webhook-id")  # the one that is signed
    # GitLab before 17.4 sends no key that lasts over its retries; each of its tries then counts as a delivery.
    return delivery_key(headers, "idempotency-key", "x-gitlab-webhook-uuid")


def _outcome(name: str, payload: Fields, repository: StoredRepository) -> Event | Ignored:
    if name in _PUSHES:
        return _push(payload, repository)
    if name == _MERGE_REQUEST:
        return _merge_request(payload, repository)
    return Ignored(reason=f"event {name[:80]!r} starts no run")


def _push(payload: Fields, repository: StoredRepository) -> Event | Ignored:
    payload.object("project").required_text("path_with_namespace")
    after = payload.sha("after")
    commit = next((commit for commit in payload.objects("commits") if commit.text("id") == after), Fields({}))
    author = commit.optional_object("author")
    return ref_event(
        repository,
        ref=payload.ref("ref"),
        before=payload.sha("before"),
        after=after,
        said=Event(
            message=commit.text("message"),
            author=author.text("name"),
            author_email=author.text("email"),
            sender=payload.text("user_username"),
        ),
    )


def _merge_request(payload: Fields, repository: StoredRepository) -> Event | Ignored:
    payload.object("project").required_text("path_with_namespace")
    request = payload.object("object_attributes")
    action = request.text("action")
    # An update of the title, a label or the draft mark has no oldrev: no commit has changed.
    if action not in _BUILT_ACTIONS and not (action == "update" and request.has("oldrev")):
        return Ignored(reason=f"merge request {action[:80]!r} without new commits starts no run")
    number = request.integer("iid")
    return pull_request_event(
        repository,
        PullRequest(
            number=number,
            source_branch=request.branch("source_branch"),
            target_branch=request.branch("target_branch"),
            from_fork=request.integer("source_project_id") != request.integer("target_project_id"),
        ),
        ref=f"refs/merge-requests/{number}/head",
        sha=request.object("last_commit").sha("id"),
        said=Event(
            message=request.text("title"),
            author=request.object("last_commit").optional_object("author").text("name"),
            sender=payload.optional_object("user").text("username"),
        ),
    )
