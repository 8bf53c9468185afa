"""Plain git: a `post-receive` hook of ours posts which refs have moved, signed as Standard Webhooks do."""

import shlex
from pathlib import Path

from worker.forges.base import Headers
from worker.forges.signatures import check_standard

_SCRIPT = Path(__file__).with_name("post_receive.sh")
_BLOCK_BYTES = 64  # of SHA-256


class PlainGit:
    """A bare repository on any machine that one can push to, without a forge around it."""

    name = "git"
    setup = "In the bare repository that is pushed to: save the script below as hooks/post-receive and chmod 700 it."
    kept_headers = ("webhook-id", "webhook-timestamp")
    takes_forms = False
    is_once = False  # a copy has the same id, which is signed

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


def _printf_text(octets: bytes) -> str:
    return "".join("%%" if octet == ord("%") else f"\\{octet:03o}" for octet in octets)
