"""Reading a tar stream back, as a container engine would."""

import io
import tarfile
from collections.abc import Iterable


def members(stream: Iterable[bytes]) -> dict[str, tarfile.TarInfo]:
    """The members of a tar stream by name."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        return {member.name: member for member in archive}


def contents(stream: Iterable[bytes]) -> dict[str, bytes]:
    """The contents of a tar stream's regular files by name."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        files = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
        return {name: file.read() for name, file in files.items() if file}
