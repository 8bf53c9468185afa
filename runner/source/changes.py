"""Changes: which files an event has changed, as git tells in a mirror; a forge's word for it is cut short, or none.

It is what somebody would see who looked at the event at its forge: of a push what came with it, of a branch that is new
what it has beside the default one, of a pull request what it brings to its target.
"""

from pipelines.event import EventKind
from runner.source.fetch import has_commit
from runner.source.gitcommand import GitFailure, git
from runner.source.mirror import Mirror
from runner.source.mirrors import fetch_branch
from runner.source.resolve import default_branch


def changed_files(mirror: Mirror) -> tuple[str, ...] | None:
    """The paths that the mirror's event has changed.

    Of a push since the commit before it, or where it was forced since the histories parted; of a new branch since it
    left the default one; of a pull request since it left its target; of all others what their commit has changed.

    None if nobody can tell what to compare with: the first push of the default branch, a forced push that has done away
    with what was there, or a history that has nothing to do with the other. Raises SourceError.
    """
    event = mirror.event
    if event.kind.is_pull_request:
        return _of_pull_request(mirror)
    if event.before.strip("0"):
        return _since_leaving(mirror, event.before)
    if event.kind is EventKind.PUSH:
        return _of_new_branch(mirror)
    return _of_commit(mirror)


def _of_pull_request(mirror: Mirror) -> tuple[str, ...] | None:
    target = fetch_branch(mirror, mirror.event.branch) if mirror.event.branch else None
    if target is None:
        return _of_commit(mirror)
    if not _is_within(mirror, target):
        return _since_leaving(mirror, target)
    merge = _merge_of(mirror, target)
    return _since_leaving(mirror, f"{merge}^1") if merge else _of_commit(mirror)


def _of_new_branch(mirror: Mirror) -> tuple[str, ...] | None:
    """What it has beside the default branch; that one is compared with nothing at its own first push."""
    default = mirror.event.repository.default_branch or default_branch(mirror)
    tip = fetch_branch(mirror, default) if default not in ("", mirror.event.branch) else None
    return _since_leaving(mirror, tip) if tip else None


def _of_commit(mirror: Mirror) -> tuple[str, ...] | None:
    parent = f"{mirror.event.sha}^"
    return _since(mirror, parent) if has_commit(mirror.directory, parent) else None


def _is_within(mirror: Mirror, tip: str) -> bool:
    """True if the event's commit is in this history, as that of a pull request is once it is merged."""
    try:
        git(mirror.directory, "merge-base", "--is-ancestor", "--end-of-options", mirror.event.sha, tip)
    except GitFailure:
        return False
    return True


def _merge_of(mirror: Mirror, tip: str) -> str:
    """The commit that has merged the event's into the branch with this tip; `""` if the branch just went on from it."""
    sha = mirror.event.sha
    line = git(mirror.directory, "rev-list", "--first-parent", "--ancestry-path", "--reverse", f"{sha}..{tip}")
    merge = line.decode().partition("\n")[0]
    return merge if merge and git(mirror.directory, "rev-parse", f"{merge}^1").decode().strip() != sha else ""


def _since_leaving(mirror: Mirror, other: str) -> tuple[str, ...] | None:
    """What has changed since the commit's history left that of the other one."""
    try:
        base = git(mirror.directory, "merge-base", "--end-of-options", other, mirror.event.sha).decode().strip()
    except GitFailure:
        return None
    return _since(mirror, base)


def _since(mirror: Mirror, base: str) -> tuple[str, ...]:
    listed = git(mirror.directory, "diff", "--name-only", "-z", "--no-renames", base, mirror.event.sha, "--")
    return tuple(name.decode(errors="replace") for name in listed.split(b"\0") if name)
