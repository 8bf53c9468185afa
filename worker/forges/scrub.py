"""Scrubbing: what of a delivery may be kept. No proof, no secret, no login."""

import re

from worker.forges.base import Forge, Headers

MASK = b"********"
_LONGEST_HEADER = 300
_ALWAYS = ("content-type", "user-agent")
_NAMES = rb"secret|token|password|access_token|private_token|authorization"
_FIELD = re.compile(rb'("(?:%b)"\s*:\s*)"(?:[^"\\]|\\.)*"?' % _NAMES, re.IGNORECASE)
_LOGIN = re.compile(rb"://[^/@\s\"\\]{1,500}@")


def kept_headers(forge: Forge, headers: Headers) -> dict[str, str]:
    """The headers that say what was sent. All that aren't named by the forge are dropped, its proofs among them."""
    return {name: headers[name][:_LONGEST_HEADER] for name in (*_ALWAYS, *forge.kept_headers) if headers.get(name)}


def scrubbed(text: bytes, secret: str) -> bytes:
    """A payload without the repository's secret, without fields that are named like one, and without logins in URLs.

    Old Giteas send the secret itself. The text may be cut off anywhere.
    """
    if secret:
        text = text.replace(secret.encode(), MASK)
    text = _FIELD.sub(rb'\1"%b"' % MASK, text)
    return _LOGIN.sub(b"://%b@" % MASK, text) if b"@" in text else text
