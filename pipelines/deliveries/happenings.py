"""Happenings: what forges tell of, each as the Event it becomes, or as the reason why it becomes none.

In each, `said` holds what the forge said about the commit and who did it.
"""

from msgspec.structs import replace

from pipelines.deliveries.fields import is_sane_ref, is_sha, is_zero
from pipelines.deliveries.reading import Ignored, Outcome
from pipelines.event import Deployment, Event, EventKind, PullRequest, Release, Repository
from pipelines.wanted import skips_ci

_BRANCHES = "refs/heads/"


def moved_ref(repository: Repository, *, ref: str, before: str, after: str, said: Event) -> Outcome:
    """A branch or tag was made, moved or deleted: zeros stand for "there is none"."""
    if is_zero(after):
        return Ignored(reason=f"{ref} was deleted")
    moved = replace(said, repository=repository, ref=ref, sha=after, before="" if is_zero(before) else before)
    if moved.tag:
        return replace(moved, kind=EventKind.TAG)
    if not ref.startswith(_BRANCHES):
        return Ignored(reason=f"{ref} is neither a branch nor a tag")
    push = replace(moved, kind=EventKind.PUSH, branch=ref.removeprefix(_BRANCHES))
    return Ignored(reason="the commit message says [skip ci]") if skips_ci(push) else push


def pull_request(
    repository: Repository, kind: EventKind, request: PullRequest, *, ref: str, sha: str, said: Event
) -> Outcome:
    """A pull request has new commits, is closed, or something about it has changed. `sha` may be abbreviated."""
    about = replace(
        said, kind=kind, repository=repository, ref=ref, branch=request.target_branch, sha=sha, pull_request=request
    )
    return Ignored(reason="the title says [skip ci]") if skips_ci(about) else about


def release(repository: Repository, *, tag: str, sha: str, release: Release, said: Event) -> Outcome:
    """A release was published. Where the forge doesn't name its commit, git will: `sha` is `""`."""
    ref = f"refs/tags/{tag}"
    if not is_sane_ref(ref):
        return Ignored(reason=f"the release is of {tag[:80]!r}, which can't be a tag")
    return replace(said, kind=EventKind.RELEASE, repository=repository, ref=ref, sha=sha, release=release)


def deployment(repository: Repository, *, ref: str, sha: str, deployment: Deployment, said: Event) -> Outcome:
    """Somebody asks for a deployment of a branch; one of a bare commit counts as the default branch's."""
    branch = repository.default_branch if is_sha(ref) else ref.removeprefix(_BRANCHES)
    full = f"{_BRANCHES}{branch}"
    if not is_sane_ref(full):
        return Ignored(reason=f"the deployment is of {ref[:80]!r}, which can't be a branch")
    return replace(
        said,
        kind=EventKind.DEPLOYMENT,
        repository=repository,
        ref=full,
        branch=branch,
        sha=sha,
        deployment=deployment,
    )
