"""Sealing: how a secret is kept, in the database and on its way through Redis, so that it is of no use without the key.

DESIGN. AES-256-GCM with a random nonce for each value. What is authenticated with it is its *place*: the table, column
and row, or the task, that it was sealed for. So a value that somebody copies to another row, say that of a repository
of theirs, can't be opened there. Each value names its key, so that keys can be changed while values of old ones are
still about: the first key seals, all of them open. 2^32 values may be sealed with one key; a server that seals ten a
second would take thirteen years for them.

    v1.KEYID.BASE64URL(nonce ‖ ciphertext ‖ tag)        KEYID: the first 8 hex digits of the key's SHA-256
"""

import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from worker.errors import Unsealable

KEY_BYTES = 32
_KEY_TEXT = re.compile(r"[A-Za-z0-9+/_-]{43}=?")
_NONCE_BYTES = 12
_VERSION = "v1"


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `id` names it in what it has sealed, and says nothing about it."""

    material: bytes = field(repr=False)

    @classmethod
    def fresh(cls) -> Self:
        """A new one."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def parse(cls, text: str) -> Self:
        """A key from base64 of 32 bytes, either alphabet. Raises ValueError, without the text."""
        if not _KEY_TEXT.fullmatch(text):
            raise ValueError(f"a key is {KEY_BYTES} random bytes in base64")
        return cls(urlsafe_b64decode(text.replace("+", "-").replace("/", "_").rstrip("=") + "="))

    @property
    def id(self) -> str:
        """Eight hex digits."""
        return sha256(b"headrace key id\0" + self.material).hexdigest()[:8]

    def as_text(self) -> str:
        """What a key file holds."""
        return urlsafe_b64encode(self.material).decode().rstrip("=")


class Keys(Protocol):
    """Where keys come from. They are asked for anew each time, so that a change of keys counts at once."""

    def read(self) -> Sequence[Key]:
        """The keys that there are: the first seals, all open. Raises SettingsError if they can't be read."""

    def make(self) -> Sequence[Key]:
        """The keys after one was made, because there was none. Raises SettingsError if that can't be."""


@dataclass(frozen=True, slots=True)
class GivenKeys:
    """Keys that are what they are."""

    keys: tuple[Key, ...]

    def read(self) -> Sequence[Key]:
        """Those."""
        return self.keys

    def make(self) -> Sequence[Key]:
        """None can be made."""
        return self.keys


class Keyring:
    """Seals and opens with the keys of a service. May be used from any thread."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    @classmethod
    def fresh(cls) -> Self:
        """With one new key."""
        return cls(GivenKeys((Key.fresh(),)))

    def sealing_key(self) -> Key:
        """The key that seals, made if there is none. Raises Unsealable if there can't be one."""
        for key in self._keys.read() or self._keys.make():
            return key
        raise Unsealable("there is no key to seal secrets with")

    def seal(self, value: str, *, place: str) -> str:
        """The value, to be opened only at this place. Raises Unsealable if there is no key."""
        key = self.sealing_key()
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + AESGCM(key.material).encrypt(nonce, value.encode(), place.encode())
        return f"{_VERSION}.{key.id}.{urlsafe_b64encode(sealed).decode()}"

    def open(self, sealed: str, *, place: str) -> str:
        """What was sealed for this place. Raises Unsealable if the key is not here, or anything was changed."""
        version, key_id, body = _parts(sealed, place)
        key = next((key for key in self._keys.read() if key.id == key_id), None)
        if version != _VERSION or key is None:
            raise Unsealable(
                f"what is sealed at {place} needs the key {key_id[:8]!r}, which is not here: "
                "give the server's key to this machine, or put it back"
            )
        try:
            data = urlsafe_b64decode(body)
            return AESGCM(key.material).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], place.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise Unsealable(f"what is sealed at {place} was changed, or belongs elsewhere") from error


def key_of(sealed: str) -> str:
    """The id of the key that a value was sealed with."""
    return _parts(sealed, "an unknown place")[1]


def _parts(sealed: str, place: str) -> tuple[str, str, str]:
    match sealed.split("."):
        case [version, key_id, body]:
            return version, key_id, body
        case _:
            raise Unsealable(f"the secret at {place} is not one that was sealed")
