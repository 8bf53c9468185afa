"""What a delivery says, as tests ask it: sent by a forge, verified, and read for a repository of ours."""

import pytest

from pipelines.deliveries.reading import Reading
from pipelines.event import Event
from tests.worker.forges.sending import SEND, Sent
from worker.forges import FORGES
from worker.forges.base import reading
from worker.store.repositories import StoredRepository

SECRET = "It's a Secret to Everybody"
ALL = pytest.mark.parametrize("forge", list(FORGES))
OLD, NEW = "a" * 40, "b" * 40

_GITLAB_NAMES = {"tag": "Tag Push Hook", "release": "Release Hook", "merge": "Merge Request Hook"}
_BITBUCKET_NAMES = {
    "pull_request_merged": "pullrequest:fulfilled",
    "pull_request_declined": "pullrequest:rejected",
}


def repository(forge: str) -> StoredRepository:
    return StoredRepository(
        id=1,
        owner="acme",
        name="web",
        forge=forge,
        clone_url=f"https://{forge}.example.org/acme/web.git",
        url=f"https://{forge}.example.org/acme/web",
        default_branch="main",
        secret=SECRET,
        last_number=0,
        created_at="2026-11-24T03:04:05.678Z",
    )


def verify(forge: str, sent: Sent, *, secret: str = SECRET, now: float | None = None) -> None:
    at = now if now is not None else float(sent.headers.get("webhook-timestamp", "0"))
    FORGES[forge].verify(sent.headers, sent.body, secret, at)


def parse(forge: str, body: bytes, **options: str) -> Reading:
    sent = SEND[forge](body, SECRET, **options)
    return reading(forge, sent.headers, sent.body, repository(forge))


def one_event(said: Reading) -> Event:
    assert len(said.events) == 1, said.ignored
    return said.events[0]


def named_event(forge: str, name: str) -> dict[str, str]:
    """The forge's word for the event of one of its payloads, as an option of what sends it."""
    word = _event_name(forge, name)
    return {"event": word} if word else {}


def _event_name(forge: str, name: str) -> str:
    first = name.partition("_")[0]
    if forge == "gitlab":
        return _GITLAB_NAMES.get(first, "Push Hook")
    if forge == "bitbucket":
        return _BITBUCKET_NAMES.get(name, "pullrequest:created" if first == "pull" else "repo:push")
    if name == "branch_deleted" and forge in ("gitea", "forgejo"):
        return "delete"
    words = {"pull": "pull_request", "release": "release", "deployment": "deployment", "ping": "ping"}
    return words.get(first, "create" if first == "create" else "push") if forge != "git" else ""
