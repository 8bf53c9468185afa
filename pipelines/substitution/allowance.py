"""Allowance: how much the values of one file may come to, and how long patterns may be looked for in them.

All cells of a matrix share one, so that no small file makes a server think for minutes.
"""

from pipelines.substitution.templates import TemplateError

MAX_CHARACTERS = 8_000_000
MAX_TRIMMING = 3_000_000  # characters times parts of a pattern


class Allowance:
    """What is left of it."""

    def __init__(self) -> None:
        self._characters = MAX_CHARACTERS
        self._trimming = MAX_TRIMMING

    def take_characters(self, count: int) -> None:
        """Use up room for text. Raises TemplateError once there is none left."""
        self._characters -= count
        if self._characters < 0:
            raise TemplateError(
                f"the file grows to more than {MAX_CHARACTERS:,} characters, once `${{}}` has its values"
            )

    def take_trimming(self, steps: int) -> None:
        """Use up time for patterns. Raises TemplateError once there is none left."""
        self._trimming -= steps
        if self._trimming < 0:
            raise TemplateError("patterns are looked for in too much text", "take less away from long values")
