"""The directory of this machine that a volume is, where an engine runs beside us and lets us write as it would.

DESIGN. An engine says where a volume lies on its own machine, which may be another, or a virtual one. Volumes of ours
have names with 48 random bits in them and have only just been made: where such a path exists here, it is that volume.
Whatever we write must look as if the engine had written it. So the directory has to be ours, as what the engine makes
for a container's root is: where it maps users to others (`userns-remap`), or we run as another user, it is not.
"""

import os
import stat
from pathlib import Path

from runner.engine.client import Engine


def volume_directory(engine: Engine, volume: str) -> Path | None:
    """Where we can write into a volume that has just been made; None where only the engine can. Raises BackendError."""
    place = engine.volume_directory(volume)
    return Path(place) if place and _is_ours(place) else None


def _is_ours(directory: str) -> bool:
    try:
        found = os.lstat(directory)
    except OSError:
        return False
    owned = (found.st_uid, found.st_gid) == (os.geteuid(), os.getegid())
    return owned and stat.S_ISDIR(found.st_mode) and os.access(directory, os.R_OK | os.W_OK | os.X_OK)
