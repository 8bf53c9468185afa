"""Entrusted: the secrets, registry logins and git credentials that a worker is given for one task.

DESIGN. It crosses Redis sealed, as one value whose place is the task: an order that is copied to another task opens
nothing. The work horse opens it, so it lives in the process of that one task, and ends with it.
"""

from collections.abc import Mapping

import msgspec

from runner.engine.credentials import Login, login_for
from worker.errors import Unsealable
from worker.secrets.sealing import Keyring


class RegistryLogin(msgspec.Struct, frozen=True, kw_only=True):
    """What a registry is shown."""

    user: str
    password: str

    def __repr__(self) -> str:
        return "RegistryLogin(…)"


class CloneAccess(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What git is given to fetch a repository with."""

    user: str = ""
    password: str = ""
    ssh_key: str = ""
    known_hosts: str = ""

    def __repr__(self) -> str:
        return "CloneAccess(…)"


class Entrusted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Secrets by name in lower case, logins by registry, and what the repository is fetched with."""

    secrets: Mapping[str, str] = {}
    registries: Mapping[str, RegistryLogin] = {}
    clone: CloneAccess | None = None

    def __repr__(self) -> str:
        return "Entrusted(…)"

    @property
    def logins(self) -> dict[str, Login]:
        """The logins as the runner takes them."""
        return {
            registry: login_for(registry, user=login.user, password=login.password)
            for registry, login in self.registries.items()
        }

    def sealed_for(self, task: str, keyring: Keyring) -> str:
        """It, for this task's order; `""` if there is nothing in it. Raises Unsealable."""
        if self == NOTHING:
            return ""
        return keyring.seal(msgspec.json.encode(self).decode(), place=_place(task))

    @classmethod
    def opened(cls, sealed: str, task: str, keyring: Keyring) -> "Entrusted":
        """What was sealed for this task. Raises Unsealable."""
        if not sealed:
            return NOTHING
        text = keyring.open(sealed, place=_place(task))
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.MsgspecError as error:
            raise Unsealable(f"what task {task} was entrusted with is of another version of Headrace") from error


NOTHING = Entrusted()


def _place(task: str) -> str:
    return f"orders/{task}"
