"""The nodes of an expression's tree."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Value = str | int | float | bool | list["Value"] | dict[str, "Value"] | None
"""What an expression works with. Variables are strings; what `fromJSON` reads may be anything."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands in the text."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Name:
    """A variable; nil if it isn't set."""

    name: str


@dataclass(frozen=True, slots=True)
class Environment:
    """`$env`: all variables as a map."""


@dataclass(frozen=True, slots=True)
class Item:
    """`#`: the item that a predicate looks at."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """`[a, b]`."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Member:
    """`a.b` or `a[b]`; of nil it is an error unless it is written `a?.b`."""

    of: "Node"
    key: "Node"
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """`len(a)`, or `any(a, {# == b})`: a function with its arguments, the last of which may look at `#`."""

    function: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """`!a` and `not a`."""

    operand: "Node"


@dataclass(frozen=True, slots=True)
class Negative:
    """`-a`."""

    operand: "Node"


@dataclass(frozen=True, slots=True)
class Every:
    """`a && b && c`."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """`a || b || c`."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class FirstKnown:
    """`a ?? b`: the first that isn't nil."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`a == b`, `a contains b` and the like; `is_negated` for `a not in b`."""

    operator: str
    left: "Node"
    right: "Node"
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """`a ? b : c`."""

    condition: "Node"
    then: "Node"
    otherwise: "Node"


Node = (
    Literal | Name | Environment | Item | ListOf | Member | Call | Not | Negative | Every | Some | FirstKnown
    | Comparison | Choice
)  # fmt: skip


def children(node: Node) -> tuple[Node, ...]:
    """The nodes right below this one."""
    below = _CHILDREN.get(type(node))
    return below(node) if below else ()


_CHILDREN: dict[type, Callable[[Any], tuple[Node, ...]]] = {
    ListOf: lambda node: node.items,
    Every: lambda node: node.parts,
    Some: lambda node: node.parts,
    FirstKnown: lambda node: node.parts,
    Not: lambda node: (node.operand,),
    Negative: lambda node: (node.operand,),
    Member: lambda node: (node.of, node.key),
    Call: lambda node: node.arguments,
    Comparison: lambda node: (node.left, node.right),
    Choice: lambda node: (node.condition, node.then, node.otherwise),
}
