"""GitHub: `X-Hub-Signature-256` over the raw body."""

from worker.forges.base import Headers
from worker.forges.signatures import check_prefixed

_SIGNATURE = "x-hub-signature-256"


class GitHub:
    """github.com, and GitHub Enterprise Server."""

    name = "github"
    setup = (
        "Repository > Settings > Webhooks > Add webhook: Payload URL and Secret as above,\n"
        "Content type application/json, events: Pushes and Pull requests; Releases and Deployments if you build them."
    )
    kept_headers = ("x-github-event", "x-github-delivery", "x-github-hook-id")
    takes_forms = True
    is_once = True

    def verify(self, headers: Headers, body: bytes, secret: str, now: float) -> None:  # noqa: ARG002
        """The signature is over the raw body, also where that is a form. The old SHA-1 one counts for nothing."""
        check_prefixed(headers.get(_SIGNATURE, ""), secret=secret, body=body, header=_SIGNATURE)
