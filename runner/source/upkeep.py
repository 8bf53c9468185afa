"""Upkeep: mirrors that many fetches have left in pieces are put together again, when nobody waits for it.

DESIGN. A fetch leaves a pack, or up to a hundred loose objects, and a ref for each commit that was on none. Thousands
of them make every git slow. Git's own upkeep is switched off, because it would start in the midst of a fetch and run on
behind our backs. Instead a worker puts together one mirror, the worst, after a job has been told to be over. Packs are
joined in a geometric progression, so that what is large is not written again each time, under the lock of who fetches;
if somebody has it, another time will do. Readers need no lock: git looks again for an object whose pack has gone.
Nothing is thrown away.
"""

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from runner.errors import SourceError
from runner.source.damage import note_damage
from runner.source.gitcommand import GitFailure, git
from runner.source.mirrorlock import try_lock
from runner.stop import Stop

LIMIT = timedelta(minutes=2)
MOST_PACKS = 20
_MOST_LOOSE = 4000
_LOOSE_DIRECTORIES = 256
_SAMPLE = "17"  # of the 256 directories of loose objects, as git's own upkeep estimates them

log = logging.getLogger(__name__)


def tidy(root: Path, stop: Stop) -> None:
    """Put together the mirror below `root` that needs it most, if one does. A failure is logged; the mirror stays."""
    untidy = [(pieces, directory) for directory in _mirrors(root) if (pieces := _pieces(directory)) > 1]
    if not untidy:
        return
    _, directory = max(untidy)
    with try_lock(directory) as lock:
        if lock is None:
            return
        try:
            _put_together(directory, lock, stop)
        except SourceError as error:
            log.warning("mirror can't be put together", extra={"mirror": directory.name, "error": str(error)})
            if isinstance(error, GitFailure) and error.is_damage:
                note_damage(directory)


def _mirrors(root: Path) -> Iterator[Path]:
    """Those of the machine's own name, and below a directory for each other."""
    for packs in (*root.glob("*/objects/pack"), *root.glob("*/*/objects/pack")):
        if not packs.parent.parent.suffix:  # else one that is being made, or thrown away
            yield packs.parent.parent


def _pieces(directory: Path) -> float:
    """In how many pieces it is; 1 is as many as are well borne."""
    packs = sum(path.suffix == ".pack" for path in (directory / "objects" / "pack").iterdir())
    sample = directory / "objects" / _SAMPLE
    loose = sum(1 for _ in sample.iterdir()) * _LOOSE_DIRECTORIES if sample.is_dir() else 0
    return max(packs / MOST_PACKS, loose / _MOST_LOOSE)


def _put_together(directory: Path, lock: int, stop: Stop) -> None:
    git(directory, "pack-refs", "--all", timeout=LIMIT, stop=stop, lock=lock)
    git(directory, "repack", "--geometric=2", "-d", "-l", "--quiet", timeout=LIMIT, stop=stop, lock=lock)
    for abandoned in (directory / "objects").glob("pack/tmp_*"):  # whoever began it doesn't hold the lock any more
        abandoned.unlink(missing_ok=True)
