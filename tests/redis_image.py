"""A Redis image for want of a registry: this machine's own redis-server and redis-cli, and the libraries they need.

It runs as the user that the usual image steps down to, who owns `/data`.
"""

import io
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

REDIS_IMAGE = "headrace/test-redis-with-client:local"
_USER = "999"
_PROGRAMS = ("redis-server", "redis-cli")


def made_redis_image() -> str:
    """The image's name; it is made once and kept."""
    if subprocess.run(["docker", "image", "inspect", REDIS_IMAGE], check=False, capture_output=True).returncode == 0:
        return REDIS_IMAGE
    command = ["docker", "import", "--change", f"USER {_USER}", "--change", "WORKDIR /data", "-", REDIS_IMAGE]
    subprocess.run(command, input=_files(), check=True, capture_output=True)
    return REDIS_IMAGE


def _files() -> bytes:
    programs = [_found(program) for program in _PROGRAMS]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as archive:
        for program in programs:
            archive.add(program, f"usr/bin/{Path(program).name}")
        for library in {library for program in programs for library in _libraries(program)}:
            archive.add(library, library.lstrip("/"))
        data = tarfile.TarInfo("data")
        data.type, data.mode, data.uid, data.gid = tarfile.DIRTYPE, 0o755, int(_USER), int(_USER)
        archive.addfile(data)
    return buffer.getvalue()


def _found(program: str) -> str:
    found = shutil.which(program)
    assert found, f"the tests need {program}: `make setup` installs it"
    return found


def _libraries(program: str) -> set[str]:
    linked = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    return set(re.findall(r"(/\S+) \(0x", linked))
