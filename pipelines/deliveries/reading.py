"""Reading: what every forge's reader does, and what comes of it: Events, and reasons why there is nothing to run.

SECURITY. Everything in a delivery is untrusted, also where its signature is good: whoever pushes chooses much of it.
Its fields are checked for type, length and form. What will be fetched comes from the repository that is given, and
which files changed comes from git: a payload decides neither.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pipelines.deliveries.fields import Fields, Unreadable
from pipelines.event import Event, Repository

Headers = Mapping[str, str]
"""A request's headers. Names are looked up in lower case."""

MOST_CHANGES = 50
"""So many refs may move in one delivery."""

_KEY = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Nothing is to be run for this, and why: one phrase for people."""

    reason: str


Outcome = Event | Ignored


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a delivery says. `key` is the same whenever the forge sends it again, `name` its word for the event."""

    key: str
    name: str
    outcomes: tuple[Outcome, ...]

    @property
    def events(self) -> tuple[Event, ...]:
        """What is to be run."""
        return tuple(outcome for outcome in self.outcomes if isinstance(outcome, Event))

    @property
    def ignored(self) -> str:
        """Why nothing else is to be run: the reasons, each once."""
        reasons = [outcome.reason for outcome in self.outcomes if isinstance(outcome, Ignored)]
        return "; ".join(dict.fromkeys(reasons))


class Reader(Protocol):
    """How one kind of forge speaks. Stateless. Everything raises Unreadable for what can't be understood."""

    def key(self, headers: Headers) -> str:
        """The forge's id of the delivery."""

    def name(self, headers: Headers) -> str:
        """The forge's name for what happened; `""` if it doesn't say."""

    def outcomes(self, name: str, payload: Fields, repository: Repository) -> tuple[Outcome, ...]:
        """What is to be run for this payload, of this repository of ours."""


def read(reader: Reader, headers: Headers, text: bytes, repository: Repository) -> Reading:
    """What a delivery says whose payload is this JSON. Raises Unreadable."""
    name = reader.name(headers)
    return Reading(key=reader.key(headers), name=name, outcomes=reader.outcomes(name, Fields.decode(text), repository))


def delivery_key(headers: Headers, *names: str) -> str:
    """The first of these headers that is there. Raises Unreadable if none is, or if it is no plain id."""
    key = next((headers[name] for name in names if headers.get(name)), "")
    if not _KEY.fullmatch(key):
        raise Unreadable(f"the header {names[0]} is {key[:80]!r}: expected the id of the delivery")
    return key


def starts_no_run(name: str) -> Ignored:
    """What becomes of an event that nobody builds."""
    return Ignored(reason=f"event {name[:80]!r} starts no run")
