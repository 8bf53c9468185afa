"""An expression of `when: evaluate`: whether its text is right, and what it makes of the variables of a run.

Variables are strings; one that isn't set is nil. The language is the part of expr-lang that the language page names.
"""

from collections.abc import Mapping
from functools import lru_cache

from pipelines.expressions.checks import check
from pipelines.expressions.errors import ExpressionError, Work
from pipelines.expressions.evaluation import Evaluation
from pipelines.expressions.grammar import parse


@lru_cache(maxsize=1024)
def complaint(text: str) -> ExpressionError | None:
    """What is wrong with an expression whatever the variables are; None for a good one."""
    try:
        check(parse(text))
    except ExpressionError as error:
        return ExpressionError(error.message, error.hint)  # without the trace, which holds the tree
    return None


def evaluate(text: str, variables: Mapping[str, str], work: Work | None = None) -> bool:
    """Whether an expression holds. Raises ExpressionError if it is malformed or gives no answer.

    Its message completes "the expression …". `work` is what is left for it and others; without it a moment is.
    """
    wrong = complaint(text)
    if wrong is not None:
        raise ExpressionError(wrong.message, wrong.hint)
    return Evaluation(variables, work or Work()).flag(parse(text))
