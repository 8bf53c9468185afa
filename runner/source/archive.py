"""Archives: a commit's files as a tar stream, straight from a bare repository and never on this machine's disk.

DESIGN. `git archive` converts line endings as a checkout does, but it leaves out and rewrites files where
`.gitattributes` says so, and checks no paths. The attributes are overruled by a file of ours in the repository, so it
must be a mirror. Paths are checked by `read-tree`, which the caller has run on the commit before, and here.
"""

from collections.abc import Iterator
from pathlib import Path

from runner.errors import SourceError
from runner.source.gitcommand import git, git_stream

_ATTRIBUTES = "* -export-ignore -export-subst\n"
_LONGEST_PATH = 3800  # bytes: Linux takes 4,096 with the workspace's own path


def archive(mirror: Path, commit: str) -> Iterator[bytes]:
    """The files of a commit, everyone allowed to write, and the archive's end. Raises SourceError.

    The caller has overruled the mirror's attributes and checked the paths.
    """
    return git_stream(mirror, "archive", "--format=tar", commit)


def overrule_attributes(mirror: Path) -> None:
    """Let nothing be left out of archives of this mirror. Nobody else may do so at the same time."""
    attributes = mirror / "info" / "attributes"
    if not attributes.exists() or attributes.read_text() != _ATTRIBUTES:
        attributes.parent.mkdir(exist_ok=True)
        attributes.write_text(_ATTRIBUTES)


def check_paths(mirror: Path, commit: str) -> None:
    """Raises SourceError if a path of the commit is too long, or a file and a directory share a name.

    One of the two could be a link, through which the other is written.
    """
    _check_paths(git(mirror, "ls-tree", "-r", "-z", "--name-only", "--full-tree", commit).split(b"\0")[:-1])


def _check_paths(paths: list[bytes]) -> None:
    files = set(paths)
    directories: set[bytes] = set()
    for path in paths:
        if len(path) > _LONGEST_PATH:
            raise SourceError(f"the commit has a path of {len(path)} bytes: at most {_LONGEST_PATH} are taken")
        while (path := path.rpartition(b"/")[0]) and path not in directories:
            directories.add(path)
    if len(files) < len(paths) or files & directories:
        raise SourceError("the commit's tree is malformed: two of its entries have one name")
