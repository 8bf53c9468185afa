"""An expression of `when: evaluate`: whether its text is right, and what it makes of the variables of a run.

Variables are strings; one that isn't set is nil. The language is the part of expr-lang that the language page names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from pipelines.allowance import MAX_WORK, Budget, OverspentError
from pipelines.expressions.checks import check
from pipelines.expressions.errors import ExpressionError
from pipelines.expressions.evaluation import Evaluation
from pipelines.expressions.grammar import parse
from pipelines.expressions.nodes import Node


@dataclass(frozen=True, slots=True)
class Expression:
    """A text that may give true or false. `size` is what it cost to read, in characters and steps of patterns."""

    text: str
    tree: Node
    size: int

    def holds(self, variables: Mapping[str, str], work: Budget | None = None) -> bool:
        """Whether it is true. Raises ExpressionError if it gives no answer; the message completes "the expression …".

        `work` is what is left for it and others; without it a moment is.
        """
        try:
            return Evaluation(variables, work or Budget(MAX_WORK)).flag(self.tree)
        except OverspentError as error:
            raise ExpressionError(
                "takes too long", "write it with fewer lists and repetitions inside each other"
            ) from error


def read(text: str) -> Expression:
    """The expression of a text. Raises ExpressionError for what never gives an answer, whatever the variables are."""
    found = _read(text)
    if isinstance(found, ExpressionError):
        raise ExpressionError(found.message, found.hint)
    return found


@lru_cache(maxsize=256)
def _read(text: str) -> Expression | ExpressionError:
    try:
        tree = parse(text)
        return Expression(text, tree, len(text) + check(tree))
    except ExpressionError as error:
        return ExpressionError(error.message, error.hint)  # without the trace, which holds the tree
