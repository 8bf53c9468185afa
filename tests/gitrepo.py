"""Real repositories for tests: made by git, with an author and a time that don't depend on the machine."""

import os
import subprocess
from pathlib import Path

_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


class GitRepository:
    """A repository with a working tree at `path`."""

    def __init__(self, path: Path, *, object_format: str = "sha1") -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main", f"--object-format={object_format}")

    @classmethod
    def at(cls, path: Path) -> "GitRepository":
        """One that is made by others."""
        repository = cls.__new__(cls)
        repository.path = path
        return repository

    def git(self, *arguments: str) -> str:
        """What git prints, without the final newline."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, env=_ENVIRONMENT, check=True, capture_output=True, text=True
        )
        return done.stdout.rstrip("\n")

    def push(self, *refspecs: str) -> str:
        """Push to `origin`; gives what git, and the hooks on the other side, say."""
        done = subprocess.run(
            ["git", "push", "origin", *(refspecs or ("HEAD",))],
            cwd=self.path,
            env=_ENVIRONMENT,
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.stdout

    def write(self, name: str, text: str) -> Path:
        """Write a file of the working tree."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def commit(self, message: str = "change", **files: str) -> str:
        """Commit everything, after writing these files; gives the commit's id."""
        for name, text in files.items():
            self.write(name, text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")
