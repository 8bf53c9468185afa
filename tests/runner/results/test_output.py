"""Bytes in, chunks of whole lines out: every line once, in order, numbered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.records import Stream
from runner.results.marks import Mark, MarkReader
from runner.results.mask import Mask
from runner.results.output import CHUNK_BYTES, DEFAULT_LIMIT_BYTES, Chunk, LineCutter, size_text

PIECES = st.lists(st.tuples(st.sampled_from([Stream.STDOUT, Stream.STDERR]), st.binary(max_size=30)), max_size=12)


def cut(
    *pieces: tuple[Stream, bytes], secrets: tuple[str, ...] = (), limit_bytes: int = DEFAULT_LIMIT_BYTES
) -> list[Chunk]:
    chunks: list[Chunk] = []
    marks = MarkReader(is_expected=True)
    cutter = LineCutter(chunks.append, Mask(secrets), marks=marks, limit_bytes=limit_bytes)
    for stream, data in pieces:
        cutter.write(stream, data)
    cutter.finish()
    return chunks


def lines(chunks: list[Chunk], stream: Stream = Stream.STDOUT) -> list[str]:
    return [line for chunk in chunks if chunk.stream is stream for line in chunk.lines]


@given(pieces=PIECES)
def test_each_stream_gives_its_own_lines_whatever_the_pieces(pieces: list[tuple[Stream, bytes]]) -> None:
    chunks = cut(*pieces)
    for stream in (Stream.STDOUT, Stream.STDERR):
        whole = b"".join(data for its, data in pieces if its is stream)
        expected = whole.decode("utf-8", "replace").removesuffix("\n").split("\n") if whole else []
        assert lines(chunks, stream) == expected


@given(pieces=PIECES)
def test_lines_are_numbered_from_one_without_a_gap(pieces: list[tuple[Stream, bytes]]) -> None:
    line = 1
    for chunk in cut(*pieces):
        assert chunk.line == line
        line += len(chunk.lines)


def test_lines_keep_their_order_across_the_streams() -> None:
    chunks = cut((Stream.STDOUT, b"1\n"), (Stream.STDERR, b"2\n"), (Stream.STDOUT, b"3\n4"), (Stream.STDERR, b"5\n"))
    assert [line for chunk in chunks for line in chunk.lines] == ["1", "2", "3", "5", "4"]


def test_no_chunk_is_larger_than_64_kib() -> None:
    data = b"".join(b"%06d\n" % number for number in range(100_000))
    chunks = cut((Stream.STDOUT, data))
    assert max(len("\n".join(chunk.lines)) for chunk in chunks) <= CHUNK_BYTES
    assert len(chunks) < 20
    assert lines(chunks) == data.decode().split("\n")[:-1]


def test_a_line_longer_than_64_kib_is_cut_between_characters() -> None:
    text = "ä" * 100_000
    cut_lines = lines(cut((Stream.STDOUT, text.encode() + b"\nnext\n")))
    assert "".join(cut_lines[:-1]) == text
    assert cut_lines[-1] == "next"
    assert all(len(line.encode()) <= CHUNK_BYTES for line in cut_lines)


def test_a_line_of_exactly_64_kib_is_one_line() -> None:
    line = b"x" * CHUNK_BYTES
    assert lines(cut((Stream.STDOUT, line), (Stream.STDOUT, b"\ny\n"))) == [line.decode(), "y"]


def test_a_carriage_return_stays_in_its_line() -> None:
    assert lines(cut((Stream.STDOUT, b"10%\r20%\r\nend\n"))) == ["10%\r20%\r", "end"]


def test_bytes_that_are_not_utf_8_are_replaced() -> None:
    assert lines(cut((Stream.STDOUT, b"a\xffb\n"))) == ["a\N{REPLACEMENT CHARACTER}b"]


NONCE = b"1b4e28ba-2fa1-11d2-883f-0016d3cca427"
ANNOUNCED = (Stream.STDOUT, b"\x1eheadrace " + NONCE + b"\n")


def mark(command: int) -> bytes:
    return b"\x1e%s %d 0\n" % (NONCE, command)


def test_a_mark_begins_a_chunk_of_its_command_on_its_stream() -> None:
    chunks = cut(
        ANNOUNCED,
        (Stream.STDOUT, b"early\n" + mark(0) + b"+ make\nmade\n"),
        (Stream.STDERR, mark(0) + b"warned\n"),
        (Stream.STDOUT, mark(1) + b"+ test\n"),
        (Stream.STDERR, b"late\n" + mark(1) + b"failed\n"),
    )
    assert [(chunk.command, chunk.lines) for chunk in chunks] == [
        (None, ("early",)),
        (0, ("+ make", "made")),
        (0, ("warned",)),
        (1, ("+ test",)),
        (0, ("late",)),
        (1, ("failed",)),
    ]


def test_a_command_begins_on_a_line_of_its_own() -> None:
    chunks = cut(ANNOUNCED, (Stream.STDOUT, mark(0) + b"no newline" + mark(1) + b"+ next\n"))
    assert [(chunk.command, chunk.lines) for chunk in chunks] == [(0, ("no newline",)), (1, ("+ next",))]


def test_a_secret_that_is_part_of_a_mark_does_not_hide_it() -> None:
    [chunk] = cut(ANNOUNCED, (Stream.STDOUT, mark(0) + b"11d2 ok\n"), secrets=("11d2",))
    assert (chunk.command, chunk.lines) == (0, ("******** ok",))


def test_the_rest_of_a_step_that_prints_too_much_is_dropped_and_the_log_says_so_once() -> None:
    chunks = cut(
        (Stream.STDOUT, b"1234\n"),
        (Stream.STDERR, b"56"),
        (Stream.STDOUT, b"789\n"),
        (Stream.SYSTEM, b"ours\n"),
        (Stream.STDOUT, b"dropped\n"),
        (Stream.STDERR, b"dropped\n"),
        limit_bytes=9,
    )
    assert lines(chunks) == ["1234", "78"]
    assert lines(chunks, Stream.STDERR) == ["56"]
    assert lines(chunks, Stream.SYSTEM) == [
        "the log has reached its limit of 9 bytes: the rest of the output is not kept",
        "ours",
    ]


def test_a_log_of_just_the_limit_is_whole() -> None:
    chunks = cut((Stream.STDOUT, b"1234\n"), (Stream.STDOUT, b"5678\n"), limit_bytes=10)
    assert [(chunk.stream, chunk.lines) for chunk in chunks] == [(Stream.STDOUT, ("1234", "5678"))]


def test_commands_are_told_apart_beyond_the_limit() -> None:
    marks: list[Mark] = []
    cutter = LineCutter(
        lambda _chunk: None,
        Mask(()),
        marks=MarkReader(is_expected=True),
        on_mark=lambda _stream, mark: marks.append(mark),
        limit_bytes=4,
    )
    for data in (ANNOUNCED[1], mark(0), b"too much\n", mark(1), b"x", mark(2)):
        cutter.write(Stream.STDOUT, data)
    assert [each.command for each in marks] == [0, 1, 2]


@pytest.mark.parametrize(
    ("size_bytes", "text"), [(256 * 1024**2, "256 MiB"), (1024**3, "1 GiB"), (1536, "1536 bytes"), (2048, "2 KiB")]
)
def test_a_size_is_said_in_its_largest_whole_unit(size_bytes: int, text: str) -> None:
    assert size_text(size_bytes) == text


@pytest.mark.parametrize("data", [b"\0\0", b"\x1b[31mred\x1b[0m", b"\x1b]8;;http://x\x07link"])
def test_control_characters_are_kept_as_they_are(data: bytes) -> None:
    assert lines(cut((Stream.STDOUT, data + b"\n"))) == [data.decode()]


def test_a_partial_line_is_not_given_before_its_end() -> None:
    chunks: list[Chunk] = []
    cutter = LineCutter(chunks.append, Mask(()))
    cutter.write(Stream.STDOUT, b"whole\npart")
    cutter.flush()
    assert lines(chunks) == ["whole"]
    cutter.write(Stream.STDOUT, b"ial\n")
    cutter.flush()
    assert lines(chunks) == ["whole", "partial"]
