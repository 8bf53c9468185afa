"""GitHub's deliveries: pushes, pull requests, releases, deployments, and the ping of a new hook."""

from msgspec.structs import replace

from pipelines.deliveries import happenings, hub
from pipelines.deliveries.fields import Fields
from pipelines.deliveries.reading import Headers, Ignored, Outcome, delivery_key
from pipelines.event import Deployment, EventKind, Repository

_ACTIONS = {
    **dict.fromkeys(("opened", "synchronize", "reopened"), EventKind.PULL_REQUEST),
    "closed": EventKind.PULL_REQUEST_CLOSED,
    **dict.fromkeys(
        (
            *("assigned", "unassigned", "labeled", "unlabeled", "milestoned", "demilestoned"),
            *("edited", "ready_for_review", "converted_to_draft"),
        ),
        EventKind.PULL_REQUEST_METADATA,
    ),
}


class GitHub:
    """github.com, and GitHub Enterprise Server."""

    def key(self, headers: Headers) -> str:
        """The same one when somebody has it sent again."""
        return delivery_key(headers, "x-github-delivery")

    def name(self, headers: Headers) -> str:
        """Such as `push`."""
        return headers.get("x-github-event", "")

    def outcomes(self, name: str, payload: Fields, repository: Repository) -> tuple[Outcome, ...]:
        """One."""
        if name == "ping":
            return (Ignored(reason="ping: the hook works"),)
        if name == "deployment":
            return (_deployment(payload, repository),)
        return (hub.outcome(name, payload, repository, actions=_ACTIONS, is_from_fork=_is_from_fork),)


def _deployment(payload: Fields, repository: Repository) -> Outcome:
    deployment = payload.object("deployment")
    return happenings.deployment(
        repository,
        ref=deployment.required_text("ref"),
        sha=deployment.sha("sha"),
        deployment=Deployment(target=deployment.text("environment"), task=deployment.text("task")),
        said=replace(hub.sender(payload), author=deployment.optional_object("creator").text("login")),
    )


def _is_from_fork(request: Fields) -> bool:
    # Not `head.repo.fork`: that one also is true within a repository that is itself a fork.
    head, base = request.object("head"), request.object("base")
    return not head.has("repo") or head.object("repo").integer("id") != base.object("repo").integer("id")
