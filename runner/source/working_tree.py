"""The working tree on a laptop: what `headrace run` takes into its containers, read and never written.

That is what `git status` shows to be part of the project: tracked files as they are now, and untracked ones, without
those that git ignores. The tree comes with a small `.git` of its own, so that steps see the same as on a server.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runner.errors import SourceError
from runner.events import WorkingTreeFacts
from runner.source.checkout import Revision, make_git_directory
from runner.source.gitcommand import git
from runner.source.tarstream import every_file, tar_stream
from runner.workflow_files import working_tree_root


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingTree:
    """A directory to run from. `root` is git's top level; without git (`has_git` false), the directory itself."""

    root: Path
    has_git: bool

    @classmethod
    def around(cls, directory: Path) -> "WorkingTree":
        """The working tree that this directory lies in."""
        root = working_tree_root(directory)
        try:
            git(root, "rev-parse", "--show-toplevel", environment=_USER)
        except SourceError:
            return cls(root=root, has_git=False)
        return cls(root=root, has_git=True)

    def files(self) -> tuple[str, ...]:
        """The paths of the files that belong to it, relative to the root, sorted."""
        if not self.has_git:
            return tuple(name for name, _ in every_file(self.root))
        listed = git(
            self.root,
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            "--deduplicate",
            environment=_USER,
        )
        names = (name.decode(errors="surrogateescape") for name in listed.split(b"\0") if name)
        return tuple(sorted(name for name in names if _is_file(self.root / name)))

    def tree(self) -> Iterator[bytes]:
        """Its files, and a `.git` with the last commit, as a tar stream."""
        files = [(name, self.root / name) for name in self.files()]
        commit = self._head()
        if not commit:
            yield from tar_stream(files)
            return
        facts = self.facts()
        with tempfile.TemporaryDirectory(prefix="headrace-tree-") as directory:
            revision = Revision(source=self.root, commit=commit, branch=facts.branch, origin=facts.remote_url)
            make_git_directory(revision, Path(directory))
            yield from tar_stream([*every_file(Path(directory)), *files])

    def facts(self) -> WorkingTreeFacts:
        """What git says of it, each empty where it says nothing."""
        if not self.has_git:
            return WorkingTreeFacts(root=self.root)
        sha = self._head()
        author, email, message = (
            self._ask("show", "--no-patch", "--format=%an%x00%ae%x00%B", "HEAD", "--").split("\0", 2)
            if sha
            else ("", "", "")
        )
        return WorkingTreeFacts(
            root=self.root,
            branch=self._ask("symbolic-ref", "--quiet", "--short", "HEAD"),
            sha=sha,
            message=message.strip(),
            author=author,
            author_email=email,
            remote_url=self._ask("config", "--get", "remote.origin.url"),
            default_branch=self._ask("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD").removeprefix(
                "origin/"
            ),
            changed_files=self._changed_files() if sha else None,
        )

    def _head(self) -> str:
        return self._ask("rev-parse", "--quiet", "--verify", "HEAD^{commit}") if self.has_git else ""

    def _changed_files(self) -> tuple[str, ...]:
        """What a push would change: since the upstream, else since the parent, with what isn't committed yet."""
        base = self._ask("merge-base", "HEAD", "@{upstream}")
        if not base or base == self._head():
            base = self._ask("rev-parse", "--quiet", "--verify", "HEAD^") or "HEAD"
        changed = self._ask("diff", "--name-only", "-z", "--no-renames", base, "--").split("\0")
        untracked = self._ask("ls-files", "-z", "--others", "--exclude-standard").split("\0")
        return tuple(sorted({name for name in (*changed, *untracked) if name}))

    def _ask(self, *arguments: str) -> str:
        try:
            return git(self.root, *arguments, environment=_USER).decode(errors="replace").rstrip("\n")
        except SourceError:
            return ""


# The user's own repository, under the user's own configuration (`core.excludesFile`, say).
_USER: dict[str, str] = {}


def _is_file(path: Path) -> bool:
    return path.is_symlink() or path.is_file()
