"""GitLab: the secret itself as a token, or since 2026 a signature over id, time and body."""

from worker.forges.base import Headers
from worker.forges.signatures import check_standard, check_token


class GitLab:
    """gitlab.com, and GitLab on one's own machines."""

    name = "gitlab"
    setup = (
        "Project > Settings > Webhooks > Add new webhook: URL as above, the secret as Secret token,\n"
        "trigger: Push events, Tag push events, Merge request events; Releases and Deployment events if you build them."
    )
    kept_headers = (
        *("x-gitlab-event", "x-gitlab-event-uuid", "x-gitlab-instance", "x-gitlab-webhook-uuid"),
        *("idempotency-key", "webhook-id", "webhook-timestamp"),
    )
    takes_forms = False
    is_once = False  # a token proves no body

    def verify(self, headers: Headers, body: bytes, secret: str, now: float) -> None:
        """Where there is a signature it must verify: a token beside it never makes up for a wrong one."""
        if "webhook-signature" in headers:
            check_standard(
                headers["webhook-signature"],
                secret=secret,
                key=headers.get("webhook-id", ""),
                timestamp=headers.get("webhook-timestamp", ""),
                body=body,
                now=now,
            )
        else:
            check_token(headers.get("x-gitlab-token", ""), secret=secret, header="x-gitlab-token")
