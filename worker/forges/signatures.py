"""Signatures: HMAC-SHA256 over a body, in the two forms that forges use. All comparisons take constant time."""

import base64
import binascii
import hashlib
import hmac

from worker.errors import Refused

_TOLERANCE_SECONDS = 300
_HEX_PREFIX = "sha256="
_KEY_PREFIX = "whsec_"
_VERSION_PREFIX = "v1,"


def check_hex(given: str, *, secret: str, body: bytes, header: str) -> None:
    """Raises Refused unless `given` is the body's HMAC in lower-case hex. An empty secret never verifies."""
    expected = _digest(secret.encode(), body).hex()
    if not secret or not same(given, expected):
        raise Refused(f"the signature in {header} does not verify: check the secret on both sides")


def check_prefixed(given: str, *, secret: str, body: bytes, header: str) -> None:
    """The same for `sha256=` and the hex, as GitHub and Bitbucket write it."""
    hexadecimal = given.removeprefix(_HEX_PREFIX) if given.startswith(_HEX_PREFIX) else ""
    check_hex(hexadecimal, secret=secret, body=body, header=header)


def check_token(given: str, *, secret: str, header: str) -> None:
    """Raises Refused unless `given` is the secret. An empty secret never verifies."""
    if not secret or not same(given, secret):
        raise Refused(f"the token in {header} is not the repository's: check the secret on both sides")


def check_standard(given: str, *, secret: str, key: str, timestamp: str, body: bytes, now: float) -> None:
    """Raises Refused unless `given` signs `key.timestamp.body` and the timestamp is within five minutes of now.

    The form of Standard Webhooks: signatures apart by spaces, each `v1,` and base64; other versions are passed over.
    """
    if not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > 12:
        raise Refused(f"the header webhook-timestamp is {timestamp[:40]!r}: expected seconds since 1970")
    if abs(now - int(timestamp)) > _TOLERANCE_SECONDS:
        raise Refused(f"the delivery was signed more than {_TOLERANCE_SECONDS} s from now: check both clocks")
    signed = b".".join([key.encode(), timestamp.encode(), body])
    expected = base64.b64encode(_digest(_standard_key(secret), signed)).decode()
    candidates = [part.removeprefix(_VERSION_PREFIX) for part in given.split() if part.startswith(_VERSION_PREFIX)]
    if not secret or not any(same(candidate, expected) for candidate in candidates):
        raise Refused("the signature in webhook-signature does not verify: check the secret on both sides")


def same(given: str, expected: str) -> bool:
    """True if both are equal; takes as long if they aren't."""
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode(errors="replace"))


def _digest(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _standard_key(secret: str) -> bytes:
    if not secret.startswith(_KEY_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_KEY_PREFIX), validate=True)
    except binascii.Error as error:
        raise Refused("the repository's secret begins with whsec_ but is no base64 after it") from error
