"""Registration: what a repository may be called and fetched from, and how its forge is told where to post."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pipelines.event import Repository
from worker.context import path, repository_path
from worker.errors import Malformed
from worker.forges import FORGES
from worker.forges.git import PlainGit, post_receive
from worker.store.repositories import StoredRepository

_OWNER_PART = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9_.][A-Za-z0-9._-]{0,99}")
_SHORT_NAME = re.compile(r"(?!(?:\.{1,2}|-)$)[A-Za-z0-9._-]{1,100}")  # `.github` and `-web` are names at forges
_OURS = frozenset(
    {"account", "api", "badges", "hooks", "login", "logout", "setup", "static"}
)  # where an owner's pages would hide behind ours
_SCHEMES = ("https", "http", "ssh", "git", "file")
_SCP_LIKE = re.compile(r"[A-Za-z0-9_.-]+@[A-Za-z0-9_.-]+:[^:].*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """What a repository's forge is told: where to post, what to sign with, and where to enter that.

    `post_receive` is the script that does it all for plain git, `""` for other forges.
    """

    url: str
    secret: str = field(repr=False)
    setup: str
    post_receive: str = field(repr=False)


def checked_repository(name: str, *, forge: str, clone_url: str, default_branch: str) -> Repository:
    """A repository as it may be built. Raises Malformed."""
    owner, short_name = parse_name(name)
    return Repository(
        owner=owner,
        name=short_name,
        clone_url=checked_clone_url(clone_url),
        url=_page_at_forge(clone_url) if forge != PlainGit.name else "",
        default_branch=default_branch,
    )


def parse_name(text: str) -> tuple[str, str]:
    """Owner and name of `OWNER/NAME`; an owner may have parts, as GitLab's groups do. Raises Malformed."""
    owner, _, name = text.rpartition("/")
    parts = text.split("/")
    if not owner:
        raise Malformed(f"{text!r} has no owner: expected OWNER/NAME, such as acme/{text or 'web'}")
    if not all(map(_OWNER_PART.fullmatch, parts[:-1])) or not _SHORT_NAME.fullmatch(name):
        raise Malformed(f"{text!r} can't be a repository: expected OWNER/NAME of letters, digits, '.', '_' and '-'")
    if parts[0] in _OURS:
        raise Malformed(f"{text!r}: the owner can't be {parts[0]!r}, which is a path of the server's own")
    return owner, name


def checked_clone_url(text: str) -> str:
    """The URL, if it is one that git fetches from without running a program of the URL's choice. Raises Malformed."""
    is_clean = text.isprintable() and not text.startswith("-") and "::" not in text and " " not in text
    scheme, host = _scheme_and_host(text)
    is_known = text.startswith("/") or scheme in _SCHEMES or _SCP_LIKE.fullmatch(text)
    if not is_clean or not is_known or host.startswith("-"):
        expected = f"{', '.join(f'{scheme}://' for scheme in _SCHEMES)}, /PATH or USER@HOST:PATH"
        raise Malformed(f"the clone URL {text!r} can't be fetched from: expected {expected}")
    if urlsplit(text).password:
        raise Malformed("the clone URL holds a password, which runs would show: `headrace repo set` takes a token")
    return text


def hook_of(repository: StoredRepository, server_url: str) -> Hook:
    """How its forge is told."""
    url = hook_url(repository, server_url)
    script = post_receive(url, repository.secret) if repository.forge == PlainGit.name else ""
    return Hook(url=url, secret=repository.secret, setup=FORGES[repository.forge].setup, post_receive=script)


def hook_url(repository: StoredRepository, server_url: str) -> str:
    """Where its forge posts to."""
    return server_url + path("hooks", repository.forge) + repository_path(repository.full_name)


def _scheme_and_host(text: str) -> tuple[str, str]:
    """Both are `""` for what is no address at all: one with a bracket that nothing closes, or a port of letters."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return "", ""
    return (parts.scheme, parts.hostname or "") if port != 0 else ("", "")


def _page_at_forge(clone_url: str) -> str:
    parts = urlsplit(clone_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    port = f":{parts.port}" if parts.port else ""  # and no user or password of the clone URL's
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path.removesuffix('.git')}"
