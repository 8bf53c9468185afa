"""Allowance: how much one file may ask for, so that no file makes a server think for long, however it is written.

DESIGN. Whatever can grow beyond what a file's length lets one expect is counted before it is done, and refused past
a bound. The bounds are some ten times what the largest real files need, and together about 0.1 s. What is counted is
the same on every machine, so that a file that is refused somewhere is refused everywhere. All cells of a matrix share
one allowance.
"""

from collections.abc import Hashable

MAX_VALUES = 10_000  # text counts once more for every 80 characters
MAX_VALUES_OF_A_MATRIX = 60_000  # those of the file, once for each cell
MAX_VARIABLES = 100_000  # of all steps together, which share those of the workflow; 1 more for every 80 characters
MAX_STEPS = 500
MAX_GLOBS_SIZE = 30_000  # characters, alternatives written out
MAX_EXPRESSIONS_SIZE = 20_000  # characters, and steps of patterns
MAX_CHARACTERS = 8_000_000
MAX_TRIMMING = 1_000_000  # characters times parts of a pattern
MAX_WORK = 100_000  # steps of expressions, about half a microsecond each
MAX_COMPARISONS = 50_000  # of a short glob with a text


class OverspentError(Exception):
    """Raised when a file has had its share of something."""


class Budget:
    """What is left of one thing."""

    __slots__ = ("_left", "_limit", "_seen")

    def __init__(self, limit: int) -> None:
        self._left = self._limit = limit
        self._seen: set[Hashable] = set()

    @property
    def spent(self) -> int:
        """How much has been counted."""
        return self._limit - self._left

    def take(self, amount: int) -> bool:
        """Count this much. False once it was too much."""
        self._left -= amount
        return self._left >= 0

    def take_once(self, what: Hashable, amount: int) -> bool:
        """Count this much for a thing that has not been met before. False once it was too much."""
        if what in self._seen:
            return self._left >= 0
        self._seen.add(what)
        return self.take(amount)

    def spend(self, amount: int) -> None:
        """Count this much. Raises OverspentError once it was too much."""
        if not self.take(amount):
            raise OverspentError


class Allowance:
    """What is left of everything."""

    def __init__(self) -> None:
        self.values = Budget(MAX_VALUES)
        self.variables = Budget(MAX_VARIABLES)
        self.globs = Budget(MAX_GLOBS_SIZE)
        self.expressions = Budget(MAX_EXPRESSIONS_SIZE)
        self.characters = Budget(MAX_CHARACTERS)
        self.trimming = Budget(MAX_TRIMMING)
        self.work = Budget(MAX_WORK)
        self.comparisons = Budget(MAX_COMPARISONS)

    @property
    def is_overspent(self) -> bool:
        """True once the file has been refused for what it asked for, so that nobody need read on."""
        return not all(each.take(0) for each in (self.values, self.variables, self.globs, self.expressions))
