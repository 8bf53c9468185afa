"""The demo's repository: a real bare origin, and a clone with one workflow in it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from demo_screen import DemoError

_BRANCH = "main"


@dataclass(frozen=True, slots=True)
class Repository:
    """Where the two of them are."""

    origin: Path
    clone: Path

    @property
    def sha(self) -> str:
        """The commit that the clone is at."""
        return _git("rev-parse", "HEAD", directory=self.clone).strip()


def make_repository(directory: Path, workflow: str) -> Repository:
    """An origin, and a clone with one commit, the workflow's, that has not been pushed yet."""
    repository = Repository(directory / "hello.git", directory / "hello")
    _git("init", "--quiet", "--bare", str(repository.origin))
    _git("symbolic-ref", "HEAD", f"refs/heads/{_BRANCH}", directory=repository.origin)
    _git("clone", "--quiet", str(repository.origin), str(repository.clone))
    (repository.clone / ".headrace.yaml").write_text(workflow, encoding="utf-8")
    _git("checkout", "--quiet", "-B", _BRANCH, directory=repository.clone)
    _git("add", ".headrace.yaml", directory=repository.clone)
    _git("commit", "--quiet", "--message", "Say hello", directory=repository.clone)
    return repository


def install_hook(repository: Repository, script: str) -> None:
    """Put the script where git looks for it. Only its owner may read it: it holds the hook's key."""
    hook = repository.origin / "hooks/post-receive"
    hook.touch(mode=0o700)
    hook.write_text(script, encoding="utf-8")


def push(repository: Repository) -> str:
    """Push as anyone would; what the pusher gets to read."""
    return _git("push", "origin", _BRANCH, directory=repository.clone)


def _git(*arguments: str, directory: Path | None = None) -> str:
    """Run git as the demo's author, whatever this machine's own settings are; its output and errors together."""
    author = ("-c", "user.name=Demo", "-c", "user.email=demo@localhost", "-c", "commit.gpgSign=false")
    command = ["git", *author, *arguments]
    done = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    output = done.stdout.decode(errors="replace")
    if done.returncode:
        raise DemoError(f"git {arguments[0]} failed: {output.strip()}")
    return output
