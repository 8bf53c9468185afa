"""Marks are told from output by their nonce alone, wherever the stream is split, and are taken out without a trace."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.records import Stream
from runner.results.marks import Mark, MarkReader

NONCE = b"1b4e28ba-2fa1-11d2-883f-0016d3cca427"
ANNOUNCEMENT = b"\x1eheadrace " + NONCE + b"\n"
PIECES = st.one_of(
    st.binary(max_size=20),
    st.sampled_from(
        [b"\x1e", b"\x1e" + NONCE, b"\x1e" + NONCE + b" ", b"\x1e" + NONCE + b" 1 0", b" 1 0\n", ANNOUNCEMENT]
    ),
    st.builds(Mark, st.integers(0, 10**9 - 1), st.integers(0, 255)),
)


def written(mark: Mark) -> bytes:
    return b"\x1e%s %d %d\n" % (NONCE, mark.command, mark.exit_code)


def read(*pieces: tuple[Stream, bytes], is_expected: bool = True) -> list[tuple[Stream, bytes | Mark]]:
    """What a reader gives, with neighbouring bytes of one stream joined."""
    reader = MarkReader(is_expected=is_expected)
    given_on = [each for piece in pieces for each in reader.read(*piece)] + list(reader.finish())
    joined: list[tuple[Stream, bytes | Mark]] = []
    for stream, piece in given_on:
        before = joined[-1] if joined else (stream, Mark(0, 0))
        if before[0] is stream and isinstance(before[1], bytes) and isinstance(piece, bytes):
            joined[-1] = (stream, before[1] + piece)
        else:
            joined.append((stream, piece))
    return joined


def stdout(*pieces: bytes) -> list[bytes | Mark]:
    return [piece for _, piece in read(*((Stream.STDOUT, piece) for piece in pieces))]


@given(pieces=st.lists(PIECES, max_size=6), cuts=st.lists(st.integers(0, 400), max_size=4))
def test_the_result_does_not_depend_on_where_the_stream_is_split(pieces: list[bytes | Mark], cuts: list[int]) -> None:
    data = ANNOUNCEMENT + b"".join(written(piece) if isinstance(piece, Mark) else piece for piece in pieces)
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    assert stdout(*(data[start:end] for start, end in itertools.pairwise(places))) == stdout(data)


@given(before=st.binary(max_size=20), mark=st.builds(Mark, st.integers(0, 999), st.integers(0, 255)))
def test_a_mark_is_taken_out_and_nothing_else(before: bytes, mark: Mark) -> None:
    expected = [piece for piece in (before, mark, b"after") if piece]
    assert stdout(ANNOUNCEMENT + before + written(mark) + b"after") == expected


@pytest.mark.parametrize(
    "forged",
    [
        b"\x1e00000000-0000-0000-0000-000000000000 1 0\n",
        b"\x1eheadrace 00000000-0000-0000-0000-000000000000\n",
        ANNOUNCEMENT,
        NONCE + b" 1 0\n",
        b"\x1e" + NONCE + b" x\n",
        b"\x1e" + NONCE + b" 1 \n",
    ],
)
def test_what_only_looks_like_a_mark_is_output(forged: bytes) -> None:
    assert stdout(ANNOUNCEMENT, forged) == [forged]


def test_errors_that_overtake_the_announcement_wait_for_it() -> None:
    pieces = [(Stream.STDERR, written(Mark(0, 0)) + b"bad\n"), (Stream.STDOUT, ANNOUNCEMENT + written(Mark(0, 0)))]
    assert read(*pieces) == [
        (Stream.STDOUT, Mark(0, 0)),
        (Stream.STDERR, Mark(0, 0)),
        (Stream.STDERR, b"bad\n"),
    ]


@pytest.mark.parametrize(
    "first", [b"x", b"\n", b"\x1eheadrace\n", b"\x1eheadrace 1\n", b"\x1eheadrace \n", b"\x1e" * 200]
)
def test_output_without_an_announcement_has_no_marks(first: bytes) -> None:
    """It may come only first. An empty one is that of a shell that couldn't draw a nonce."""
    shown = b"" if first == b"\x1eheadrace \n" else first
    assert stdout(first, ANNOUNCEMENT, written(Mark(0, 0))) == [shown + ANNOUNCEMENT + written(Mark(0, 0))]


def test_errors_are_not_held_back_once_the_output_has_begun() -> None:
    reader = MarkReader(is_expected=True)
    assert list(reader.read(Stream.STDERR, b"sh: broken\n")) == []
    assert list(reader.read(Stream.STDOUT, b"hello")) == [(Stream.STDOUT, b"hello"), (Stream.STDERR, b"sh: broken\n")]
    assert list(reader.read(Stream.STDERR, b"more")) == [(Stream.STDERR, b"more")]


def test_what_was_held_back_comes_at_the_end() -> None:
    assert read((Stream.STDERR, b"sh: not found\n")) == [(Stream.STDERR, b"sh: not found\n")]
    assert stdout(ANNOUNCEMENT, b"\x1e" + NONCE) == [b"\x1e" + NONCE]


def test_nothing_is_a_mark_where_none_is_expected() -> None:
    data = ANNOUNCEMENT + written(Mark(0, 0))
    assert read((Stream.STDOUT, data), is_expected=False) == [(Stream.STDOUT, data)]


def test_our_own_lines_are_never_held_back() -> None:
    reader = MarkReader(is_expected=True)
    assert list(reader.read(Stream.SYSTEM, b"\x1e")) == [(Stream.SYSTEM, b"\x1e")]
