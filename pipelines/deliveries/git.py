"""Plain git's deliveries: a `post-receive` hook of ours posts which refs have moved."""

from pipelines.deliveries import happenings
from pipelines.deliveries.fields import Fields
from pipelines.deliveries.reading import MOST_CHANGES, Headers, Ignored, Outcome, delivery_key
from pipelines.event import Event, Repository


class PlainGit:
    """A bare repository on any machine that one can push to, without a forge around it."""

    def key(self, headers: Headers) -> str:
        """The one that is signed."""
        return delivery_key(headers, "webhook-id")

    def name(self, headers: Headers) -> str:  # noqa: ARG002
        """It is always the same."""
        return "post-receive"

    def outcomes(self, name: str, payload: Fields, repository: Repository) -> tuple[Outcome, ...]:  # noqa: ARG002
        """One update `{"ref", "before", "after"}`, or several in `{"updates": […]}`: an outcome for each."""
        updates = payload.objects("updates") if payload.has("updates") else [payload]
        if not updates:
            return (Ignored(reason="no ref has moved"),)
        if len(updates) > MOST_CHANGES:
            return (Ignored(reason=f"{len(updates)} refs have moved at once, at most {MOST_CHANGES} are taken"),)
        return tuple(
            happenings.moved_ref(
                repository,
                ref=update.ref("ref"),
                before=update.sha("before"),
                after=update.sha("after"),
                said=Event(),  # message, author and so on: the worker reads them from git
            )
            for update in updates
        )
