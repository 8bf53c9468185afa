"""Deliveries as each forge sends them: a payload of tests/worker/forges/payloads, its headers, and its proof."""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

PAYLOADS = Path(__file__).parent / "payloads"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request to a hook."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes


SAME_PAYLOADS = {"forgejo": "gitea"}


def payload(forge: str, name: str) -> bytes:
    return (PAYLOADS / SAME_PAYLOADS.get(forge, forge) / f"{name}.json").read_bytes()


def form(text: bytes) -> bytes:
    return urlencode({"payload": text.decode()}).encode()


def hex_hmac(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def standard_signature(secret: bytes, key: str, timestamp: int, body: bytes) -> str:
    digest = hmac.new(secret, b".".join([key.encode(), str(timestamp).encode(), body]), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def github(body: bytes, secret: str, *, event: str = "push", key: str = "k1") -> Sent:
    return Sent(
        body=body,
        headers={
            "content-type": "application/json",
            "x-github-event": event,
            "x-github-delivery": key,
            "x-hub-signature-256": f"sha256={hex_hmac(secret, body)}",
        },
    )


def gitlab(body: bytes, secret: str, *, event: str = "Push Hook", key: str = "k1") -> Sent:
    return Sent(
        body=body,
        headers={
            "content-type": "application/json",
            "x-gitlab-event": event,
            "x-gitlab-token": secret,
            "idempotency-key": key,
            "x-gitlab-webhook-uuid": "another-each-time",
        },
    )


def gitlab_signed(body: bytes, secret: str, *, event: str = "Push Hook", key: str = "k1", at: int = 0) -> Sent:
    sent = git(body, secret, key=key, at=at)
    return Sent(body=body, headers={**sent.headers, "x-gitlab-event": event, "idempotency-key": key})


def gitea(body: bytes, secret: str, *, event: str = "push", key: str = "k1") -> Sent:
    signature = hex_hmac(secret, body)
    return Sent(
        body=body,
        headers={
            "content-type": "application/json",
            "x-gitea-event": event,
            "x-gitea-delivery": key,
            "x-gitea-signature": signature,
            # Gitea and Forgejo send GitHub's too, for hooks that know no better.
            "x-github-event": event,
            "x-github-delivery": key,
            "x-hub-signature-256": f"sha256={signature}",
        },
    )


def forgejo(body: bytes, secret: str, *, event: str = "push", key: str = "k1") -> Sent:
    """All that Gitea sends, and the same under its own name. The old ones are wrong here, to see which count."""
    sent = gitea(body, secret, event=event, key=key)
    own = {name.replace("gitea", "forgejo"): value for name, value in sent.headers.items() if "gitea" in name}
    others = dict.fromkeys(sent.headers, "another") | {"content-type": "application/json"}
    return Sent(body=body, headers=others | own)


def bitbucket(body: bytes, secret: str, *, event: str = "repo:push", key: str = "k1", attempt: int = 1) -> Sent:
    return Sent(
        body=body,
        headers={
            "content-type": "application/json",
            "x-event-key": event,
            "x-request-uuid": key,
            "x-attempt-number": str(attempt),
            "x-hub-signature": f"sha256={hex_hmac(secret, body)}",
        },
    )


def git(body: bytes, secret: str, *, event: str = "", key: str = "k1", at: int = 0) -> Sent:
    timestamp = at or int(time.time())
    return Sent(
        body=body,
        headers={
            "content-type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": standard_signature(secret.encode(), key, timestamp, body),
        },
    )


SEND: dict[str, Callable[..., Sent]] = {
    "github": github,
    "gitlab": gitlab,
    "gitea": gitea,
    "forgejo": forgejo,
    "bitbucket": bitbucket,
    "git": git,
}
