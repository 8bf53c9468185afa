"""Bitbucket Cloud: `X-Hub-Signature` over the raw body, SHA-256 in spite of the header's name."""

from worker.forges.base import Headers
from worker.forges.signatures import check_prefixed

_SIGNATURE = "x-hub-signature"


class Bitbucket:
    """bitbucket.org."""

    name = "bitbucket"
    setup = (
        "Repository settings > Webhooks > Add webhook: URL and Secret as above,\n"
        "triggers: Repository push; Pull request created, updated, merged, declined."
    )
    kept_headers = ("x-event-key", "x-request-uuid", "x-attempt-number", "x-hook-uuid")
    takes_forms = False
    is_once = False  # who moves a branch to and fro sends the same bodies again

    def verify(self, headers: Headers, body: bytes, secret: str, now: float) -> None:  # noqa: ARG002
        """The only proof there is."""
        check_prefixed(headers.get(_SIGNATURE, ""), secret=secret, body=body, header=_SIGNATURE)
