"""What every forge must be able to do: prove that a delivery is its own.

SECURITY. The forge is bound to the hook's URL, never guessed from headers, so no forge's weaker proof opens another's
hook. `verify` comes before anything is read, and everything in a payload is untrusted even after it.
"""

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from pipelines.deliveries import READERS
from pipelines.deliveries.fields import Unreadable
from pipelines.deliveries.reading import Reading, read
from pipelines.event import Repository
from worker.errors import Malformed
from worker.store.repositories import StoredRepository

Headers = Mapping[str, str]
"""A request's headers. Names are looked up in lower case."""

_FORM = "application/x-www-form-urlencoded"


class Forge(Protocol):
    """One kind of forge. Stateless: the same object serves every repository, from any thread.

    `kept_headers` are those worth keeping with a delivery; what isn't named, such as a proof, never is. `is_once` says
    that no two good deliveries have the same body, so that one that comes again under another id is a copy.
    """

    @property
    def name(self) -> str:
        """The word in the hook's URL and in `--forge`."""

    @property
    def setup(self) -> str:
        """Where at the forge the hook's URL and secret are entered: a line or two for people."""

    @property
    def kept_headers(self) -> tuple[str, ...]:
        """In lower case."""

    @property
    def takes_forms(self) -> bool:
        """True if it may send the JSON within a form."""

    @property
    def is_once(self) -> bool:
        """True if the proof covers the body alone, and bodies tell their moment."""

    def verify(self, headers: Headers, body: bytes, secret: str, now: float) -> None:
        """Raises Refused unless whoever sent this knows the secret. `now` is in seconds since 1970."""


def reading(forge: str, headers: Headers, text: bytes, repository: StoredRepository) -> Reading:
    """What a delivery that was found good says; `text` is its payload, JSON. Raises Malformed."""
    try:
        return read(READERS[forge], headers, text, repository_of(repository))
    except Unreadable as error:
        raise Malformed(str(error)) from error


def json_text(headers: Headers, body: bytes) -> bytes:
    """The JSON text of a body: itself, or the field `payload` of a form. Raises Malformed."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return body
    try:
        payloads = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=100).get("payload", [])
    except ValueError as error:
        raise Malformed(f"the body is not a form: {error}") from error
    if len(payloads) != 1:
        raise Malformed(f"the form has {len(payloads)} fields named payload: expected one")
    return payloads[0].encode()


def repository_of(stored: StoredRepository) -> Repository:
    """The repository as Events name it, from our own record."""
    return Repository(
        owner=stored.owner,
        name=stored.name,
        forge=urlsplit(stored.url or stored.clone_url).hostname or "",
        forge_type=stored.forge,
        clone_url=stored.clone_url,
        url=stored.url,
        default_branch=stored.default_branch,
    )
