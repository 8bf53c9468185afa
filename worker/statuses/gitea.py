"""Gitea's and Forgejo's commit statuses: GitHub's, at another path."""

from worker.statuses.commitstatus import CommitStatus
from worker.statuses.dialect import Answer, Call, Place, quoted
from worker.statuses.github import hub_body


class Gitea:
    """Gitea and Forgejo."""

    def call(self, place: Place, said: CommitStatus) -> Call:
        """`POST /repos/OWNER/NAME/statuses/SHA`."""
        return Call(
            url=f"{place.address}/api/v1/repos/{quoted(place.repository)}/statuses/{said.sha}",
            headers={"authorization": f"token {place.token}", "accept": "application/json"},
            body=hub_body(said),
        )

    def is_repetition(self, answer: Answer) -> bool:  # noqa: ARG002 -- it takes every status as often as it comes
        """Never."""
        return False
