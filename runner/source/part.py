"""Part: one of the repositories that a tree is made of, the commit's own first, then its submodules and theirs.

DESIGN. They come in the order in which they are found, and one is fetched when its turn comes. How many there are, and
how deep they lie, is limited: a few small commits can name each other for ever.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.event import Event, Repository
from runner.errors import SourceError
from runner.source.access import ANONYMOUS, Access
from runner.source.addresses import access_to
from runner.source.clonesettings import CloneSettings
from runner.source.forks import access_for_author
from runner.source.mirror import Mirror
from runner.source.mirrors import fetched, noting_damage
from runner.source.submodules import Submodule, submodules_of

_DEEPEST = 8  # submodules of submodules
_MOST_REPOSITORIES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A repository of the tree. `below` is its place there, `""` or with a final slash; `level` 0 is the first.

    `submodules` are those of its own that come, too. `mirror` holds its commit.
    """

    mirror: Mirror
    submodules: tuple[Submodule, ...] = ()
    below: str = ""
    level: int = 0


def parts_of(mirror: Mirror, settings: CloneSettings) -> Iterator[Part]:
    """The parts of the mirror's commit, as far as they are asked for. Raises SourceError."""
    waiting, count = deque([Part(mirror=mirror)]), 0
    while waiting:
        part = _with_submodules(waiting.popleft(), settings)
        count += 1
        if part.level + bool(part.submodules) > _DEEPEST:
            raise SourceError(f"submodule {part.submodules[0].name!r}: more than {_DEEPEST} levels of submodules")
        if count + len(part.submodules) + len(waiting) > _MOST_REPOSITORIES:
            raise SourceError(f"more than {_MOST_REPOSITORIES} submodules: no more are taken")
        yield part
        waiting.extend(_fetched(part, submodule) for submodule in part.submodules)


def first_part(mirror: Mirror, settings: CloneSettings) -> Part:
    """The commit's own repository. Raises SourceError."""
    return next(parts_of(mirror, settings))


def _with_submodules(part: Part, settings: CloneSettings) -> Part:
    if not settings.submodules:
        return part
    mirror = part.mirror
    with noting_damage(mirror):
        found = submodules_of(mirror.directory, mirror.entries, origin=mirror.event.repository.clone_url)
    return Part(mirror=mirror, submodules=found, below=part.below, level=part.level)


def _check_readable(submodule: Submodule, access: Access, part: Part) -> None:
    """Raises SourceError for what would be read over ssh, say, in nobody's name: git's own words tell nothing."""
    if access is not ANONYMOUS or submodule.url.startswith("https://"):
        return
    raise SourceError(
        f"submodule {submodule.name!r} at {submodule.url!r} is read without credentials, because {_why(part)}, and so"
        " over https alone: name it by an https:// address in .gitmodules"
    )


def _why(part: Part) -> str:
    request = part.mirror.event.pull_request
    if request and request.from_fork:
        return "a commit of a fork names it"
    if part.mirror.access is ANONYMOUS:
        return "the submodule that names it is"
    return "it is not of the repository's own owner"


def _fetched(part: Part, submodule: Submodule) -> Part:
    """The submodule's part of the tree, fetched in nobody's name unless it is of the same owner, and no fork's."""
    mirror = part.mirror
    event = Event(repository=Repository(clone_url=submodule.url), sha=submodule.commit)
    access = access_for_author(mirror.event, mirror.access, url=submodule.url)
    access = access_to(submodule.url, origin=mirror.event.repository.clone_url, access=access)
    _check_readable(submodule, access, part)
    return Part(
        mirror=fetched(mirror.root, event, access=access, tries=mirror.tries),
        below=f"{part.below}{submodule.path}/",
        level=part.level + 1,
    )
