"""A mirror: what the worker's bare copy of a repository says of the commit of one event."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pipelines.event import Event
from pipelines.reading.document import MAX_BYTES
from runner.errors import SourceError
from runner.source.access import Access
from runner.source.gitcommand import git
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
