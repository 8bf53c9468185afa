"""Mortal: what a test session starts dies with it, even if that is killed; and what of it stays is found by the next.

DESIGN. The kernel tells a child of its parent's death (setpriv, of util-linux, asks for that); a process that has been
made a container's or another namespace's dies with whoever keeps that. What engines of the tests' own keep lies outside
the session's directory, because more than files is to be removed of it (networks, control groups), and on a disk, as
engines are used to. These directories have the session's process id in their names, so that the next session knows
those of the dead.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

_PLACE = Path("/tmp")  # short, since a socket's path may have no more than 107 bytes


def mortal(command: Sequence[str | Path]) -> list[str | Path]:
    """The command, to be killed when the thread that starts it ends. On machines without setpriv, as it is."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--", *command] if setpriv else list(command)


def directory_of_this_session(kind: str) -> Path:
    """A new directory for what an engine keeps."""
    return Path(tempfile.mkdtemp(prefix=f"headrace-{kind}-{os.getpid()}-", dir=_PLACE))


def directories_of_the_dead(kind: str) -> list[Path]:
    """Those that sessions which were killed have left."""
    found = _PLACE.glob(f"headrace-{kind}-*-*")
    return [path for path in found if _is_dead(path.name.removeprefix(f"headrace-{kind}-"))]


def _is_dead(name: str) -> bool:
    number = re.match(r"(\d+)-", name)
    return number is not None and not Path(f"/proc/{number[1]}").exists()
