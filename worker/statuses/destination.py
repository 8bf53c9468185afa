"""Destination: whom a repository's statuses go to, in which words and with which token."""

from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection

from worker.errors import SettingsError, Unsealable
from worker.secrets.credential import CredentialKind
from worker.secrets.sealing import Keyring
from worker.statuses.dialect import Dialect, Place
from worker.statuses.dialects import DIALECTS
from worker.store import credentials
from worker.store.repositories import StoredRepository


class NoDestination(Exception):  # noqa: N818 -- reads as what it is
    """Raised when there is none. Its text goes on from the forge's name: `github is …`; `""`: nobody wants it told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A place at a forge and how to speak there."""

    dialect: Dialect
    place: Place

    @property
    def account(self) -> str:
        """Whom the forge sees: the same for all repositories with the same token there."""
        return f"{self.place.address} {sha256(self.place.token.encode()).hexdigest()}"


def destination_of(connection: Connection, keyring: Keyring, repository: StoredRepository) -> Destination:
    """Where to tell of this repository. Raises NoDestination."""
    name = repository.full_name
    if repository.forge not in DIALECTS:
        raise NoDestination("takes no statuses")
    if not repository.forge_address:
        raise NoDestination(f"has no address: headrace repo set {name} --forge-url URL")
    try:
        token = credentials.value_of(connection, keyring, repository.id, CredentialKind.FORGE_TOKEN)
    except (Unsealable, SettingsError) as error:
        raise NoDestination(f"is not told: {error}") from error
    if not token:
        raise NoDestination("")
    place = Place(address=repository.forge_address, repository=name, token=token)
    return Destination(dialect=DIALECTS[repository.forge], place=place)
