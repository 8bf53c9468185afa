"""GitHub: `X-Hub-Signature-256` over the raw body, the same delivery id when it sends again."""

from pipelines.event import Event
from worker.forges import hub_payloads
from worker.forges.base import Headers, Ignored, Parsed
from worker.forges.fields import Fields, delivery_key, json_text, storable
from worker.forges.signatures import check_hex
from worker.store.repositories import StoredRepository

_SIGNATURE = "x-hub-signature-256"
_PREFIX = "sha256="
_BUILT_ACTIONS = ("opened", "synchronize", "reopened")


class GitHub:
    """github.com, and GitHub Enterprise Server."""

    name = "github"
    setup = (
        "Repository > Settings > Webhooks > Add webhook: Payload URL and Secret as above,\n"
        "Content type application/json, events: Pushes and Pull requests."
    )

    def verify(self, headers: Headers, body: bytes, secret: str, now: float) -> None:  # noqa: ARG002
        """The signature is over the raw body, also where that is a form. The old SHA-1 one counts for nothing."""
        given = headers.get(_SIGNATURE, "")
        check_hex(
            given.removeprefix(_PREFIX) if given.startswith(_PREFIX) else "",
            secret=secret,
            body=body,
            header=_SIGNATURE,
        )

    def parse(self, headers: Headers, body: bytes, repository: StoredRepository) -> Parsed:
        """Pushes, tags, and pull requests whose commits have changed."""
        payload, stored = storable(json_text(headers.get("content-type", ""), body))
        name = headers.get("x-github-event", "")
        return Parsed(
            key=delivery_key(headers, "x-github-delivery"),
            name=name,
            payload=stored,
            outcomes=(_outcome(name, payload, repository),),
        )


def _outcome(name: str, payload: Fields, repository: StoredRepository) -> Event | Ignored:
    if name == "ping":
        return Ignored(reason="ping: the hook works")
    return hub_payloads.outcome(name, payload, repository, built_actions=_BUILT_ACTIONS, is_from_fork=_is_from_fork)


def _is_from_fork(request: Fields) -> bool:
    # Not `head.repo.fork`: that one also is true within a repository that is itself a fork.
    head, base = request.object("head"), request.object("base")
    return not head.has("repo") or head.object("repo").integer("id") != base.object("repo").integer("id")
