"""Gaps: where a file is incomplete because something that it includes or extends couldn't be read.

That was told where it happened; what is missing because of it is not told again.
"""

from pipelines.nodes import Position


class Gaps:
    """The gaps of one file. With `is_partial`, anything may have stood in a file that could not be included."""

    __slots__ = ("_steps", "is_partial")

    def __init__(self) -> None:
        self.is_partial = False
        self._steps: set[Position] = set()

    def add_step(self, position: Position) -> None:
        """Note a step that extends something which couldn't be read."""
        self._steps.add(position)

    def is_in_step(self, position: Position) -> bool:
        """True if what is missing in this step might have come from what couldn't be read."""
        return self.is_partial or position in self._steps
