"""Bitbucket Cloud's deliveries: pushes of several changes at once, and pull requests whose commits are abbreviated."""

from msgspec.structs import replace

from pipelines.deliveries import happenings
from pipelines.deliveries.fields import Fields
from pipelines.deliveries.reading import MOST_CHANGES, Headers, Ignored, Outcome, delivery_key, starts_no_run
from pipelines.event import Event, EventKind, PullRequest, Repository, fork_ref

_ZERO = "0" * 40
_REFS = {"branch": "refs/heads/", "tag": "refs/tags/"}
_PULL_REQUESTS = {
    "pullrequest:created": EventKind.PULL_REQUEST,
    "pullrequest:updated": EventKind.PULL_REQUEST,
    "pullrequest:fulfilled": EventKind.PULL_REQUEST_CLOSED,
    "pullrequest:rejected": EventKind.PULL_REQUEST_CLOSED,
}


class Bitbucket:
    """bitbucket.org."""

    def key(self, headers: Headers) -> str:
        """The same one over the tries, which `X-Attempt-Number` counts."""
        return delivery_key(headers, "x-request-uuid")

    def name(self, headers: Headers) -> str:
        """Such as `repo:push`."""
        return headers.get("x-event-key", "")

    def outcomes(self, name: str, payload: Fields, repository: Repository) -> tuple[Outcome, ...]:
        """One for each change of a push; one of a pull request."""
        if name == "repo:push":
            return _push(payload, _repository(payload, repository))
        if name in _PULL_REQUESTS:
            return (_pull_request(payload, _repository(payload, repository), name),)
        return (starts_no_run(name),)


def _repository(payload: Fields, ours: Repository) -> Repository:
    theirs = payload.object("repository")
    theirs.required_text("full_name")
    return replace(ours, remote_id=theirs.text("uuid"), private=theirs.truth("is_private"))


def _push(payload: Fields, repository: Repository) -> tuple[Outcome, ...]:
    changes = payload.object("push").objects("changes")
    if not changes:
        return (Ignored(reason="no ref has moved"),)
    if len(changes) > MOST_CHANGES:
        return (Ignored(reason=f"{len(changes)} refs have moved at once, at most {MOST_CHANGES} are taken"),)
    return tuple(_change(change, repository, _sender(payload)) for change in changes)


def _change(change: Fields, repository: Repository, sender: Event) -> Outcome:
    """`new` is null for a ref that was deleted, `old` for one that is new."""
    new, old = change.optional_object("new"), change.optional_object("old")
    named = new if change.has("new") else change.object("old")
    kind = named.required_text("type")
    if kind not in _REFS:
        return Ignored(reason=f"a {kind[:40]} is neither a branch nor a tag")
    commit = new.optional_object("target")
    author, email = _author(commit)
    return happenings.moved_ref(
        repository,
        ref=named.ref_named("name", _REFS[kind]),
        before=old.object("target").sha("hash") if change.has("old") else _ZERO,
        after=new.object("target").sha("hash") if change.has("new") else _ZERO,
        said=replace(
            sender,
            message=commit.text("message"),
            author=author,
            author_email=email,
            forge_url=_page(change),
        ),
    )


def _pull_request(payload: Fields, repository: Repository, name: str) -> Outcome:
    """One that is merged is at its merge commit on the target: its own branch may be gone by then."""
    request = payload.object("pullrequest")
    source, merge = request.object("source"), request.optional_object("merge_commit")
    from_fork = not _is_within(source, payload.object("repository"))
    if from_fork and not merge.has("hash") and not source.has("repository"):
        return Ignored(reason="the pull request is from a fork that is gone, and its commits with it")
    about = PullRequest(
        number=request.integer("id"),
        source_branch=source.object("branch").branch("name"),
        target_branch=request.object("destination").object("branch").branch("name"),
        from_fork=from_fork,
        draft=request.truth("draft"),
    )
    kind = _PULL_REQUESTS[name]
    said = replace(
        _sender(payload),
        message=request.text("title"),
        author=request.optional_object("author").text("display_name"),
        forge_url=_page(request),
        action=name.partition(":")[2],
    )
    if merge.has("hash"):
        ref, sha = f"refs/heads/{about.target_branch}", merge.abbreviated_sha("hash")
        return happenings.pull_request(repository, kind, about, ref=ref, sha=sha, said=said)
    sha = source.object("commit").abbreviated_sha("hash")
    if not from_fork:
        ref = f"refs/heads/{about.source_branch}"
        return happenings.pull_request(repository, kind, about, ref=ref, sha=sha, said=said)
    forked = replace(about, source_repository=source.object("repository").repository_name("full_name"))
    return happenings.pull_request(repository, kind, forked, ref=fork_ref(about.number), sha=sha, said=said)


def _is_within(source: Fields, repository: Fields) -> bool:
    """True unless a pull request comes from a fork: its repository is null once that is deleted."""
    name = source.optional_object("repository").text("full_name")
    return name == repository.required_text("full_name")


def _sender(payload: Fields) -> Event:
    actor = payload.optional_object("actor")
    avatar = actor.optional_object("links").optional_object("avatar").text("href")
    name = actor.text("nickname") or actor.text("username") or actor.text("display_name")
    return Event(sender=name, sender_avatar=avatar)


def _author(commit: Fields) -> tuple[str, str]:
    name, _, email = commit.optional_object("author").text("raw").partition("<")
    return name.strip(), email.removesuffix(">")


def _page(of: Fields) -> str:
    return of.optional_object("links").optional_object("html").text("href")
