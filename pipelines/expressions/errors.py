"""What can be wrong with an expression."""


class ExpressionError(ValueError):
    """Raised when an expression is malformed, or gives no answer for these variables. `hint` says what to write."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint
