"""A credential of a repository's: what the server shows its forge, or git, in its name; never told again."""

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from worker.errors import Malformed
from worker.secrets.clonekey import checked_known_hosts, fresh_key, read_key
from worker.statuses.dialects import DIALECTS

_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
_USER = re.compile(r"[\x21-\x7e]{1,255}")
_USERS = {
    "github": "x-access-token",
    "gitlab": "oauth2",
    "gitea": "oauth2",
    "forgejo": "oauth2",
    "bitbucket": "x-token-auth",
}


class CredentialKind(StrEnum):
    """What one is for: the forge's API, or fetching over http or over ssh."""

    FORGE_TOKEN = "forge_token"  # noqa: S105 -- the word for it
    CLONE_TOKEN = "clone_token"  # noqa: S105
    CLONE_KEY = "clone_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What is told of one. `name` is a user's name, or the public half of a key; a key goes to `known_hosts` alone."""

    kind: CredentialKind
    name: str = ""
    known_hosts: str = ""
    created_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose it is to be, as far as it matters: `owner/name`, its forge, and what is fetched from."""

    full_name: str
    forge: str
    clone_url: str


def forge_token(owner: Owner, text: str) -> tuple[Credential, str]:
    """A token for the forge's API. Raises Malformed, without the text."""
    if owner.forge not in DIALECTS:
        raise Malformed(f"{owner.full_name} is of {owner.forge}, which has nowhere to show a status and needs no token")
    return Credential(kind=CredentialKind.FORGE_TOKEN), _checked_token(text)


def clone_token(owner: Owner, text: str, *, user: str = "") -> tuple[Credential, str]:
    """A token or password to fetch over http(s) with; forges mostly don't mind whose it is. Raises Malformed."""
    if not _is_http(owner.clone_url):
        raise Malformed(
            f"a clone token is for an https:// clone URL, and {owner.full_name} is fetched from {owner.clone_url}: "
            "give it a clone key, or add it with its https:// URL"
        )
    name = user or _USERS.get(owner.forge, "git")
    if not _USER.fullmatch(name) or ":" in name:
        raise Malformed(f"{name[:80]!r} can't be a user's name: expected printable ASCII without ':' and spaces")
    return Credential(kind=CredentialKind.CLONE_TOKEN, name=name), _checked_token(text)


def clone_key(owner: Owner, text: str | None, *, known_hosts: str) -> tuple[Credential, str]:
    """A private key to fetch over ssh with, a new one if there is none. Raises Malformed, without the text."""
    if _is_http(owner.clone_url):
        raise Malformed(
            f"a clone key is for an ssh clone URL, and {owner.full_name} is fetched from {owner.clone_url}: "
            "give it a clone token, or add it with its ssh URL"
        )
    comment = f"headrace {owner.full_name}"
    key = fresh_key(comment) if text is None else read_key(text, comment)
    credential = Credential(
        kind=CredentialKind.CLONE_KEY,
        name=key.public,
        known_hosts=checked_known_hosts(known_hosts, clone_url=owner.clone_url),
    )
    return credential, key.private


def _is_http(url: str) -> bool:
    return urlsplit(url).scheme in ("http", "https")


def _checked_token(text: str) -> str:
    token = text.strip()
    if not _TOKEN.fullmatch(token):
        raise Malformed(
            f"what was given can't be a token: expected one line of printable ASCII, it has {len(text)} characters"
        )
    return token
