"""Mortal: what a test session starts dies with it, even if that is killed.

DESIGN. The kernel tells a child of its parent's death (setpriv, of util-linux, asks for that). What can't be told so,
and what is left in files and mounts, the next session ends: see session_directory.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path


def mortal(command: Sequence[str | Path]) -> list[str | Path]:
    """The command, to be killed when the thread that starts it ends. On machines without setpriv, as it is."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--", *command] if setpriv else list(command)
