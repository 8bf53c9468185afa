"""Gitea's deliveries, and Forgejo's, which are the same under another name in the headers."""

from dataclasses import dataclass

from pipelines.deliveries import hub
from pipelines.deliveries.fields import Fields
from pipelines.deliveries.reading import Headers, Ignored, Outcome, delivery_key
from pipelines.event import EventKind, Repository

_ACTIONS = {
    **dict.fromkeys(("opened", "synchronized", "reopened"), EventKind.PULL_REQUEST),
    "closed": EventKind.PULL_REQUEST_CLOSED,
    **dict.fromkeys(
        ("assigned", "unassigned", "label_updated", "label_cleared", "milestoned", "demilestoned", "edited"),
        EventKind.PULL_REQUEST_METADATA,
    ),
}
_DUPLICATES = {
    "create": "a new branch or tag comes as a push as well",
    "delete": "a branch or tag was deleted",
}


@dataclass(frozen=True, slots=True)
class Gitea:
    """A forge of this family. Both also send GitHub's headers, which count for nothing here."""

    brand: str

    def key(self, headers: Headers) -> str:
        """A new one when somebody has it sent again."""
        return delivery_key(headers, f"x-{self.brand}-delivery")

    def name(self, headers: Headers) -> str:
        """Such as `push`; one for all that happens to a pull request."""
        return headers.get(f"x-{self.brand}-event", "")

    def outcomes(self, name: str, payload: Fields, repository: Repository) -> tuple[Outcome, ...]:
        """One."""
        if name in _DUPLICATES:
            return (Ignored(reason=_DUPLICATES[name]),)
        return (hub.outcome(name, payload, repository, actions=_ACTIONS, is_from_fork=_is_from_fork),)


def _is_from_fork(request: Fields) -> bool:
    return request.object("head").integer("repo_id") != request.object("base").integer("repo_id")
