"""Access: in whose name git reads a repository over the network, and how git is told without anyone else seeing it.

DESIGN. Credentials reach git by its environment alone: a password through a credential helper that reads variables, a
key through a file that only this user may read and that is gone after the call. They are in no argument list, no
address and no configuration file, so no step can find them in its workspace. A password is given to the scheme, host
and port of the repository's own address and to no other, so a redirect elsewhere doesn't get it. With credentials of
its own git knows neither the machine's configuration nor its keys; without any, nothing but https.
"""

import shlex
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from runner.errors import SourceError
from runner.scratch import scratch_directory
from runner.source.gitcommand import WITHOUT_USER_CONFIGURATION, configured

_BARE = {**WITHOUT_USER_CONFIGURATION, "HOME": "/nonexistent"}
_HELPER = (
    '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n"'
    ' "$HEADRACE_GIT_USERNAME" "$HEADRACE_GIT_PASSWORD"; }; f'
)
_SSH = (
    "ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "IdentitiesOnly=yes",
    "-o", "IdentityAgent=none", "-o", "ServerAliveInterval=60", "-o", "StrictHostKeyChecking=yes",
)  # fmt: skip


class Access(Protocol):
    """In whose name. What one has fetched is served to no other: `realm` names the directory of its mirrors."""

    @property
    def realm(self) -> str:
        """A directory's name, `""` for the machine's own."""

    def environment(self, url: str) -> AbstractContextManager[Mapping[str, str]]:
        """The variables that git needs to read this address, good within the block."""


@dataclass(frozen=True, slots=True)
class MachineAccess:
    """The machine's own: whatever its user's git configuration, keys and agent can read."""

    realm: str = ""

    def environment(self, url: str) -> AbstractContextManager[Mapping[str, str]]:  # noqa: ARG002 - the same for all
        """Nothing to add."""
        return nullcontext({})


@dataclass(frozen=True, slots=True)
class AnonymousAccess:
    """Nobody's: no configuration, no ~/.netrc, no key, and nothing but the protocol that needs none of them."""

    realm: str = "anonymous"

    def environment(self, url: str) -> AbstractContextManager[Mapping[str, str]]:  # noqa: ARG002 - the same for all
        """Nothing but https."""
        return nullcontext({**_BARE, "GIT_ALLOW_PROTOCOL": "https"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GitCredentials:
    """A repository's own: a user name with a password or token for http(s), a private key for ssh, or both.

    `owner` says whose they are, such as `acme/web`: mirrors are kept apart by it. `known_hosts` has lines as ssh
    writes them; without any, the machine's own list counts. A host that is on neither is refused.
    """

    owner: str
    username: str = ""
    password: str = field(default="", repr=False)
    ssh_key: str = field(default="", repr=False)
    known_hosts: str = ""

    @property
    def realm(self) -> str:
        """A directory's name that no other owner has."""
        return f"of-{sha256(self.owner.encode()).hexdigest()[:16]}"

    @contextmanager
    def environment(self, url: str) -> Iterator[Mapping[str, str]]:
        """The variables for one repository's address. Raises SourceError for a name or password of several lines."""
        if any(sign in text for text in (self.username, self.password) for sign in "\r\n\0"):
            raise SourceError(f"the credentials of {self.owner} have a line end: a user name and a password have none")
        variables = {**_BARE, "GIT_ALLOW_PROTOCOL": "https:http:ssh", **self._for_http(url)}
        with scratch_directory("key") as directory:
            yield {**variables, "GIT_SSH_COMMAND": self._ssh(directory), "GIT_SSH_VARIANT": "ssh"}

    def _for_http(self, url: str) -> dict[str, str]:
        parts = urlsplit(url)
        if not self.password or parts.scheme not in ("http", "https"):
            return {}
        place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        return {
            **configured((f"credential.{place}.helper", _HELPER)),
            "HEADRACE_GIT_USERNAME": self.username,
            "HEADRACE_GIT_PASSWORD": self.password,
        }

    def _ssh(self, directory: Path) -> str:
        options = list(_SSH)
        if self.ssh_key:
            options += ["-i", _kept(directory / "key", self.ssh_key)]
        if self.known_hosts:
            hosts = _kept(directory / "known_hosts", self.known_hosts)
            options += ["-o", f"UserKnownHostsFile={hosts}", "-o", "GlobalKnownHostsFile=none"]
        return shlex.join(options)


def _kept(path: Path, text: str) -> str:
    """A file that only this user may read; ssh wants its last line to end."""
    path.touch(mode=0o600)
    path.write_text(text.rstrip("\n") + "\n")
    return str(path)


MACHINE = MachineAccess()
ANONYMOUS = AnonymousAccess()
