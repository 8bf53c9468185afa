"""What is wrong with an expression whatever the variables are: unknown functions, and kinds that never fit."""

from collections.abc import Callable, Iterator
from typing import Any

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
    children,
)
from pipelines.suggestions import nearest

_FLAG, _TEXT, _NUMBER, _LIST, _MAP, _NIL = "true or false", "text", "a number", "a list", "a map", "nil"
_ANY = ""  # known only when it is evaluated
_OF_TEXTS = frozenset({"contains", "startsWith", "endsWith", "matches"})
_ORDERS = frozenset({"<", "<=", ">", ">="})


def check(root: Node) -> int:
    """How many steps the patterns in a tree have. Raises ExpressionError if it can never give true or false."""
    _check_items(root, is_inside=False)
    _need(_kind(root), _FLAG, "gives")
    return sum(map(machine.length, _patterns(root)))


def _patterns(root: Node) -> Iterator[str]:
    """The patterns of a tree that are known already."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        waiting += children(node)
        if isinstance(node, Comparison) and node.operator == "matches" and isinstance(node.right, Literal):
            yield str(node.right.value)


def _check_items(node: Node, *, is_inside: bool) -> None:
    """Functions that are there, and items only within predicates."""
    if isinstance(node, Item) and not is_inside:
        raise ExpressionError("has a `#` outside of a predicate", "write it within `any(LIST, {# …})` or the like")
    if isinstance(node, Call):
        _check_function(node.function)
    if isinstance(node, Call) and node.function in PREDICATES and node.arguments:
        _check_items(node.arguments[0], is_inside=is_inside)
        for each in node.arguments[1:]:
            _check_items(each, is_inside=True)
        return
    for child in children(node):
        _check_items(child, is_inside=is_inside)


def _check_function(name: str) -> None:
    if name not in FUNCTIONS and name not in PREDICATES:
        # One that is only a little like another one mostly does something else.
        hint = nearest(name, (*FUNCTIONS, *PREDICATES), likeness=0.75)
        raise ExpressionError(f"calls `{name}`, which is not a function here", hint)


def _kind(node: Node) -> str:
    """The kind of a node's value, `""` if only evaluating it tells. Raises ExpressionError where kinds can't fit."""
    return _KINDS[type(node)](node)


def _kind_of_list(node: ListOf) -> str:
    for item in node.items:
        _kind(item)
    return _LIST


def _kind_of_parts(node: Every | Some) -> str:
    for part in node.parts:
        _need(_kind(part), _FLAG, "joins by `&&` or `||`")
    return _FLAG


def _kind_of_not(node: Not) -> str:
    _need(_kind(node.operand), _FLAG, "turns round by `!` or `not`")
    return _FLAG


def _kind_of_negative(node: Negative) -> str:
    _need(_kind(node.operand), _NUMBER, "negates")
    return _NUMBER


def _kind_of_choice(node: Choice) -> str:
    _need(_kind(node.condition), _FLAG, "asks by `?`")
    return _common({_kind(node.then), _kind(node.otherwise)})


def _kind_of_first_known(node: FirstKnown) -> str:
    return _common({_kind(part) for part in node.parts} - {_NIL})


def _common(kinds: set[str]) -> str:
    return kinds.pop() if len(kinds) == 1 else _ANY


def _kind_of_member(node: Member) -> str:
    _kind(node.key)
    return _TEXT if _kind(node.of) == _MAP else _ANY


def _kind_of_comparison(node: Comparison) -> str:
    left, right = _kind(node.left), _kind(node.right)
    if node.operator in _OF_TEXTS:
        for each in (left, right):
            _need(each, _TEXT, f"uses `{node.operator}` on")
        if node.operator == "matches" and isinstance(node.right, Literal):
            _check_pattern(str(node.right.value))
    elif node.operator == "in":
        if right not in (_LIST, _MAP, _NIL, _ANY):
            raise ExpressionError(f"looks by `in` into {right}", 'use `contains` for text: `TEXT contains "part"`')
    elif node.operator in _ORDERS:
        _check_order(node.operator, left, right)
    elif left != right and not {left, right} & {_ANY, _NIL}:
        hint = "variables are text: write the other side between quotes" if _TEXT in (left, right) else ""
        raise ExpressionError(f"compares {left} with {right}, which are never equal", hint)
    return _FLAG


def _check_order(operator: str, left: str, right: str) -> None:
    """Two texts have an order, and so have two numbers; nothing else has."""
    if {left, right} - {_ANY} not in ({_TEXT}, {_NUMBER}, set()):
        hint = "variables are text: write `int(VARIABLE)`" if {left, right} == {_TEXT, _NUMBER} else ""
        raise ExpressionError(f"compares {left} with {right} by `{operator}`, and needs two texts or two numbers", hint)


def _check_pattern(pattern: str) -> None:
    if what := machine.complaint(pattern):
        raise ExpressionError(what)


def _kind_of_call(node: Call) -> str:
    kinds = [_kind(each) for each in node.arguments]
    if node.function in PREDICATES:
        _check_predicate(node, kinds)
        return PREDICATES[node.function]
    function = FUNCTIONS[node.function]
    _check_count(node, function.counts)
    return function.gives


def _check_predicate(node: Call, kinds: list[str]) -> None:
    _check_count(node, (1, 2) if node.function == "count" else (2,))
    _need(kinds[0], _LIST, f"calls `{node.function}` for")
    if node.function != "map" and len(kinds) == 2:
        _need(kinds[1], _FLAG, f"calls `{node.function}` with a predicate that gives")


def _check_count(node: Call, counts: tuple[int, ...]) -> None:
    if len(node.arguments) not in counts:
        wanted = " or ".join(str(count) for count in counts)
        raise ExpressionError(f"calls `{node.function}` with {len(node.arguments)} arguments; it takes {wanted}")


def _need(found: str, wanted: str, what: str) -> None:
    if found not in (wanted, _ANY) and not (found == _NIL and wanted == _TEXT):
        raise ExpressionError(f"{what} {found}, and needs {wanted}")


_KINDS: dict[type, Callable[[Any], str]] = {
    Literal: lambda node: kind(node.value),
    Name: lambda _: _TEXT,
    Environment: lambda _: _MAP,
    Item: lambda _: _ANY,
    ListOf: _kind_of_list,
    Every: _kind_of_parts,
    Some: _kind_of_parts,
    Not: _kind_of_not,
    Negative: _kind_of_negative,
    Choice: _kind_of_choice,
    FirstKnown: _kind_of_first_known,
    Member: _kind_of_member,
    Comparison: _kind_of_comparison,
    Call: _kind_of_call,
}
