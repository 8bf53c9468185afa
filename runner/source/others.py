"""Other repositories that workflow files are included from: found by what their authors wrote, each fetched once.

DESIGN. `repo` and `ref` are authors' text, and a worker may read more than the author of a commit. So other
repositories are found and fetched as submodules are (`addresses`): `owner/name` on the forge of the file that says so,
or an https or ssh address; no paths of this machine's disk, no helper programs, nothing that looks like an option.
What is of the same owner on the same forge is read as the run's own repository is; all else, and everything for a pull
request from a fork, in nobody's name over https, and in mirrors of that realm, so that what was fetched with
credentials is not found in them. The right to use them only ever shrinks on the way from one repository to the next. A
ref must be one that the repository lists; a commit must be on one of its branches or tags, since a forge shows the
commits of all forks as if they were the repository's own. All fetching for one run shares one time limit, and one
limit of repositories.
"""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipelines.event import Event, Included, Repository
from pipelines.nodes import quoted
from pipelines.reading.library import Library, Unreadable
from pipelines.suggestions import nearest
from runner.deadline import deadline, limit_text
from runner.errors import SourceError
from runner.includable import Includable
from runner.source.access import ANONYMOUS, Access
from runner.source.addresses import access_to, checked_address
from runner.source.fetch import fetch, fetch_tags, retried
from runner.source.gitcommand import GitFailure, git
from runner.source.mirror import Mirror
from runner.source.mirrors import fetched, locked, read_from
from runner.source.remotes import repository_of
from runner.source.resolve import listed_refs
from runner.source.tries import Tries

MOST_REPOSITORIES = 20
LIMIT_SECONDS = 300.0

_OWNER_AND_NAME = re.compile(r"(?!.*(?:^|/)\.{1,2}(?:/|$))[A-Za-z0-9_.][\w.-]*(?:/[A-Za-z0-9_.][\w.-]*)+", re.ASCII)
_REF = re.compile(r"(?!.*(?:\.\.|//|@\{))[^\x00-\x20\x7f~^:?*\[\\/-][^\x00-\x20\x7f~^:?*\[\\]{0,199}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HEADS, _TAGS = "refs/heads/", "refs/tags/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A repository that others are named in: its address, the name that it goes by there, and in whose name it is read.

    `name` is `owner/name`, or `""` where only the address tells.
    """

    address: str
    name: str = ""
    access: Access

    @property
    def forge(self) -> str:
        """What stands before `owner/name` in addresses of its forge; `""` for a repository on a disk."""
        known = repository_of(self.address)
        bare = known.clone_url.rstrip("/").removesuffix(".git") if known.forge else ""
        starts = (bare.removesuffix(name) for name in (self.name, known.full_name) if name and bare.endswith(name))
        return next((start for start in starts if start.endswith(("/", ":"))), "")


class Others:
    """The other repositories of one run. What is fetched goes into mirrors below `root`, which may not be there yet.

    `known` are the commits that an earlier planning of the run has found: they are taken again.
    """

    def __init__(self, root: Path, *, tries: Tries, known: Iterable[Included] = ()) -> None:
        self._root = root
        self._tries = Tries(attempts=tries.attempts, backoff=tries.backoff, stop=tries.stop.child())
        self._run = tries.stop
        self._known = {(each.repository, each.ref): each.sha for each in known}
        self._found: dict[tuple[str, str, str], Library | SourceError] = {}
        self._seconds = LIMIT_SECONDS

    @property
    def texts(self) -> dict[str, bytes]:
        """The contents of all files that were read, by their names in problems."""
        libraries = [each for each in self._found.values() if isinstance(each, Library)]
        return {library.called(path): text for library in libraries for path, text in library.files.items()}

    def reach(self, origin: Origin, repo: str, ref: str) -> Library:
        """The library of a repository, as a file of `origin` names it. Raises Unreadable; SourceError if stopped."""
        try:
            return self._once(_named_in(origin, repo), repo, _checked_ref(ref))
        except SourceError as error:
            if self._run.requested:
                raise
            raise Unreadable(f"can't include files of {quoted(repo)}: {error}") from error

    def _once(self, other: Origin, repo: str, ref: str) -> Library:
        """What became of it is kept, be it an error, so that each is asked for once."""
        key = (other.access.realm, other.address, ref)
        if key not in self._found:
            if len(self._found) >= MOST_REPOSITORIES:
                raise SourceError(f"more than {MOST_REPOSITORIES} other repositories are included")
            self._found[key] = self._tried(other, repo, ref)
        found = self._found[key]
        if isinstance(found, SourceError):
            raise found
        return found

    def _tried(self, other: Origin, repo: str, ref: str) -> Library | SourceError:
        began = time.monotonic()
        reason = f"the other repositories took more than {limit_text(LIMIT_SECONDS)} in all"
        try:
            with deadline(self._tries.stop, max(self._seconds, 0), reason):
                return self._library(other, repo, ref)
        except SourceError as error:
            return error
        finally:
            self._seconds -= time.monotonic() - began

    def _library(self, other: Origin, repo: str, ref: str) -> Library:
        """Fetched already, so that all that is wrong with the repository is known where it is named."""
        mirror = self._fetched(other, ref)
        sha = mirror.event.sha
        return Library(
            files=Includable(partial(self._contents, mirror)),
            name=f"{repo}@{sha[:12] if not ref or ref == sha else ref}",
            included=Included(repository=other.address, ref=ref, sha=sha),
            reach=partial(self.reach, other),
        )

    def _contents(self, mirror: Mirror, path: str) -> bytes | None:
        """Raises Unreadable. A mirror that is damaged is fetched anew."""
        copies = iter((mirror,))

        def copy() -> Mirror:
            return next(copies, None) or self._mirror(mirror.event, mirror.access)

        try:
            return read_from(copy, lambda found: file_at(found, path))
        except SourceError as error:
            raise Unreadable(f"can't read {quoted(path)} of {mirror.event.repository.clone_url}: {error}") from error

    def _fetched(self, other: Origin, ref: str) -> Mirror:
        """The mirror at the commit that is meant. Raises SourceError."""
        self._root.mkdir(parents=True, exist_ok=True)
        repository = Repository(clone_url=other.address)
        if before := self._known.get((other.address, ref)):
            return self._mirror(Event(repository=repository, sha=before), other.access)
        if _COMMIT.fullmatch(ref):
            mirror = self._mirror(Event(repository=repository, sha=ref), other.access)
            _check_is_published(mirror)
            return mirror
        name, sha = self._tip(other, ref)
        return self._mirror(Event(repository=repository, ref=name, sha=sha), other.access)

    def _mirror(self, event: Event, access: Access) -> Mirror:
        return fetched(self._root, event, access=access, tries=self._tries)

    def _tip(self, other: Origin, ref: str) -> tuple[str, str]:
        """The full ref, and the commit that it leads to now. Of a tag and a branch of one name, the tag counts."""
        found: list[tuple[str, str]] = []
        retried(self._tries, lambda: found.append(self._listed(other, ref)))
        return found[-1]

    def _listed(self, other: Origin, ref: str) -> tuple[str, str]:
        names = (ref,) if ref.startswith((_HEADS, _TAGS)) else (_TAGS + ref, _HEADS + ref)
        asked = tuple(each for name in names for each in (f"{name}^{{}}", name)) if ref else ("HEAD",)
        known = listed_refs(self._root, other.address, other.access, self._tries, *asked)
        name = next((each for each in asked if each in known), "")
        if not name:
            raise SourceError(self._no_ref(other, ref))
        return (name.removesuffix("^{}") if ref else known["symref"]), known[name]

    def _no_ref(self, other: Origin, ref: str) -> str:
        if not ref:
            return f"{other.address} has no commit on its default branch yet"
        listed = listed_refs(self._root, other.address, other.access, self._tries, f"{_HEADS}*", f"{_TAGS}*")
        names = {name.removeprefix(_HEADS).removeprefix(_TAGS) for name in listed if name.startswith("refs/")}
        hint = nearest(ref, sorted(name for name in names if not name.endswith("^{}")))
        return f"{other.address} has no branch or tag {quoted(ref)}{f' ({hint})' if hint else ''}"


def file_at(mirror: Mirror, path: str) -> bytes | None:
    """A file's contents at the mirror's commit, None if it has none of that path. Raises Unreadable if it is too large.

    What is damaged raises GitFailure.
    """
    try:
        return mirror.contents(path)
    except GitFailure as failure:
        if failure.is_damage:
            raise
        return None
    except SourceError as error:
        raise Unreadable(str(error)) from error


def _checked_ref(ref: str) -> str:
    if ref and not (_REF.fullmatch(ref) and ref.isprintable()):
        raise SourceError(f"`ref` is {quoted(ref)}: expected a branch, a tag or the whole hash of a commit")
    return ref


def _named_in(origin: Origin, repo: str) -> Origin:
    """The repository that `repo` means in a file of `origin`, and in whose name it is read. Raises SourceError."""
    if _OWNER_AND_NAME.fullmatch(repo):
        return _on_same_forge(origin, repo.removesuffix(".git"))
    if not (repo.isascii() and repo.isprintable()):
        raise SourceError("its address has characters that none has")
    address = repository_of(checked_address(repo, what="it")).clone_url
    if address.startswith("http") and address != repo:
        raise SourceError("its address has more than a host and a path: leave out names, passwords, `?` and `#`")
    return _checked(Origin(address=address, access=access_to(address, origin=origin.address, access=origin.access)))


def _on_same_forge(origin: Origin, name: str) -> Origin:
    if not origin.forge:
        raise SourceError("the repository that says so is at no forge: write the whole address, as https or ssh")
    address = f"{origin.forge}{name}.git"
    access = access_to(address, origin=origin.address, access=origin.access)
    if access is ANONYMOUS and not address.startswith("http"):
        address = f"https://{repository_of(address).forge}/{name}.git"  # where a forge shows what is for everybody
    return _checked(Origin(address=address, name=name, access=access))


def _checked(other: Origin) -> Origin:
    if other.access is ANONYMOUS and not other.address.startswith("https://"):
        raise SourceError(
            f"{other.address} would be read without credentials, which is done over https alone (with credentials "
            "only what is of the same owner on the same forge is read, and nothing for a pull request from a fork)"
        )
    return other


def _check_is_published(mirror: Mirror) -> None:
    """Raise SourceError for a commit that is on no branch and no tag: anybody may have put it there."""
    if _is_published(mirror):
        return

    def fetch_all() -> None:
        with locked(mirror) as lock:
            fetch(mirror.directory, mirror.event, mirror.access, mirror.tries.stop, lock=lock)
            fetch_tags(mirror.directory, mirror.event, mirror.access, mirror.tries.stop, lock=lock)

    retried(mirror.tries, fetch_all)
    if not _is_published(mirror):
        where = mirror.event.repository.clone_url
        raise SourceError(f"commit {mirror.event.sha} is on no branch or tag of {where}")


def _is_published(mirror: Mirror) -> bool:
    contains = f"--contains={mirror.event.sha}"
    return bool(git(mirror.directory, "for-each-ref", "--count=1", contains, _HEADS, _TAGS).strip())
