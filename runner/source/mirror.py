"""A mirror: what the worker's bare copy of a repository says of the commit of one event."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pipelines.event import Event
from pipelines.reading.document import MAX_BYTES
from runner.errors import SourceError
from runner.source.access import Access
from runner.source.fetch import has_commit
from runner.source.gitcommand import GitFailure, git
from runner.source.listing import Entry, listing
from runner.source.tries import Tries


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitFacts:
    """What a commit says of itself: for show, never for trust."""

    message: str
    author: str
    author_email: str
    timestamp: int  # when it was committed, in seconds since 1970


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """A repository's bare mirror at `directory`, holding the commit of an event. Made by `mirrors.fetched`.

    `root` has all mirrors; `access` and `tries` are for what else the network must give.
    """

    root: Path
    directory: Path
    event: Event
    access: Access
    tries: Tries = field(default_factory=Tries)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """All files, links and submodules of the commit. Raises SourceError for a tree that isn't safe to unpack."""
        return listing(self.directory, self.event.sha)

    def contents(self, path: str) -> bytes:
        """A workflow file's contents at the event's commit. Raises SourceError if it is larger than one may be."""
        name = f"{self.event.sha}:{path}"
        size_bytes = int(git(self.directory, "cat-file", "-s", name))
        if size_bytes > MAX_BYTES:
            raise SourceError(f"{path} has {size_bytes} bytes: a workflow file may have {MAX_BYTES}")
        return git(self.directory, "cat-file", "blob", name)

    def paths(self, *directories: str) -> tuple[str, ...]:
        """The paths of the files at the commit's root, and of those right below these directories."""
        listed = [git(self.directory, "ls-tree", "-z", "--name-only", self.event.sha)]
        listed += [
            git(self.directory, "ls-tree", "-z", "--name-only", self.event.sha, "--", f"{directory}/")
            for directory in directories
        ]
        return tuple(name.decode(errors="replace") for output in listed for name in output.split(b"\0") if name)

    def commit_facts(self) -> CommitFacts:
        """The message and author of the event's commit."""
        text = git(self.directory, "show", "--no-patch", "--format=%an%x00%ae%x00%ct%x00%B", self.event.sha, "--")
        author, email, seconds, message = text.decode(errors="replace").split("\0", 3)
        return CommitFacts(message=message.strip(), author=author, author_email=email, timestamp=int(seconds))

    def changed_files(self, *, beside: str | None = None) -> tuple[str, ...] | None:
        """The paths that the event has changed: since it left the commit `beside`, where that is given, as the tip of
        a pull request's target; else since it left `before`, which for a forced push is no ancestor; else since the
        commit's parent.

        None if nobody can tell what to compare with: a new branch whose first commit has no parent, or a forced push
        that has done away with what was there.
        """
        if beside is not None:
            return self._changed_since_fork(beside)
        if self.event.before.strip("0"):
            return self._changed_since_fork(self.event.before)
        parent = f"{self.event.sha}^"
        return self._changed_since(parent) if has_commit(self.directory, parent) else None

    def _changed_since_fork(self, other: str) -> tuple[str, ...] | None:
        """What has changed since the commit's history left that of the other one."""
        try:
            base = git(self.directory, "merge-base", "--end-of-options", other, self.event.sha).decode().strip()
        except GitFailure:
            return None
        return self._changed_since(base)

    def _changed_since(self, base: str) -> tuple[str, ...]:
        listed = git(self.directory, "diff", "--name-only", "-z", "--no-renames", base, self.event.sha, "--")
        return tuple(name.decode(errors="replace") for name in listed.split(b"\0") if name)
