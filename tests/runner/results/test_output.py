"""Bytes in, chunks of whole lines out: every line once, in order, numbered."""

from hypothesis import given
from hypothesis import strategies as st

from pipelines.records import Stream
from runner.results.mask import Mask
from runner.results.output import CHUNK_BYTES, Chunk, LineCutter

PIECES = st.lists(st.tuples(st.sampled_from([Stream.STDOUT, Stream.STDERR]), st.binary(max_size=30)), max_size=12)


def cut(*pieces: tuple[Stream, bytes], echoes: tuple[str, ...] = (), secrets: tuple[str, ...] = ()) -> list[Chunk]:
    chunks: list[Chunk] = []
    cutter = LineCutter(chunks.append, Mask(secrets), echoes)
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


def test_an_echoed_command_begins_a_chunk_of_that_command() -> None:
    output = b"early\n+ make\nmade\n+ test\ntested\n+ make\n"
    told = [(chunk.command, chunk.lines) for chunk in cut((Stream.STDOUT, output), echoes=("+ make", "+ test"))]
    assert told == [(None, ("early",)), (0, ("+ make", "made")), (1, ("+ test", "tested", "+ make"))]


def test_a_command_that_holds_a_secret_is_known_all_the_same() -> None:
    output = b"+ echo swordfish\nswordfish\n"
    chunks = cut((Stream.STDOUT, output), echoes=("+ echo swordfish",), secrets=("swordfish",))
    assert [(chunk.command, chunk.lines) for chunk in chunks] == [(0, ("+ echo ********", "********"))]


def test_a_partial_line_is_not_given_before_its_end() -> None:
    chunks: list[Chunk] = []
    cutter = LineCutter(chunks.append, Mask(()))
    cutter.write(Stream.STDOUT, b"whole\npart")
    cutter.flush()
    assert lines(chunks) == ["whole"]
    cutter.write(Stream.STDOUT, b"ial\n")
    cutter.flush()
    assert lines(chunks) == ["whole", "partial"]
