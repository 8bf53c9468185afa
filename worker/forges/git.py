"""Plain git: a `post-receive` hook of ours posts which refs have moved, signed as Standard Webhooks do."""

import shlex
from pathlib import Path

from pipelines.event import Event
from worker.forges.base import Headers, Ignored, Parsed, ref_event
from worker.forges.fields import Fields, delivery_key, storable
from worker.forges.signatures import check_standard
from worker.store.repositories import StoredRepository

_MOST_UPDATES = 50
_SCRIPT = Path(__file__).with_name("post_receive.sh")
_BLOCK_BYTES = 64  # of SHA-256


class PlainGit:
    """A bare repository on any machine that one can push to, without a forge around it."""

    name = "git"
    setup = "In the bare repository that is pushed to: save the script below as hooks/post-receive and chmod 700 it."

    def verify(self, headers: Headers, body: bytes, secret: str, now: float) -> None:
        """A signature over id, time and body; it is the only proof there is."""
        check_standard(
            headers.get("webhook-signature", ""),
            secret=secret,
            key=headers.get("webhook-id", ""),
            timestamp=headers.get("webhook-timestamp", ""),
            body=body,
            now=now,
        )

    def parse(self, headers: Headers, body: bytes, repository: StoredRepository) -> Parsed:
        """One update `{"ref", "before", "after"}`, or several in `{"updates": […]}`: an outcome for each."""
        payload, stored = storable(body)
        updates = payload.objects("updates") if payload.has("updates") else [payload]
        return Parsed(
            key=delivery_key(headers, "webhook-id"),
            name="post-receive",
            payload=stored,
            outcomes=_outcomes(updates, repository),
        )


def post_receive(hook_url: str, secret: str) -> str:
    """The hook script for a repository: POSIX sh that needs only curl and openssl, and never fails a push.

    HMAC is two plain digests over the key's two pads. The script holds the pads, so that the key is never among the
    arguments of a program, where every user of the git server could read it.
    """
    key = secret.encode().ljust(_BLOCK_BYTES, b"\0")
    if len(key) > _BLOCK_BYTES:
        raise ValueError(f"a secret for post-receive has at most {_BLOCK_BYTES} bytes")
    script = _SCRIPT.read_text(encoding="utf-8").replace("@HOOK_URL@", shlex.quote(hook_url))
    script = script.replace("@INNER_PAD@", _printf_text(bytes(byte ^ 0x36 for byte in key)))
    return script.replace("@OUTER_PAD@", _printf_text(bytes(byte ^ 0x5C for byte in key)))


def _outcomes(updates: list[Fields], repository: StoredRepository) -> tuple[Event | Ignored, ...]:
    if not updates:
        return (Ignored(reason="no ref has moved"),)
    if len(updates) > _MOST_UPDATES:
        return (Ignored(reason=f"{len(updates)} refs have moved at once, at most {_MOST_UPDATES} are taken"),)
    return tuple(
        ref_event(
            repository,
            ref=update.ref("ref"),
            before=update.sha("before"),
            after=update.sha("after"),
            said=Event(),  # message, author and so on: the worker reads them from git
        )
        for update in updates
    )


def _printf_text(octets: bytes) -> str:
    return "".join("%%" if octet == ord("%") else f"\\{octet:03o}" for octet in octets)
