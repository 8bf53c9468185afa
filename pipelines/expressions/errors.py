"""What can be wrong with an expression, and the bound on the work that one may ask for."""

MAX_WORK = 1_000_000


class ExpressionError(ValueError):
    """Raised when an expression is malformed, or gives no answer for these variables. `hint` says what to write."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


class Work:
    """Counts the steps of evaluations, so that all of a file together take no more than a moment."""

    def __init__(self, limit: int = MAX_WORK) -> None:
        self._left = limit

    def spend(self, steps: int) -> None:
        """Count these steps. Raises ExpressionError once there were too many."""
        self._left -= steps
        if self._left < 0:
            raise ExpressionError("takes too long", "write it with fewer lists and repetitions inside each other")
