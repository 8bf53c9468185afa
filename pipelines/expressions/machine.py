"""Matches regular expressions: all ways at once, so that time grows with the text and never beyond.

DESIGN. A pattern becomes a program of small instructions. Matching holds the set of instructions that may come next,
character by character. What a set becomes by a character is remembered, so that a long text costs a look-up a
character; both the remembering and the work are bounded.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from pipelines.allowance import Budget
from pipelines.expressions.errors import ExpressionError
from pipelines.expressions.patternreader import read_pattern
from pipelines.expressions.patterns import WORD_LETTERS, Edge, Either, InOrder, Letters, Part, Repeat

_MAX_INSTRUCTIONS = 1000
_MAX_MOVES = 2000  # remembered, of one program
_MAX_INSTRUCTIONS_OF_STATES = 20_000
_WORD = Letters(WORD_LETTERS)


@dataclass(frozen=True, slots=True)
class _Fork:
    """Go on at any of these instructions."""

    targets: tuple[int, ...]


_Instruction = Letters | Edge | _Fork | None  # None is the end: the pattern matches

_Program = list[_Instruction]
_Key = tuple[str, frozenset[Edge]]
"""A character (`""` at the text's end) and what the place before it is."""


def length(pattern: str) -> int:
    """How many steps a good pattern has, its repetitions written out."""
    return _compiled(pattern).length


@lru_cache(maxsize=1024)
def complaint(pattern: str) -> str:
    """What is malformed in a pattern, to complete "the expression …"; `""` for a good one."""
    try:
        _compiled(pattern)
    except ExpressionError as error:
        return error.message
    return ""


def found(pattern: str, text: str, work: Budget) -> bool:
    """True if the pattern matches anywhere in the text. Raises ExpressionError if it is malformed."""
    return _compiled(pattern).search(text, work)


@lru_cache(maxsize=64)
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


class _State:
    """Instructions that may come next, and the states that this one is known to become; None is a match."""

    __slots__ = ("becomes", "instructions")

    def __init__(self, instructions: frozenset[int]) -> None:
        self.instructions = instructions
        self.becomes: dict[str | _Key, _State | None] = {}


class _Machine:
    """A program, and the states it has been in."""

    def __init__(self, program: _Program) -> None:
        self._program = program
        self.length = len(program)
        self._has_edges = any(isinstance(each, Edge) for each in program)
        self._start = _State(frozenset())
        self._states = {self._start.instructions: self._start}
        self._moves_left, self._instructions_left = _MAX_MOVES, _MAX_INSTRUCTIONS_OF_STATES

    def search(self, text: str, work: Budget) -> bool:
        """True if the program matches anywhere in the text."""
        work.spend(1 + len(text) // 8)
        state: _State | None = self._start
        for key in _places(text) if self._has_edges else (*text, ""):
            if state is None:
                break
            state = state.becomes[key] if key in state.becomes else self._moved(state, key, work)
        return state is None

    def _moved(self, state: _State, key: str | _Key, work: Budget) -> _State | None:
        """The state after this place, a new start among its instructions; None once the program matches."""
        character, edges = key if isinstance(key, tuple) else (key, frozenset[Edge]())
        after = self._reached(state.instructions, character, edges, work)
        following = None if after is None else self._state(after)
        if self._moves_left > 0:
            self._moves_left -= 1
            state.becomes[key] = following
        return following

    def _state(self, instructions: frozenset[int]) -> _State:
        known = self._states.get(instructions)
        if known is None:
            known = _State(instructions)
            self._instructions_left -= len(instructions)
            if self._instructions_left > 0:
                self._states[instructions] = known
        return known

    def _reached(
        self, from_: frozenset[int], character: str, edges: frozenset[Edge], work: Budget
    ) -> frozenset[int] | None:
        """The instructions after this place; None if the program's end is among them."""
        seen = {0, *from_}
        waiting = list(seen)
        after = set()
        while waiting:
            at = waiting.pop()
            match self._program[at]:
                case None:
                    return None
                case Letters() as letters:
                    if character and letters.take(character):
                        after.add(at + 1)
                case instruction:
                    fresh = [each for each in _targets(instruction, at, edges) if each not in seen]
                    waiting += fresh
                    seen.update(fresh)
        work.spend(2 * len(seen))
        return frozenset(after)


def _places(text: str) -> Iterator[_Key]:
    """Each character with the place before it, and at last the text's end."""
    before = ""
    for character in (*text, ""):
        yield character, _edges(before, character)
        before = character


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
