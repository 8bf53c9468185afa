"""The key file: where the keys that secrets are sealed with are kept, outside of the database that they protect.

DESIGN. One key a line, the one that seals first. The file is for its owner's eyes alone and is replaced as a whole, so
whoever reads it sees the keys of before or of after. Two that make the first key at the same time get the same one: the
file is put in place by a link, which fails where there is one.
"""

import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from worker.errors import SettingsError
from worker.secrets.sealing import GivenKeys, Key, Keyring, Keys
from worker.settings import Settings

log = structlog.get_logger()


def open_keyring(settings: Settings) -> Keyring:
    """The service's keyring. Where a key file is used, its first key is made when something is first sealed."""
    return Keyring(keys_of(settings))


def keys_of(settings: Settings) -> Keys:
    """`HEADRACE_SECRET_KEY` if it is set, else the key file. Raises SettingsError for a key that is none."""
    if settings.secret_key:
        return GivenKeys(tuple(_parsed(settings.secret_key.replace(",", " ").split(), "HEADRACE_SECRET_KEY")))
    return KeyFile(settings.secret_key_file)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """Keys in a file."""

    path: Path

    def read(self) -> Sequence[Key]:
        """The keys; none if there is no file. Raises SettingsError if others may read it or it holds anything else."""
        try:
            with self.path.open(encoding="ascii") as file:
                mode = os.fstat(file.fileno()).st_mode
                lines = file.read().split()
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"the key file {self.path} can't be read: {_why(error)}") from error
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SettingsError(f"the key file {self.path} is open to others: chmod 600 {self.path}")
        return _parsed(lines, f"the key file {self.path}")

    def make(self) -> Sequence[Key]:
        """The keys after one was made, unless somebody else has made one meanwhile."""
        with self._written([Key.fresh()]) as new:
            try:
                os.link(new, self.path)
                log.info("made a key for secrets: keep a copy of it apart from the database's", path=str(self.path))
            except FileExistsError:
                pass
        return self.read()

    def replace(self, keys: Sequence[Key]) -> None:
        """Hold these keys from now on, on disk before this returns."""
        with self._written(keys) as new:
            new.rename(self.path)
            _sync(self.path.parent)

    @contextmanager
    def _written(self, keys: Sequence[Key]) -> Iterator[Path]:
        """A new file beside ours, gone after the block unless it was renamed. Raises SettingsError."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}-")  # 0600
            with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123 -- of a descriptor
                file.write("".join(f"{key.as_text()}\n" for key in keys))
                file.flush()
                os.fsync(file.fileno())
            yield Path(name)
            Path(name).unlink(missing_ok=True)
        except OSError as error:
            raise SettingsError(f"the key file {self.path} can't be written: {_why(error)}") from error


def _parsed(texts: Sequence[str], where: str) -> list[Key]:
    try:
        return [Key.parse(text) for text in texts]
    except ValueError as error:
        raise SettingsError(
            f"{where} holds something that is no key: {error}; `openssl rand -base64 32` makes one"
        ) from error


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _why(error: Exception) -> str:
    return error.strerror or "it is no text" if isinstance(error, OSError) else "it is no text"
