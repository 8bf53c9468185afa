"""Evaluates an expression's tree for variables."""

from collections.abc import Callable, Mapping
from operator import ge, gt, le, lt
from typing import Any, cast

from pipelines.allowance import Budget
from pipelines.expressions import machine
from pipelines.expressions.errors import ExpressionError
from pipelines.expressions.functions import FUNCTIONS, PREDICATES, kind
from pipelines.expressions.nodes import (
    Call,
    Choice,
    Comparison,
    Environment,
    Every,
    FirstKnown,
    Item,
    ListOf,
    Literal,
    Member,
    Name,
    Negative,
    Node,
    Not,
    Some,
    Value,
)


class Evaluation:
    """One evaluation for these variables, within a bound of work."""

    def __init__(self, variables: Mapping[str, str], work: Budget) -> None:
        self._variables = variables
        self._work = work
        self._items: list[Value] = []  # what `#` stands for, the innermost predicate's last

    def value(self, node: Node) -> Value:
        """The node's value. Raises ExpressionError where there is none."""
        self._work.spend(1)
        return _EVALUATORS[type(node)](self, node)

    def flag(self, node: Node) -> bool:
        """The node's value, which must be true or false."""
        value = self.value(node)
        if not isinstance(value, bool):
            raise ExpressionError(f"finds {kind(value)} where it needs true or false", _unset(node, value))
        return value

    def variable(self, node: Name) -> Value:
        return self._variables.get(node.name)

    def environment(self, _: Environment) -> Value:
        self._work.spend(len(self._variables) // 8)
        return dict(self._variables)

    def item(self, _: Item) -> Value:
        return self._items[-1]

    def every(self, node: Every) -> Value:
        return all(self.flag(part) for part in node.parts)

    def some(self, node: Some) -> Value:
        return any(self.flag(part) for part in node.parts)

    def first_known(self, node: FirstKnown) -> Value:
        values = (self.value(part) for part in node.parts)
        return next((value for value in values if value is not None), None)

    def negative(self, node: Negative) -> Value:
        value = self.value(node.operand)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ExpressionError(f"negates {kind(value)}, and needs a number")
        return -value

    def member(self, node: Member) -> Value:
        """A map's value, or a list's item from the front or, with a negative index, from the end."""
        of, key = self.value(node.of), self.value(node.key)
        if isinstance(of, dict) and isinstance(key, str):
            return of.get(key)
        if isinstance(of, list) and isinstance(key, int) and -len(of) <= key < len(of):
            return of[key]
        if of is None and node.is_optional:
            return None
        raise ExpressionError(f"asks {kind(of)} for the member {str(key)[:40]!r}, which it does not have")

    def call(self, node: Call) -> Value:
        if node.function in PREDICATES:
            return self._predicate(node)
        values = [self._counted(self.value(each)) for each in node.arguments]
        try:
            return FUNCTIONS[node.function].call(*values)
        except ExpressionError as error:
            hints = (_unset(each, value) for each, value in zip(node.arguments, values, strict=True))
            raise ExpressionError(error.message, next(filter(None, hints), error.hint)) from error

    def _counted(self, value: Value) -> Value:
        self._work.spend(len(value) // 8 if isinstance(value, str | list) else 0)
        return value

    def _predicate(self, node: Call) -> Value:
        items = self.value(node.arguments[0])
        if not isinstance(items, list):
            raise ExpressionError(
                f"calls `{node.function}` for {kind(items)}, and it takes a list", _unset(node.arguments[0], items)
            )
        body = node.arguments[1] if len(node.arguments) == 2 else Item()
        if node.function == "map":
            return [self._about(item, self.value, body) for item in items]
        kept = [item for item in items if self._about(item, self.flag, body)]
        return _OUTCOMES[node.function](kept, items)

    def _about(self, item: Value, evaluate: Callable[[Node], Value], body: Node) -> Value:
        self._items.append(item)
        value = evaluate(body)
        self._items.pop()
        return value

    def comparison(self, node: Comparison) -> Value:
        left, right = self._counted(self.value(node.left)), self._counted(self.value(node.right))
        return self._holds(node.operator, left, right) != node.is_negated

    def _holds(self, operator: str, left: Value, right: Value) -> bool:
        match operator:
            case "==":
                return _equal(left, right)
            case "!=":
                return not _equal(left, right)
            case "in":
                return _within(left, right)
            case "<" | "<=" | ">" | ">=":
                return _ordered(operator, left, right)
            case _:
                return self._text_holds(operator, left, right)

    def _text_holds(self, operator: str, left: Value, right: Value) -> bool:
        """What is not set contains, starts, ends and matches nothing."""
        if left is None or right is None:
            return False
        if not isinstance(left, str) or not isinstance(right, str):
            raise ExpressionError(f"uses `{operator}` on {kind(left)} and {kind(right)}, and it takes text")
        match operator:
            case "contains":
                return right in left
            case "startsWith":
                return left.startswith(right)
            case "endsWith":
                return left.endswith(right)
            case _:
                return machine.found(right, left, self._work)


def _unset(node: Node, value: Value) -> str:
    """A hint about a variable that isn't set; `""` about anything else."""
    if not isinstance(node, Name) or value is not None:
        return ""
    return f'`{node.name}` is not set for this event; `({node.name} ?? "")` is text in any case'


def _equal(left: Value, right: Value) -> bool:
    """As in Python, but true is not 1; kinds that differ are not equal."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(_equal(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    return left == right


def _within(item: Value, values: Value) -> bool:
    match values:
        case None:
            return False
        case list():
            return any(_equal(item, each) for each in values)
        case dict():
            return item in values if isinstance(item, str) else False
        case _:
            raise ExpressionError(f"looks by `in` into {kind(values)}, and needs a list or a map")


def _ordered(operator: str, left: Value, right: Value) -> bool:
    if kind(left) != kind(right) or kind(left) not in ("text", "a number"):
        kinds = f"{kind(left)} with {kind(right)}"
        raise ExpressionError(f"compares {kinds} by `{operator}`, and needs two texts or two numbers")
    return bool(_ORDERS[operator](cast("Any", left), cast("Any", right)))


_ORDERS: dict[str, Callable[[Any, Any], Any]] = {"<": lt, "<=": le, ">": gt, ">=": ge}

_OUTCOMES: dict[str, Callable[[list[Value], list[Value]], Value]] = {
    "all": lambda kept, items: len(kept) == len(items),
    "any": lambda kept, _: bool(kept),
    "none": lambda kept, _: not kept,
    "one": lambda kept, _: len(kept) == 1,
    "count": lambda kept, _: len(kept),
    "filter": lambda kept, _: kept,
}

_EVALUATORS: dict[type, Callable[[Evaluation, Any], Value]] = {
    Literal: lambda _, node: cast("Value", node.value),
    Name: Evaluation.variable,
    Environment: Evaluation.environment,
    Item: Evaluation.item,
    ListOf: lambda evaluation, node: [evaluation.value(item) for item in node.items],
    Member: Evaluation.member,
    Call: Evaluation.call,
    Not: lambda evaluation, node: not evaluation.flag(node.operand),
    Negative: Evaluation.negative,
    Every: Evaluation.every,
    Some: Evaluation.some,
    FirstKnown: Evaluation.first_known,
    Comparison: Evaluation.comparison,
    Choice: lambda evaluation, node: evaluation.value(node.then if evaluation.flag(node.condition) else node.otherwise),
}
