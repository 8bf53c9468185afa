"""Bitbucket Cloud's build statuses."""

from base64 import b64encode

from pipelines.status import Status
from worker.statuses.commitstatus import CommitStatus, cut, short_name
from worker.statuses.dialect import Answer, Call, Place, quoted

_KEY = 40
_LONGEST = 255
_OWN_HOST = "https://bitbucket.org"
_API = "https://api.bitbucket.org"
_STATES = {
    Status.PENDING: "INPROGRESS",
    Status.RUNNING: "INPROGRESS",
    Status.BLOCKED: "INPROGRESS",
    Status.SUCCESS: "SUCCESSFUL",
    Status.SKIPPED: "SUCCESSFUL",
    Status.FAILURE: "FAILED",
    Status.TIMED_OUT: "FAILED",
    Status.ERROR: "FAILED",
    Status.LOST: "FAILED",
    Status.CANCELLED: "STOPPED",
}


class Bitbucket:
    """bitbucket.org."""

    def call(self, place: Place, said: CommitStatus) -> Call:
        """`POST /repositories/WORKSPACE/SLUG/commit/SHA/statuses/build`. The same key again takes the place of it."""
        api = _API if place.address == _OWN_HOST else place.address
        return Call(
            url=f"{api}/2.0/repositories/{quoted(place.repository)}/commit/{said.sha}/statuses/build",
            headers={"authorization": _authorization(place.token), "accept": "application/json"},
            body={
                "key": short_name(said.context, _KEY),
                "state": _STATES[said.status],
                "name": short_name(said.context, _LONGEST),
                "url": said.url,
                "description": cut(said.description, _LONGEST),
            },
        )

    def is_repetition(self, answer: Answer) -> bool:  # noqa: ARG002 -- it takes every status as often as it comes
        """Never."""
        return False


def _authorization(token: str) -> str:
    """An access token of the repository's stands alone; an API token of a person's comes as `EMAIL:TOKEN`."""
    return f"Basic {b64encode(token.encode()).decode()}" if ":" in token else f"Bearer {token}"
