"""Context: what a request may use. It is made when the server starts, and every endpoint gets it as an argument."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from anyio import CapacityLimiter
from fastapi import Depends, Request

from worker.access.identity import Identity
from worker.access.throttle import Throttle
from worker.intake import Intake
from worker.live import Live
from worker.pulse import Pulse
from worker.secrets.sealing import Keyring
from worker.settings import Settings
from worker.storage import Storage
from worker.store.database import Database
from worker.store.grouped import GroupedWrites
from worker.traffic import Traffic
from worker.waiting.crew import Crew


@dataclass(frozen=True, slots=True, kw_only=True)
class Backstage:
    """What runs beside the web application, as that sees it: `announce` says that there is something to do, `trouble`
    tells why nothing is given out, `""` if all is well, and `crew` which workers there are.
    """

    announce: Callable[[], None]
    trouble: Callable[[], str]
    crew: Callable[[], Crew]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The service as an endpoint sees it. `keyring` seals secrets, `inbox` takes deliveries, `intake` bounds them and
    `pulse` knows whether they can be kept; `announce`, `trouble` and `crew` are Backstage's.

    `throttle` counts attempts to log in that failed, `hashing` bounds how many passwords are hashed at a time.
    `operator` is who asks wherever nobody proves anything: None in all that listens (see worker/local.py).
    """

    settings: Settings
    database: Database
    storage: Storage
    live: Live
    keyring: Keyring
    inbox: GroupedWrites
    pulse: Pulse
    announce: Callable[[], None]
    trouble: Callable[[], str]
    crew: Callable[[], Crew]
    traffic: Traffic
    intake: Intake
    throttle: Throttle
    hashing: CapacityLimiter
    operator: Identity | None = None

    def url(self, *segments: str | int) -> str:
        """The address, as browsers and forges know it, of a path of these segments."""
        return self.settings.url + path(*segments)

    def run_url(self, repository: str, number: int) -> str:
        """The page of a run of `owner/name`."""
        return self.settings.url + run_path(repository, number)


def path(*segments: str | int) -> str:
    """A path of these segments, each of which may hold any character."""
    return "".join(f"/{quote(str(segment), safe='')}" for segment in segments)


def repository_path(repository: str) -> str:
    """The path of the page of `owner/name`."""
    return path(*repository.split("/"))


def run_path(repository: str, number: int) -> str:
    """The path of a run's page; `repository` is `owner/name`."""
    return repository_path(repository) + path("runs", number)


def _context(request: Request) -> Context:
    context = request.app.state.context
    assert isinstance(context, Context)  # noqa: S101 -- for the type checker: `create_app` put it there
    return context


Serving = Annotated[Context, Depends(_context)]
"""The type of an endpoint's argument that gets the Context."""
