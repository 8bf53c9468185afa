"""The file that a step writes its outputs to: made empty before each attempt, for any user to write, and read after it.

What is read was written by anybody in the job: it must be a regular file, and no more than its limit is read of it.
"""

import io
import posixpath
import tarfile

from runner.engine.client import Engine, EngineRefusal

_FIRST_BLOCKS_BYTES = 64 * 1024  # what may stand before a file's content, in the tar that it comes in


def make_output_file(engine: Engine, container: str, path: str, *, below: str) -> None:
    """Make an empty file, through a container that mounts the job's volume at a directory that it is `below`."""
    *directories, name = posixpath.relpath(path, below).split("/")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for length in range(1, len(directories) + 1):
            directory = tarfile.TarInfo("/".join(directories[:length]))
            directory.type, directory.mode = tarfile.DIRTYPE, 0o777
            archive.addfile(directory)
        file = tarfile.TarInfo("/".join((*directories, name)))
        file.mode = 0o666
        archive.addfile(file)
    engine.put_archive(container, below, [buffer.getvalue()])  # Podman follows no mount below the path


def read_output_file(engine: Engine, container: str, path: str, *, limit_bytes: int) -> bytes:
    """Its content, of which no more than one byte beyond the limit is read. Nothing if there is no such file."""
    held = bytearray()
    try:
        for chunk in engine.get_archive(container, path):
            held += chunk
            if len(held) > limit_bytes + _FIRST_BLOCKS_BYTES:
                break
    except EngineRefusal as refusal:
        if refusal.status == 404:
            return b""
        raise
    return _first_file(bytes(held), limit_bytes)


def _first_file(tar: bytes, limit_bytes: int) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archive:
        member = archive.next()
        if member is None or not member.isreg():
            return b""
        return tar[member.offset_data : member.offset_data + min(member.size, limit_bytes + 1)]
