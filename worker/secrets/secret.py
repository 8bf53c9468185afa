"""A secret as it is known by: its name and its limits, but never its value."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipelines.event import Event, EventKind
from pipelines.offers import Offer
from runner.engine.credentials import DOCKER_HUB_HOSTS, registry_of
from worker.errors import Malformed
from worker.secrets.scope import Scope

NAME_PATTERN = "[A-Za-z_][A-Za-z0-9_.-]{0,99}"
IMAGE_PATTERN = "[A-Za-z0-9][A-Za-z0-9._:/@-]{0,254}"
_REGISTRY = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}(:[0-9]{1,5})?")
LARGEST_BYTES = 100_000  # a variable of a Linux process holds 128 KiB, and a secret may stand in one with more
_SHORTEST_MASKED = 4
DEFAULT_EVENTS = tuple(kind for kind in EventKind if not kind.is_pull_request and kind is not EventKind.LOCAL)
"""What a secret is for unless somebody says otherwise: whoever opens a pull request may not even be known."""


class Kind(StrEnum):
    """What a secret is for: steps that ask for it, or pulls from a registry."""

    SECRET = "secret"  # noqa: S105 -- the word for it
    REGISTRY = "registry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What is told of a secret. `events` are those whose runs may have it, `images` the plugins, if it is for some."""

    scope: Scope
    name: str
    kind: Kind = Kind.SECRET
    events: tuple[EventKind, ...] = DEFAULT_EVENTS
    images: tuple[str, ...] = ()
    created_at: str = ""
    updated_at: str = ""

    def offer(self, event: Event) -> Offer:
        """What a run of this event may have of it."""
        return Offer(name=self.name, images=self.images, refusal=self._refusal(event))

    def _refusal(self, event: Event) -> str:
        if event.pull_request is not None and event.pull_request.from_fork:
            return "pull requests from forks run without secrets"
        if event.kind not in self.events:
            return f"it is for {_either(self.events)}, not for {event.kind}"
        return ""


def checked_name(text: str) -> str:
    """A secret's name in lower case, as it is kept: names mean the same in any case. Raises Malformed."""
    if not re.fullmatch(NAME_PATTERN, text):
        raise Malformed(f"{text!r} can't be a secret's name: expected letters, digits, '_', '.' and '-', such as TOKEN")
    return text.lower()


def checked_registry(text: str) -> str:
    """A registry's host, with its port if it has one, as images lead to it. Raises Malformed."""
    host = text.lower()
    registry = registry_of(f"{host}/image")
    if not _REGISTRY.fullmatch(host) or (registry != host and host not in DOCKER_HUB_HOSTS):
        raise Malformed(f"{text[:80]!r} can't be a registry: expected HOST or HOST:PORT, such as registry.example.org")
    return registry


def checked_value(text: str) -> str:
    """A secret's value. Raises Malformed, without the value, for one that no variable can hold."""
    if not text:
        raise Malformed("the value is empty: a secret has one")
    if "\0" in text:
        raise Malformed("the value has a zero byte, which no variable can hold")
    if len(text.encode()) > LARGEST_BYTES:
        raise Malformed(f"the value has {len(text.encode()):,} bytes: a secret may have {LARGEST_BYTES:,}")
    return text


def checked_images(images: Sequence[str]) -> tuple[str, ...]:
    """The names of images, each once. Raises Malformed."""
    for image in images:
        if not re.fullmatch(IMAGE_PATTERN, image):
            raise Malformed(f"{image[:80]!r} can't be an image: expected a name such as plugins/docker")
    return tuple(dict.fromkeys(images))


def warning(value: str) -> str:
    """What whoever saves this value should know, or `""`."""
    if len(value) < _SHORTEST_MASKED:
        return f"a value of less than {_SHORTEST_MASKED} characters is not hidden in logs: it would hide too much"
    return ""


def _either(kinds: tuple[EventKind, ...]) -> str:
    *first, last = kinds
    return f"{', '.join(first)} and {last}" if first else last.value
