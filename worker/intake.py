"""Intake: how much the hooks take in at a time, so that a flood costs little and good deliveries still get through.

DESIGN. Three limits. A source is an address: before anything of a delivery is read, one that sends far more than a
forge would is told to wait, as is one whose deliveries to this hook keep being refused. A repository is limited once
its secret has been proved, so that nobody else can use up what it may do. And all bodies that are being read or looked
at may take so much memory together. Who is told to wait gets 429; what can't be held now, 503, and may come again.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from worker.access.rates import Rate, Rates
from worker.errors import TooMany, Unavailable

_LARGEST_HELD_BYTES = 256 * 1024 * 1024
_SOURCE = Rate(per_second=1000, burst=10_000)
_REPOSITORY = Rate(per_second=500, burst=5_000)
_REFUSED = Rate(per_second=2, burst=100)
_KEPT = Rate(per_second=0.5, burst=20)


class Held:
    """The bytes of one body, as they come."""

    def __init__(self, intake: "Intake") -> None:
        self._intake = intake
        self.size_bytes = 0

    def grow(self, size_bytes: int) -> None:
        """Have more of it. Raises Unavailable if all bodies together get too large."""
        if self._intake.held_bytes + size_bytes > _LARGEST_HELD_BYTES:
            raise Unavailable("too many large deliveries come at once: send this one again later")
        self._intake.held_bytes += size_bytes
        self.size_bytes += size_bytes


class Intake:
    """What the hooks are taking in. Bodies are counted by the server's one event loop; rates from any thread."""

    def __init__(self) -> None:
        self.held_bytes = 0
        self._sources = Rates(_SOURCE)
        self._repositories = Rates(_REPOSITORY)
        self._refused = Rates(_REFUSED)
        self._kept = Rates(_KEPT)

    def admit(self, source: str, hook: str) -> None:
        """Count a delivery that is coming. Raises TooMany."""
        if wait := self._refused.wait_seconds(f"{source} {hook}"):
            raise TooMany(
                "too many deliveries from here were refused: check the secret on both sides", retry_after_seconds=wait
            )
        _take(self._sources, source, "too many deliveries come from here at once")

    def admit_proved(self, repository: str) -> None:
        """Count a delivery that was found good. Raises TooMany."""
        _take(self._repositories, repository, f"too many deliveries come for {repository} at once")

    def note_refused(self, source: str, hook: str) -> None:
        """Count a delivery that was not."""
        self._refused.take(f"{source} {hook}")

    def may_keep(self, repository: str) -> bool:
        """Whether another refused delivery may be written down: a flood of them must not keep the database busy."""
        return self._kept.take(repository)

    @contextmanager
    def holding(self) -> Iterator[Held]:
        """Room for one body, until the block ends."""
        held = Held(self)
        try:
            yield held
        finally:
            self.held_bytes -= held.size_bytes


def _take(rates: Rates, key: str, complaint: str) -> None:
    if not rates.take(key):
        wait = max(1, rates.wait_seconds(key))
        raise TooMany(f"{complaint}: send this one again in {wait} s", retry_after_seconds=wait)
