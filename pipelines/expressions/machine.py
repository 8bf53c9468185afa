"""Matches regular expressions: all ways at once, so that time grows with the text and never beyond.

DESIGN. A pattern becomes a program of small instructions. Matching holds the set of instructions that may come next,
character by character. What a set becomes by a character is remembered, so that a long text costs a look-up a
character; both the remembering and the work are bounded.
"""

from dataclasses import dataclass
from functools import lru_cache

from pipelines.expressions.errors import ExpressionError, Work
from pipelines.expressions.patternreader import read_pattern
from pipelines.expressions.patterns import WORD_LETTERS, Edge, Either, InOrder, Letters, Part, Repeat

_MAX_INSTRUCTIONS = 2000
_MAX_REMEMBERED = 2000
_WORD = Letters(WORD_LETTERS)


@dataclass(frozen=True, slots=True)
class _Fork:
    """Go on at any of these instructions."""

    targets: tuple[int, ...]


_Instruction = Letters | Edge | _Fork | None  # None is the end: the pattern matches

_Program = list[_Instruction]
_States = frozenset[int]


@lru_cache(maxsize=1024)
def complaint(pattern: str) -> str:
    """What is malformed in a pattern, to complete "the expression …"; `""` for a good one."""
    try:
        _compiled(pattern)
    except ExpressionError as error:
        return error.message
    return ""


def found(pattern: str, text: str, work: Work) -> bool:
    """True if the pattern matches anywhere in the text. Raises ExpressionError if it is malformed or takes too long."""
    return _compiled(pattern).search(text, work)


@lru_cache(maxsize=128)
def _compiled(pattern: str) -> "_Machine":
    program: _Program = []
    _write(read_pattern(pattern), program)
    return _Machine([*program, None])


def _write(part: Part, program: _Program) -> None:
    """Append the instructions of a part."""
    if len(program) > _MAX_INSTRUCTIONS:
        raise ExpressionError("has a pattern that is too long, its repetitions written out")
    match part:
        case Letters() | Edge():
            program.append(part)
        case InOrder(parts):
            for each in parts:
                _write(each, program)
        case Either(options):
            _write_either(options, program)
        case Repeat(each, low, high):
            _write_repeat(each, low, high, program)


def _write_either(options: tuple[Part, ...], program: _Program) -> None:
    fork = len(program)
    program.append(None)
    starts, ends = [], []
    for option in options:
        starts.append(len(program))
        _write(option, program)
        ends.append(len(program))
        program.append(None)
    program[fork] = _Fork(tuple(starts))
    for end in ends:
        program[end] = _Fork((len(program),))


def _write_repeat(part: Part, low: int, high: int | None, program: _Program) -> None:
    for _ in range(low):
        start = len(program)
        _write(part, program)
        if len(program) == start:
            break  # a thousand times nothing, a thousand times
    if high is None:
        _write_loop(part, program)
    for _ in range((high or low) - low):
        fork = len(program)
        program.append(None)
        _write(part, program)
        program[fork] = _Fork((fork + 1, len(program)))


def _write_loop(part: Part, program: _Program) -> None:
    fork = len(program)
    program.append(None)
    _write(part, program)
    program.append(_Fork((fork,)))
    program[fork] = _Fork((fork + 1, len(program)))


class _Machine:
    """A program, and what its sets of states have become before."""

    def __init__(self, program: _Program) -> None:
        self._program = program
        self._has_edges = any(isinstance(each, Edge) for each in program)
        self._remembered: dict[tuple[_States, str, frozenset[Edge]], _States | None] = {}

    def search(self, text: str, work: Work) -> bool:
        """True if the program matches anywhere in the text."""
        states: _States = frozenset()
        work.spend(1 + len(text) // 2)
        for at in range(len(text) + 1):
            after = self._after(states, text[at : at + 1], self._edges(text, at), work)
            if after is None:
                return True
            states = after
        return False

    def _edges(self, text: str, at: int) -> frozenset[Edge]:
        return _edges(text[at - 1 : at] if at else "", text[at : at + 1]) if self._has_edges else frozenset()

    def _after(self, states: _States, character: str, edges: frozenset[Edge], work: Work) -> _States | None:
        """The states after this character (`""` at the end), a new start among them; None once it matches."""
        key = (states, character, edges)
        if key in self._remembered:
            return self._remembered[key]
        after = self._moved(states, character, edges, work)
        if len(self._remembered) < _MAX_REMEMBERED:
            self._remembered[key] = after
        return after

    def _moved(self, states: _States, character: str, edges: frozenset[Edge], work: Work) -> _States | None:
        seen = {0, *states}
        waiting = list(seen)
        after = set()
        while waiting:
            work.spend(1)
            at = waiting.pop()
            match self._program[at]:
                case None:
                    return None
                case Letters() as letters:
                    if character and letters.take(character):
                        after.add(at + 1)
                case instruction:
                    fresh = set(_targets(instruction, at, edges)) - seen
                    waiting += fresh
                    seen |= fresh
        return frozenset(after)


def _targets(instruction: Edge | _Fork, at: int, edges: frozenset[Edge]) -> tuple[int, ...]:
    """Where an instruction that takes no character leads to."""
    if isinstance(instruction, _Fork):
        return instruction.targets
    return (at + 1,) if instruction in edges else ()


@lru_cache(maxsize=4096)
def _edges(before: str, after: str) -> frozenset[Edge]:
    """What the place between two characters is; `""` stands for the text's ends."""
    is_word_edge = bool(before and _WORD.take(before)) != bool(after and _WORD.take(after))
    found = {Edge.WORD if is_word_edge else Edge.NO_WORD}
    if not before:
        found.add(Edge.TEXT_START)
    if not after:
        found.add(Edge.TEXT_END)
    if before in ("", "\n"):
        found.add(Edge.LINE_START)
    if after in ("", "\n"):
        found.add(Edge.LINE_END)
    return frozenset(found)
