"""Where the mirrors of an address lie. The server, which runs no git, forgets them by this alone."""

import hashlib
import re
import shutil
from pathlib import Path


def directory_name(url: str) -> str:
    """The name of the directory of an address's mirror: one that people recognise, and no other address has."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", url.rstrip("/").removesuffix(".git").rpartition("/")[2])[:40]
    return f"{readable}-{hashlib.sha256(url.encode()).hexdigest()[:16]}"


def forget_mirrors(root: Path, url: str) -> None:
    """Remove the mirrors of an address, in whoever's name they were fetched. Who wants one again fetches it anew."""
    name = directory_name(url)
    for directory in (root / name, *root.glob(f"*/{name}")):
        shutil.rmtree(directory, ignore_errors=True)
