"""Resolving: what people name (a branch, a tag, the beginning of a commit's hash) becomes the commit that it is now.

SECURITY. A forge shows the commits of every fork as if they were the repository's own. So a commit that somebody names
by its hash counts only if it is on the branch that they name, else on the default branch: what runs in the name of a
branch has been pushed there.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from pipelines.event import Event
from pipelines.suggestions import nearest
from runner.errors import SourceError
from runner.source.access import Access
from runner.source.fetch import retried
from runner.source.gitcommand import GitFailure, git
from runner.source.mirror import Mirror
from runner.source.mirrors import fetched
from runner.source.remotes import repository_of
from runner.source.tries import Tries

_HEADS = "refs/heads/"
_TAGS = "refs/tags/"
_PATIENCE = timedelta(minutes=1)
_FULL = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def is_unresolved(event: Event) -> bool:
    """True if people named it, and nobody has looked yet what commit that is."""
    return not event.sha


def resolved(root: Path, event: Event, *, access: Access, tries: Tries) -> Event:
    """The event with its ref and commit as the repository has them now; `root` is for mirrors.

    Without a ref the default branch is meant. Raises SourceError if there is no such ref, or no such commit on it.
    """
    root.mkdir(parents=True, exist_ok=True)
    found: list[Event] = []
    retried(tries, lambda: found.append(_at_its_ref(root, event, access, tries)))
    [tip] = found
    if not event.asked_sha:
        return tip
    mirror = fetched(root, tip, access=access, tries=tries)
    return replace(tip, sha=_commit_on(mirror, event.asked_sha))


def default_branch(mirror: Mirror) -> str:
    """The branch that the repository's HEAD stands for now; `""` if there is none. Raises SourceError."""
    found: list[Mapping[str, str]] = []
    url = mirror.event.repository.clone_url
    at = (mirror.directory, url, mirror.access, mirror.tries)
    retried(mirror.tries, lambda: found.append(listed_refs(*at, "HEAD")))
    return found[-1]["symref"].removeprefix(_HEADS)


def _at_its_ref(root: Path, event: Event, access: Access, tries: Tries) -> Event:
    """The event at the commit that its ref leads to. An annotated tag is listed with what it is a tag of."""
    asked = event.ref or "HEAD"
    known = listed_refs(root, event.repository.clone_url, access, tries, asked, f"{asked}^{{}}")
    sha = known.get(f"{asked}^{{}}") or known.get(asked, "")
    if not sha:
        raise SourceError(_no_ref(root, event, access, tries))
    ref = event.ref or known["symref"]
    branch = ref.removeprefix(_HEADS) if ref.startswith(_HEADS) else event.branch
    return replace(event, ref=ref, branch=branch, sha=sha)


def listed_refs(root: Path, url: str, access: Access, tries: Tries, *patterns: str) -> Mapping[str, str]:
    """Hashes by ref, as the repository lists them; as `symref` the branch that its HEAD stands for.

    `root` is any directory that is there. Raises SourceError.
    """
    with access.environment(url) as environment:
        options = ("--symref", "--end-of-options")
        listed = git(
            root, "ls-remote", *options, url, *patterns, timeout=_PATIENCE, environment=environment, stop=tries.stop
        )
    lines = [line.split("\t", 1) for line in listed.decode(errors="replace").splitlines() if "\t" in line]
    refs = {name: target for target, name in lines if not target.startswith("ref: ")}
    symbolic = {name: target.removeprefix("ref: ") for target, name in lines if target.startswith("ref: ")}
    return {**refs, "symref": symbolic.get("HEAD", "")}


def _no_ref(root: Path, event: Event, access: Access, tries: Tries) -> str:
    url = repository_of(event.repository.clone_url).clone_url
    if not event.ref:
        return f"{url} has no commit on its default branch yet: push one, or name a branch"
    start = _TAGS if event.ref.startswith(_TAGS) else _HEADS
    name = event.ref.removeprefix(start)
    known = listed_refs(root, url, access, tries, f"{start}*")
    names = [ref.removeprefix(start) for ref in known if ref.startswith(start)]
    hint = nearest(name, (each for each in names if not each.endswith("^{}")))
    return f"{url} has no {'tag' if start == _TAGS else 'branch'} {name!r}{f' ({hint})' if hint else ''}"


def _commit_on(mirror: Mirror, name: str) -> str:
    """The commit that this begins the hash of, if it is on the mirror's ref. Raises SourceError."""
    url = repository_of(mirror.event.repository.clone_url).clone_url
    where = mirror.event.ref.removeprefix(_HEADS).removeprefix(_TAGS)
    try:
        parsed = git(mirror.directory, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        sha = parsed.decode().strip()
        if not _FULL.fullmatch(sha) or not sha.startswith(name):
            raise SourceError(f"{name!r} is no commit of {url}: expected its hash, or the beginning of it")
        git(mirror.directory, "merge-base", "--is-ancestor", sha, mirror.event.sha)
    except GitFailure as error:
        raise SourceError(f"{url} has no commit {name} on {where}: name the branch that it is on") from error
    return sha
