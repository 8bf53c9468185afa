"""Gaps: what a file lacks only because something that it includes or extends isn't there, and which that tells of."""

from pipelines.nodes import Position


class Gaps:
    """The gaps of one file. With `is_partial`, anything may have stood in a file that could not be included."""

    __slots__ = ("_steps", "is_partial")

    def __init__(self) -> None:
        self.is_partial = False
        self._steps: set[Position] = set()

    def add_step(self, position: Position) -> None:
        """Note a step that has not what it extends."""
        self._steps.add(position)

    def is_in_step(self, position: Position) -> bool:
        """True if what this step lacks may be what it would have had of another."""
        return self.is_partial or position in self._steps
