"""Reads an expression's text into its tree.

The grammar is expr-lang's, as far as the language page goes. Mind its precedences: `!` and `not` bind tighter than
any comparison, so that `not a == b` is `(not a) == b`.
"""

from functools import lru_cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError

from pipelines.expressions.errors import ExpressionError
from pipelines.expressions.literals import number, text
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
from pipelines.nodes import quoted

MAX_LENGTH = 5_000
MAX_DEPTH = 100

_GRAMMAR = r"""
?start: choice

?choice: some
       | some "?" choice ":" choice                 -> choose
?some: every | every (("||" | "or") every)+
?every: comparison | comparison (("&&" | "and") comparison)+
?comparison: unary | unary (operator unary)+
operator: SIGN | NOT? WORD
?unary: known
      | ("!" | NOT) unary                           -> negation
      | "-" unary                                   -> negative
?known: value | value ("??" value)+

?value: STRING                                      -> string
      | NUMBER                                      -> number
      | "true"                                      -> true
      | "false"                                     -> false
      | "nil"                                       -> nil
      | "$env"                                      -> environment
      | "#"                                         -> item
      | NAME                                        -> name
      | NAME "(" [argument ("," argument)* ","?] ")"  -> call
      | "[" [choice ("," choice)* ","?] "]"         -> list_of
      | value "." NAME                              -> access
      | value "?." NAME                             -> optional_access
      | value "[" choice "]"                        -> member
      | "(" choice ")"
?argument: choice | "{" choice "}"

SIGN: "==" | "!=" | "<=" | ">=" | "<" | ">"
WORD: "in" | "contains" | "startsWith" | "endsWith" | "matches"
NOT: "not"
NAME: /[A-Za-z_]\w*/
NUMBER: /0[xX][0-9a-fA-F_]+|\d[\d_]*(\.\d[\d_]*)?([eE][+-]?\d+)?/
STRING: /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`/
%ignore /\s+/
%ignore /\/\/[^\n]*/
"""


def parse(expression: str) -> Node:
    """The tree of an expression. Raises ExpressionError for a text that is none."""
    if len(expression) > MAX_LENGTH:
        raise ExpressionError(f"has more than {MAX_LENGTH:,} characters")
    try:
        tree: Any = _parser().parse(expression)
    except VisitError as error:
        if isinstance(error.orig_exc, ExpressionError):
            raise error.orig_exc from error
        raise
    except UnexpectedInput as error:
        raise ExpressionError(*_complaint(error)) from error
    _check_depth(tree)
    node: Node = tree
    return node


@lru_cache(maxsize=1)
def _parser() -> Lark:
    """Built when the first expression comes: that takes longer than reading most files."""
    return Lark(_GRAMMAR, parser="lalr", lexer="contextual", maybe_placeholders=False, transformer=_Nodes())


def _check_depth(root: Node) -> None:
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in children(node)]
        if not level:
            return
    raise ExpressionError(f"is nested more than {MAX_DEPTH} deep")


def _complaint(error: UnexpectedInput) -> tuple[str, str]:
    match error:
        case UnexpectedToken(token=Token(type="$END")):
            return "ends too early", ""
        case UnexpectedToken(token=Token(value=found)):
            return f"does not go on with {quoted(found)} at character {error.column}", _HINTS.get(found, "")
        case UnexpectedCharacters():
            found = error.char
            hint = "close the string" if found in "\"'`" else _HINTS.get(found, "")
            return f"has {quoted(found)} at character {error.column}, which nothing begins with", hint
        case _:
            return "can't be read", ""


_ARITHMETIC = "arithmetic is not part of expressions here"
_HINTS = {
    **dict.fromkeys(("+", "*", "/", "%", "**", "^"), _ARITHMETIC),
    ":": "slices and maps are not part of expressions here",
    "{": "maps are not part of expressions here",
    "..": "ranges are not part of expressions here",
    ".": "ranges are not part of expressions here",
    ";": "`let` is not part of expressions here",
    "=": "write `==`",
    "&": "write `&&`",
    "|": "write `||`",
    "$": "write a variable's name without `$`",
    "not": "write `not` before a value, or before `in`, `contains`, `matches`, `startsWith` and `endsWith`",
}


class _Nodes(Transformer[Token, Node]):
    """Makes nodes as the parser goes, so that no tree has to be walked again."""

    def choose(self, parts: list[Node]) -> Node:
        return Choice(parts[0], parts[1], parts[2])

    def some(self, parts: list[Node]) -> Node:
        return Some(tuple(parts))

    def every(self, parts: list[Node]) -> Node:
        return Every(tuple(parts))

    def operator(self, tokens: list[Token]) -> tuple[str, bool]:
        return str(tokens[-1]), len(tokens) == 2

    def comparison(self, parts: list[Any]) -> Node:
        """From the left, save that `a < b < c` is `a < b && b < c`."""
        chain: list[Node] = []
        last, *rest = parts
        before = ""
        for (operator, is_negated), right in zip(rest[::2], rest[1::2], strict=True):
            if not {before, operator} <= _ORDERS and chain:
                last, chain = _all(chain), []
            chain.append(Comparison(operator, last, right, is_negated))
            last, before = right, operator
        return _all(chain)

    def negation(self, parts: list[Node]) -> Node:
        return Not(parts[-1])

    def negative(self, parts: list[Node]) -> Node:
        return Negative(parts[0])

    def known(self, parts: list[Node]) -> Node:
        return FirstKnown(tuple(parts))

    def string(self, tokens: list[Token]) -> Node:
        return Literal(text(str(tokens[0])))

    def number(self, tokens: list[Token]) -> Node:
        return Literal(number(str(tokens[0])))

    def true(self, _: list[Token]) -> Node:
        return Literal(value=True)

    def false(self, _: list[Token]) -> Node:
        return Literal(value=False)

    def nil(self, _: list[Token]) -> Node:
        return Literal(None)

    def environment(self, _: list[Token]) -> Node:
        return Environment()

    def item(self, _: list[Token]) -> Node:
        return Item()

    def name(self, tokens: list[Token]) -> Node:
        return Name(str(tokens[0]))

    def call(self, parts: list[Any]) -> Node:
        return Call(str(parts[0]), tuple(parts[1:]))

    def list_of(self, items: list[Node]) -> Node:
        return ListOf(tuple(items))

    def access(self, parts: list[Any]) -> Node:
        return Member(parts[0], Literal(str(parts[1])))

    def optional_access(self, parts: list[Any]) -> Node:
        return Member(parts[0], Literal(str(parts[1])), is_optional=True)

    def member(self, parts: list[Node]) -> Node:
        return Member(parts[0], parts[1])


def _all(parts: list[Node]) -> Node:
    return parts[0] if len(parts) == 1 else Every(tuple(parts))


_ORDERS = frozenset({"<", ">", "<=", ">="})
