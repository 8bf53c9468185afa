"""The one way git is run on this machine: through GitPython, with a time-out, and deaf to what a repository configures.

DESIGN. Repositories are untrusted. No hooks, no file-system monitor, no protocol that runs programs, no prompt that
waits for ever, no system-wide configuration. The user's own configuration stays for `fetch`, because it holds the
credentials, and is left out wherever files are written. Arguments that come from outside are checked by their callers
and stand behind `--end-of-options` or in a refspec; nothing goes through a shell. Never run git in a directory that a
step could have written to.
"""

import os
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from git import Git, GitCommandError, GitCommandNotFound

from runner.errors import SourceError

_SAFE = (
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false",
    "-c", "core.protectHFS=true",
    "-c", "core.protectNTFS=true",
    "-c", "protocol.ext.allow=never",
    "-c", "protocol.fd.allow=never",
    "-c", "gc.auto=0",
    "-c", "advice.detachedHead=false",
    "-c", "submodule.recurse=false",
    "-c", "tar.umask=0",
)  # fmt: skip

_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=10",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
}
WITHOUT_USER_CONFIGURATION = {"GIT_CONFIG_GLOBAL": os.devnull}

_LOCAL = timedelta(minutes=2)
_CHUNK_BYTES = 1 << 20


def git(
    directory: Path,
    *arguments: str,
    timeout: timedelta = _LOCAL,
    environment: Mapping[str, str] = WITHOUT_USER_CONFIGURATION,
    given: BinaryIO | None = None,
) -> bytes:
    """What `git ARGUMENTS` prints in this directory, `given` this to read. Raises SourceError with git's reason."""
    try:
        printed = Git(str(directory)).execute(
            ["git", *_SAFE, *arguments],
            stdout_as_string=False,
            strip_newline_in_stdout=False,
            kill_after_timeout=timeout.total_seconds(),
            env=_ENVIRONMENT | dict(environment),
            istream=given,
        )
    except GitCommandNotFound as error:
        raise SourceError("git is not installed: install the package `git`") from error
    except GitCommandError as error:
        raise SourceError(_why(error, arguments[0], timeout)) from error
    return printed


def git_stream(directory: Path, *arguments: str) -> Iterator[bytes]:
    """What `git ARGUMENTS` prints in this directory, while it does. Raises SourceError."""
    process = Git(str(directory)).execute(
        ["git", *_SAFE, *arguments], as_process=True, env=_ENVIRONMENT | WITHOUT_USER_CONFIGURATION
    )
    while chunk := process.stdout.read(_CHUNK_BYTES):
        yield chunk
    try:
        process.wait()
    except GitCommandError as error:
        raise SourceError(_why(error, arguments[0], _LOCAL)) from error


def _why(error: GitCommandError, command: str, timeout: timedelta) -> str:
    if "Timeout:" in str(error.stderr):
        return f"git {command} did not end within {timeout.total_seconds():g} s"
    said = str(error.stderr).strip().removeprefix("stderr: ").removeprefix("'").removesuffix("'")
    lines = [line for line in said.splitlines() if line.strip()]
    fatal = next((line for line in lines if line.startswith("fatal: ")), lines[-1] if lines else "it said nothing")
    return f"git {command}: {fatal.removeprefix('fatal: ').removeprefix('error: ')}"
