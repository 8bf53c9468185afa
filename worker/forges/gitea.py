"""Gitea and Forgejo: a bare hex HMAC over the JSON, also where the JSON is sent within a form."""

from pipelines.event import Event
from worker.errors import Malformed, Refused
from worker.forges import hub_payloads
from worker.forges.base import Headers, Ignored, Parsed
from worker.forges.fields import Fields, delivery_key, json_text, storable
from worker.forges.signatures import check_hex
from worker.store.repositories import StoredRepository

_BUILT_ACTIONS = ("opened", "synchronized", "reopened")
_DUPLICATES = {
    "create": "a new branch or tag comes as a push as well",
    "delete": "a branch or tag was deleted",
}


class Gitea:
    """Gitea and Forgejo. Both also send GitHub's headers, which count for nothing here."""

    name = "gitea"
    setup = (
        "Repository > Settings > Webhooks > Add webhook > Gitea (or Forgejo): Target URL and Secret as above,\n"
        "POST, application/json, trigger on: Push, Pull request, Pull request synchronized.\n"
        "A Headrace in a private network must be allowed in the forge's app.ini: [webhook] ALLOWED_HOST_LIST."
    )

    def verify(self, headers: Headers, body: bytes, secret: str, now: float) -> None:  # noqa: ARG002
        """Forgejo's header first: it sends Gitea's too. Without a secret both send an empty one: it never verifies."""
        header = _first(headers, "x-forgejo-signature", "x-gitea-signature")
        try:
            signed = json_text(headers.get("content-type", ""), body)
        except Malformed as error:
            raise Refused(f"nothing in the delivery can be verified: {error}") from error
        check_hex(headers.get(header, ""), secret=secret, body=signed, header=header)

    def parse(self, headers: Headers, body: bytes, repository: StoredRepository) -> Parsed:
        """Pushes, tags, and pull requests whose commits have changed."""
        payload, stored = storable(json_text(headers.get("content-type", ""), body))
        name = headers.get(_first(headers, "x-forgejo-event", "x-gitea-event"), "")
        return Parsed(
            key=delivery_key(headers, _first(headers, "x-forgejo-delivery", "x-gitea-delivery")),
            name=name,
            payload=stored,
            outcomes=(_outcome(name, payload, repository),),
        )


def _outcome(name: str, payload: Fields, repository: StoredRepository) -> Event | Ignored:
    if name in _DUPLICATES:
        return Ignored(reason=_DUPLICATES[name])
    return hub_payloads.outcome(name, payload, repository, built_actions=_BUILT_ACTIONS, is_from_fork=_is_from_fork)


def _is_from_fork(request: Fields) -> bool:
    return request.object("head").integer("repo_id") != request.object("base").integer("repo_id")


def _first(headers: Headers, *names: str) -> str:
    return next((name for name in names if name in headers), names[-1])
