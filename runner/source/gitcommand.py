"""The one way git is run on this machine: through GitPython, with a time-out, and deaf to what a repository configures.

DESIGN. Repositories are untrusted. No hooks, no file-system monitor, no protocol that runs programs, no prompt that
waits for ever, no system-wide configuration, nothing of the variables that a hook of git's gives to what it runs. The
user's own configuration stays where it holds the credentials, and is left out wherever files are read or written.
Arguments that come from outside are checked by their callers and stand behind `--end-of-options` or in a refspec;
nothing goes through a shell. Each git is a process group of its own, so that what it has started (ssh, a helper) ends
with it: at its time-out, at a stop, or when nobody reads any more. Where it writes for long, it tells of its progress
with each hundredth and each second: so if we are killed, it dies of it at once, as of any pipe that nobody reads, and
not when all is written. (The kernel's word of a parent's death comes when the thread that started a child has ended.)
Never run git in a directory that a step could have written to.
"""

import fcntl
import os
import re
import select
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from typing import BinaryIO

from git import Git, GitCommandNotFound

from runner.errors import SourceError
from runner.source.damage import tells_of_damage
from runner.stop import Stop

_SAFE = (
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false",
    "-c", "core.fsync=none",
    "-c", "core.protectHFS=true",
    "-c", "core.protectNTFS=true",
    "-c", "protocol.ext.allow=never",
    "-c", "protocol.fd.allow=never",
    "-c", "gc.auto=0",
    "-c", "http.lowSpeedLimit=1",
    "-c", "http.lowSpeedTime=300",
    "-c", "maintenance.auto=false",
    "-c", "advice.detachedHead=false",
    "-c", "submodule.recurse=false",
    "-c", "tar.umask=0",
)  # fmt: skip

_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=60",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PROGRESS_DELAY": "0",
    "LC_ALL": "C",
}
WITHOUT_USER_CONFIGURATION = {"GIT_CONFIG_GLOBAL": os.devnull}

# What `git rev-parse --local-env-vars` names: a hook's git would else send ours to the hook's own repository.
_OF_A_REPOSITORY = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_CONFIG", "GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS",
    "GIT_DIR", "GIT_GRAFT_FILE", "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE", "GIT_NO_REPLACE_OBJECTS", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE", "GIT_WORK_TREE",
)  # fmt: skip

LOCAL = timedelta(minutes=2)
_PIPE_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 18  # small enough that the allocator gives the same memory again, without a fault for each page
_NOT_FOUND = 127
_NOT_INSTALLED = "git is not installed: install the package `git`"
_SAID_BYTES = 64 * 1024
_PROGRESS = re.compile(r"[^\r\n]*(?:\r|, done\.\n)")
_USER_IN_ADDRESS = re.compile(r"(https?://)[^/@\s']+@")


class GitFailure(SourceError):  # noqa: N818 - what happened, as git says it
    """Raised when git ends with an error. `said` is all that it wrote to stderr, without what may be a token."""

    def __init__(self, command: str, said: str) -> None:
        said = _USER_IN_ADDRESS.sub(r"\1", _PROGRESS.sub("", said))
        lines = [line for line in said.splitlines() if line.strip()]
        fatal = next((line for line in lines if line.startswith("fatal: ")), lines[-1] if lines else "it said nothing")
        super().__init__(f"git {command}: {fatal.removeprefix('fatal: ').removeprefix('error: ')}")
        self.said = said

    @property
    def is_damage(self) -> bool:
        """True if the repository doesn't hold what it should."""
        return tells_of_damage(self.said)


def git(
    directory: Path,
    *arguments: str,
    timeout: timedelta = LOCAL,
    environment: Mapping[str, str] = WITHOUT_USER_CONFIGURATION,
    given: BinaryIO | None = None,
    stop: Stop | None = None,
    lock: int | None = None,
    umask: int = -1,
) -> bytes:
    """What `git ARGUMENTS` prints in this directory, `given` this to read. Raises SourceError with git's reason.

    A `lock`, by its descriptor, is held until this git and all that it has started have ended, whatever becomes of us.
    The `umask` is for what it writes, -1 for our own.
    """
    command = _name(arguments)
    with _process(directory, arguments, environment, given, lock=lock, umask=umask) as process:
        if stop:
            stop.on_request(lambda: _kill(process))
        try:
            printed, said = process.communicate(timeout=timeout.total_seconds())
        except TimeoutExpired as error:
            raise SourceError(f"git {command} did not end within {timeout.total_seconds():g} s") from error
    if stop and stop.requested:
        raise SourceError(f"git {command} was stopped: {stop.reason}")
    _check(process, command, said)
    return printed


def git_stream(
    directory: Path,
    *arguments: str,
    silence: timedelta = LOCAL,
    environment: Mapping[str, str] = WITHOUT_USER_CONFIGURATION,
) -> Iterator[bytes]:
    """What `git ARGUMENTS` prints in this directory, while it does. Raises SourceError, also after a long silence."""
    command = _name(arguments)
    with _process(directory, arguments, environment) as process:
        complaints = _Complaints(process)
        yield from _chunks(process, command, silence)
        process.wait()
        said = complaints.text()
    _check(process, command, said)


def configured(*settings: tuple[str, str]) -> dict[str, str]:
    """Variables that give git these settings without anyone seeing them in a list of processes."""
    pairs = [
        (f"GIT_CONFIG_{part}_{number}", text)
        for number, setting in enumerate(settings)
        for part, text in zip(("KEY", "VALUE"), setting, strict=True)
    ]
    return {"GIT_CONFIG_COUNT": str(len(settings)), **dict(pairs)}


@contextmanager
def _process(
    directory: Path,
    arguments: tuple[str, ...],
    environment: Mapping[str, str],
    given: BinaryIO | None = None,
    *,
    lock: int | None = None,
    umask: int = -1,
) -> Iterator["Popen[bytes]"]:
    """A git under way, which has ended after the block."""
    forgotten = [part for name in _OF_A_REPOSITORY if name not in environment for part in ("-u", name)]
    try:
        started = Git().execute(
            ["env", *forgotten, "git", "-C", str(directory), *_SAFE, *arguments],
            as_process=True,
            env=_ENVIRONMENT | dict(environment),
            istream=given,
            start_new_session=True,
            pass_fds=() if lock is None else (lock,),
            umask=umask,
        )
    except GitCommandNotFound as error:
        raise SourceError(_NOT_INSTALLED) from error
    process = started.proc
    assert process is not None  # noqa: S101 - a type: GitPython forgets it only when it has ended
    try:
        yield process
    finally:
        _kill(process)
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()
        process.wait()


def _kill(process: "Popen[bytes]") -> None:
    """End it and all that it has started, if it runs."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _chunks(process: "Popen[bytes]", command: str, silence: timedelta) -> Iterator[bytes]:
    assert process.stdout is not None  # noqa: S101 - a type: it was started with a pipe
    source = process.stdout.fileno()
    with suppress(OSError):  # a larger pipe is faster; there may be a limit on them
        fcntl.fcntl(source, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    poll = select.poll()
    poll.register(source, select.POLLIN)
    while poll.poll(silence.total_seconds() * 1000):
        chunk = os.read(source, _CHUNK_BYTES)
        if not chunk:
            return
        yield chunk
    raise SourceError(f"git {command} printed nothing for {silence.total_seconds():g} s")


class _Complaints:
    """What a process writes to stderr, read meanwhile: the pipe must not fill up. The first 64 KiB count."""

    def __init__(self, process: "Popen[bytes]") -> None:
        assert process.stderr is not None  # noqa: S101 - a type: it was started with a pipe
        self._source = process.stderr
        self._read = b""
        self._thread = threading.Thread(target=self._drain, name="git-stderr", daemon=True)
        self._thread.start()

    def text(self) -> bytes:
        """All of it, once the process has ended."""
        self._thread.join()
        return self._read

    def _drain(self) -> None:
        with suppress(OSError, ValueError):  # closed by whoever gave up on the process
            while data := self._source.read1(4096):  # type: ignore[attr-defined] # a pipe's reader is buffered
                self._read += data[: _SAID_BYTES - len(self._read)]


def _check(process: "Popen[bytes]", command: str, said: bytes) -> None:
    if process.returncode == _NOT_FOUND:
        raise SourceError(_NOT_INSTALLED)
    if process.returncode:
        raise GitFailure(command, said.decode(errors="replace"))


def _name(arguments: tuple[str, ...]) -> str:
    """The subcommand, for people: what comes after settings."""
    return next((argument for at, argument in enumerate(arguments) if _is_command(arguments, at)), "")


def _is_command(arguments: tuple[str, ...], at: int) -> bool:
    return not arguments[at].startswith("-") and (at == 0 or arguments[at - 1] != "-c")
