"""Paths as text: which of them stay below the directory they start from."""

import posixpath


def climbs_out(path: str) -> bool:
    """True if a relative path leads out of its directory."""
    return posixpath.normpath(path).split("/")[0] == ".."


def below(path: str) -> str:
    """What is wrong with a path that must stay below a directory, to complete "`path` …"; `""` if it does."""
    if path.startswith("/"):
        return "must be relative"
    return "leads out of the workspace" if climbs_out(path) else ""


def below_or_absolute(path: str) -> str:
    """What is wrong with a path that may also be absolute; `""` for a good one."""
    return "" if path.startswith("/") else below(path)


def absolute(path: str) -> str:
    """What is wrong with a path that must be absolute; `""` for a good one."""
    is_directory = path.startswith("/") and posixpath.normpath(path).strip("/")
    return "" if is_directory else "must be an absolute path below /, such as /work"
