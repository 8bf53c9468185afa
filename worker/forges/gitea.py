"""Gitea and Forgejo: a bare hex HMAC over the JSON, also where the JSON is sent within a form."""

from dataclasses import dataclass

from worker.errors import Malformed, Refused
from worker.forges.base import Headers, json_text
from worker.forges.signatures import check_hex


@dataclass(frozen=True, slots=True)
class Gitea:
    """A forge of this family: Forgejo is Gitea under another name, which it sends its headers under, too."""

    name: str

    @property
    def setup(self) -> str:
        """The same but for the name."""
        return (
            f"Repository > Settings > Webhooks > Add webhook > {self.name.capitalize()}: URL and Secret as above,\n"
            "POST, application/json, trigger on: Push, Pull request, Pull request synchronized; for releases Release.\n"
            "A Headrace in a private network must be allowed in the forge's app.ini: [webhook] ALLOWED_HOST_LIST."
        )

    @property
    def kept_headers(self) -> tuple[str, ...]:
        """Those of its own name."""
        return tuple(f"x-{self.name}-{what}" for what in ("event", "event-type", "delivery"))

    @property
    def takes_forms(self) -> bool:
        """Both may be told to send one."""
        return True

    @property
    def is_once(self) -> bool:
        """Bodies say when the repository was pushed to, or the pull request changed."""
        return True

    def verify(self, headers: Headers, body: bytes, secret: str, now: float) -> None:  # noqa: ARG002
        """Without a secret both send an empty signature: it never verifies."""
        header = f"x-{self.name}-signature"
        try:
            signed = json_text(headers, body)
        except Malformed as error:
            raise Refused(f"nothing in the delivery can be verified: {error}") from error
        check_hex(headers.get(header, ""), secret=secret, body=signed, header=header)
