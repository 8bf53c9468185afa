"""The working tree on a laptop: what `headrace run` takes into its containers, read and never written.

That is what `git status` shows to be part of the project: tracked files as they are now, and untracked ones, without
those that git ignores. The tree comes with a small `.git` of its own, so that steps see the same as on a server.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from runner.errors import SourceError
from runner.events import WorkingTreeFacts
from runner.scratch import scratch_directory
from runner.source.clonesettings import DEFAULT_CLONE, CloneSettings
from runner.source.gitcommand import GitFailure, git
from runner.source.gitdirectory import Revision, make_git_directory
from runner.source.remotes import repository_of
from runner.source.tarstream import END, directory_member, every_file, tar_members
from runner.workflow_files import working_tree_root

_UNREADABLE = (
    "can't read the working tree {root}: {error}; "
    "if it belongs to somebody whom you trust: git config --global --add safe.directory {root}"
)
_AT_ONCE = 4  # questions to git, each of which is a program's start


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingTree:
    """A directory to run from. `root` is git's top level; without git (`has_git` false), the directory itself."""

    root: Path
    has_git: bool

    @classmethod
    def around(cls, directory: Path) -> "WorkingTree":
        """The working tree that this directory lies in.

        Raises SourceError if git can't read it: without git's word, what it ignores would be taken along.
        """
        root = working_tree_root(directory)
        try:
            git(root, "rev-parse", "--show-toplevel", environment=_USER)
        except GitFailure as error:
            if (root / ".git").exists():
                raise SourceError(_UNREADABLE.format(root=root, error=error)) from error
            return cls(root=root, has_git=False)
        except SourceError:
            if (root / ".git").exists():
                raise
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

    def tree(self, settings: CloneSettings = DEFAULT_CLONE) -> Iterator[bytes]:
        """Its files, and a `.git` with as much of its history as the settings ask for, as a tar stream.

        Submodules come as they are here. What settings say of the network, and of large files, is of no concern.
        """
        yield from self.members(settings, below="")
        yield END

    def members(self, settings: CloneSettings, *, below: str) -> Iterator[bytes]:
        """The same without the end, each name behind the prefix `below`."""
        with scratch_directory("tree") as directory:
            self._make_git_directory(directory, settings)
            yield from tar_members(every_file(directory, below=below))
        yield from tar_members((below + name, self.root / name) for name in self.files())
        for path in self._submodules():
            yield directory_member(f"{below}{path}")
            submodule = replace(self, root=self.root / path)
            if settings.submodules and (submodule.root / ".git").exists():
                yield from submodule.members(replace(settings, remote=""), below=f"{below}{path}/")

    def _make_git_directory(self, place: Path, settings: CloneSettings) -> None:
        commit = self._head()
        if not commit:
            return
        branch, origin = self._branch(), settings.remote or self.remote_url()
        make_git_directory(Revision(source=self.root, commit=commit, branch=branch, origin=origin), place, settings)
        self._note_files(place)
        if settings.submodules:
            for name, url in self._submodule_addresses():
                git(place, "config", name, repository_of(url).clone_url)

    def _note_files(self, place: Path) -> None:
        """Let the index at `place` know the files as they are here, and as they will be in the workspace."""
        here = (f"--git-dir={place / '.git'}", f"--work-tree={self.root}")
        git(
            self.root, *here, "update-index", "-q", "--ignore-submodules", "--unmerged", "--ignore-missing", "--refresh"
        )

    def _submodules(self) -> tuple[str, ...]:
        """Where other repositories belong, whether they are there or not."""
        if not self.has_git:
            return ()
        listed = git(self.root, "ls-files", "-z", "--stage", environment=_USER).split(b"\0")
        links = (line.partition(b"\t")[2] for line in listed if line.startswith(b"160000 "))
        return tuple(dict.fromkeys(path.decode(errors="surrogateescape") for path in links))

    def _submodule_addresses(self) -> list[tuple[str, str]]:
        listed = self._ask("config", "--local", "-z", "--get-regexp", r"^submodule\..*\.url$").split("\0")
        return [(name, url) for name, _, url in (each.partition("\n") for each in listed if each)]

    def facts(self) -> WorkingTreeFacts:
        """What git says of it, each empty where it says nothing. It is asked for several things at once."""
        if not self.has_git:
            return WorkingTreeFacts(root=self.root)
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="headrace-facts") as asked:
            head, changed = asked.submit(self._head), asked.submit(self._changed_files)
            newest, branch = asked.submit(self._newest), asked.submit(self._branch)
            remote_url, default_branch = asked.submit(self.remote_url), asked.submit(self._default_branch)
        author, email, message = newest.result()
        return WorkingTreeFacts(
            root=self.root,
            branch=branch.result(),
            sha=head.result(),
            message=message.strip(),
            author=author,
            author_email=email,
            remote_url=remote_url.result(),
            default_branch=default_branch.result(),
            changed_files=changed.result() if head.result() else None,
        )

    def _newest(self) -> tuple[str, str, str]:
        """The newest commit's author, their address and the message, each empty if there is none."""
        told = self._ask("show", "--no-patch", "--format=%an%x00%ae%x00%B", "HEAD", "--") or "\0\0"
        author, email, message = told.split("\0", 2)
        return author, email, message

    def _default_branch(self) -> str:
        head = self._ask("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
        return head.removeprefix("origin/")

    def _branch(self) -> str:
        return self._ask("symbolic-ref", "--quiet", "--short", "HEAD")

    def remote_url(self) -> str:
        """The origin's address as it is configured, `""` if it has none."""
        return self._ask("config", "--get", "remote.origin.url")

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
