"""GitLab's commit statuses: a small machine of states, which refuses to be told the same twice."""

from urllib.parse import quote

from pipelines.status import Status
from worker.statuses.commitstatus import CommitStatus, cut, short_name
from worker.statuses.dialect import Answer, Call, Place

_LONGEST = 255
_REFUSES_MOVE = b"Cannot transition status"
_STATES = {
    Status.PENDING: "pending",
    Status.BLOCKED: "pending",
    Status.RUNNING: "running",
    Status.SUCCESS: "success",
    Status.SKIPPED: "skipped",
    Status.FAILURE: "failed",
    Status.TIMED_OUT: "failed",
    Status.ERROR: "failed",
    Status.LOST: "failed",
    Status.CANCELLED: "canceled",
}


class GitLab:
    """gitlab.com, and GitLab on one's own machines."""

    def call(self, place: Place, said: CommitStatus) -> Call:
        """`POST /projects/ID/statuses/SHA`. Without `ref` it would go to whichever branch GitLab finds first."""
        body = {
            "state": _STATES[said.status],
            "name": short_name(said.context, _LONGEST),
            "target_url": said.url,
            "description": cut(said.description, _LONGEST),
        }
        return Call(
            url=f"{place.address}/api/v4/projects/{quote(place.repository, safe='')}/statuses/{said.sha}",
            headers={"private-token": place.token, "accept": "application/json"},
            body=body | ({"ref": said.ref} if said.ref else {}),
        )

    def is_repetition(self, answer: Answer) -> bool:
        """It answers 400 to `pending` after `pending` or `running`, and to `running` after `running`."""
        return answer.status == 400 and _REFUSES_MOVE in answer.body
