"""An image with git in it: busybox, and this machine's own git with the libraries it is linked to."""

import io
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

from runner.engine.client import Engine


def git_image(engine: Engine, busybox: str, *, user: str = "0") -> str:
    """The image's name; it is made once and kept. Its steps run as this user."""
    name = f"headrace/test-git:user-{user}"
    if not engine.has_image(name):
        command = ["docker", "create", busybox]
        made = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        try:
            engine.put_archive(made, "/", [_files()])
            subprocess.run(
                ["docker", "commit", "--change", f"USER {user}", made, name], check=True, capture_output=True
            )
        finally:
            engine.remove_container(made)
    return name


def _files() -> bytes:
    program = shutil.which("git")
    assert program
    linked = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(Path(program).resolve(), "bin/git")
        for library in re.findall(r"(/\S+) \(0x", linked):
            archive.add(Path(library).resolve(), library.lstrip("/"))
    return buffer.getvalue()
