"""A team's git server, as far as we care: a bare repository with a post-receive hook, and a developer's clone of it."""

from pathlib import Path

from tests.gitrepo import GitRepository


class Origin:
    """A bare repository that a developer pushes to."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "origin.git"
        self.developer = GitRepository(directory / "clone")
        self.developer.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.path))
        self.developer.git("remote", "add", "origin", str(self.path))

    def install_hook(self, script: str) -> None:
        """Put a post-receive hook in place."""
        hook = self.path / "hooks" / "post-receive"
        hook.write_text(script)
        hook.chmod(0o755)

    def push(self, message: str = "change", **files: str) -> str:
        """Commit these files (`__` in a name stands for `/`, a leading `_` for a dot) and push; gives what git says."""
        named = {_path(name): text for name, text in files.items()}
        self.developer.commit(message, **named)
        return self.developer.push()


def _path(name: str) -> str:
    dotted = f".{name[1:]}" if name.startswith("_") else name
    return dotted.replace("__", "/").replace("_yaml", ".yaml")
