"""The index and the `.git` of a part, made on disk, wherever they are to go from there."""

from pathlib import Path

from runner.source.clonesettings import CloneSettings
from runner.source.fetch import fetch_tags, retried
from runner.source.gitcommand import git
from runner.source.gitdirectory import Revision, make_git_directory
from runner.source.index import fill_index
from runner.source.mirror import Mirror
from runner.source.mirrors import locked
from runner.source.part import Part


def new_index(part: Part, directory: Path) -> Path:
    """An index of the part's commit in this directory. Raises SourceError for a tree that isn't safe to unpack."""
    mirror, index = part.mirror, directory / "index"
    fill_index(mirror.directory, mirror.event.sha, mirror.entries, index)
    return index


def git_directory(part: Part, index: Path, settings: CloneSettings) -> Path:
    """A directory that has only a `.git`, made where the index is, which goes into it. Raises SourceError."""
    mirror = part.mirror
    if settings.tags:
        retried(mirror.tries, lambda: _fetch_tags(mirror))
    place = index.with_name("tree")
    place.mkdir()
    revision = Revision(
        source=mirror.directory,
        commit=mirror.event.sha,
        branch=mirror.event.branch,
        origin=mirror.event.repository.clone_url,
    )
    make_git_directory(revision, place, settings, index=index)
    for submodule in part.submodules:
        git(place, "config", f"submodule.{submodule.name}.url", submodule.url)
    return place


def _fetch_tags(mirror: Mirror) -> None:
    with locked(mirror) as lock:
        fetch_tags(mirror.directory, mirror.event, mirror.access, mirror.tries.stop, lock=lock)
