"""GitHub's commit statuses, and the form of them that Gitea took over."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from pipelines.status import Status
from worker.statuses.commitstatus import CommitStatus, cut, short_name
from worker.statuses.dialect import Answer, Call, Place, quoted

_DESCRIPTION = 140
_CONTEXT = 255
_STATES = {
    Status.PENDING: "pending",
    Status.RUNNING: "pending",
    Status.BLOCKED: "pending",
    Status.SUCCESS: "success",
    Status.SKIPPED: "success",
    Status.FAILURE: "failure",
    Status.TIMED_OUT: "failure",
    Status.ERROR: "error",
    Status.CANCELLED: "error",
    Status.LOST: "error",
}


class GitHub:
    """github.com, GitHub with data residency, and GitHub Enterprise Server."""

    def call(self, place: Place, said: CommitStatus) -> Call:
        """`POST /repos/OWNER/NAME/statuses/SHA`."""
        return Call(
            url=f"{_api(place.address)}/repos/{quoted(place.repository)}/statuses/{said.sha}",
            headers={
                "authorization": f"Bearer {place.token}",
                "accept": "application/vnd.github+json",
                "x-github-api-version": "2022-11-28",
            },
            body=hub_body(said),
        )

    def is_repetition(self, answer: Answer) -> bool:  # noqa: ARG002 -- it takes every status as often as it comes
        """Never."""
        return False


def hub_body(said: CommitStatus) -> Mapping[str, str]:
    """A status as GitHub and Gitea take it."""
    return {
        "state": _STATES[said.status],
        "target_url": said.url,
        "description": cut(said.description, _DESCRIPTION),
        "context": short_name(said.context, _CONTEXT),
    }


def _api(address: str) -> str:
    host = urlsplit(address).hostname or ""
    if host == "github.com" or host.endswith(".ghe.com"):
        return f"https://api.{host}"
    return f"{address}/api/v3"
