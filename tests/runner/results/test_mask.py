"""The mask finds a secret wherever the stream is split, and hides nothing else."""

from hypothesis import example, given
from hypothesis import strategies as st

from runner.results.mask import HIDDEN, Mask, MaskedStream

# Few letters, so that secrets begin within one another and within the text.
SECRETS = st.lists(st.text("abc\n", min_size=1, max_size=8), max_size=4)
TEXTS = st.lists(st.text("abcd \n", max_size=12), max_size=8)


def masked(mask: Mask, pieces: list[bytes]) -> bytes:
    stream = MaskedStream(mask)
    return b"".join([*(stream.feed(piece) for piece in pieces), stream.finish()])


@given(secrets=SECRETS, pieces=TEXTS)
@example(secrets=["abcd", "abcdef"], pieces=["abcde", "f"])
@example(secrets=["abcab", "babcc"], pieces=["abcab", "cc"])
def test_the_result_does_not_depend_on_where_the_stream_is_split(secrets: list[str], pieces: list[str]) -> None:
    mask = Mask(secrets)
    data = [piece.encode() for piece in pieces]
    assert masked(mask, data) == mask.substitute(b"".join(data))


@given(secrets=SECRETS, pieces=TEXTS)
def test_no_secret_is_shown(secrets: list[str], pieces: list[str]) -> None:
    mask = Mask(secrets)
    shown = masked(mask, [piece.encode() for piece in pieces])
    for pattern in mask.patterns:
        assert pattern not in shown


@given(pieces=TEXTS)
def test_a_stream_without_secrets_is_left_as_it_is(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert masked(Mask(["xyzzy", "plugh"]), [piece.encode() for piece in pieces]) == text.encode()


def test_every_split_point_of_a_real_secret() -> None:
    text = b"before hunter2-correct-horse after\n"
    for at in range(len(text)):
        for second in range(at, len(text)):
            pieces = [text[:at], text[at:second], text[second:]]
            assert masked(Mask(["hunter2-correct-horse"]), pieces) == b"before ******** after\n"


def test_each_line_of_a_secret_is_hidden_by_itself() -> None:
    mask = Mask(["-----BEGIN KEY-----\r\nabcdef\nx\n"])
    assert mask.hide("a abcdef b x") == f"a {HIDDEN} b x"
    assert mask.hide("-----BEGIN KEY-----") == HIDDEN


def test_values_of_three_characters_or_fewer_are_not_hidden() -> None:
    assert Mask(["abc", "ab", ""]).hide("abc ab") == "abc ab"


def test_of_two_secrets_that_begin_alike_the_longer_is_hidden_whole() -> None:
    assert Mask(["secret", "secret-more"]).hide("secret-more secret") == f"{HIDDEN} {HIDDEN}"


def test_only_a_tail_that_could_begin_a_secret_is_held_back() -> None:
    """A prompt must not wait for the next line because a secret exists."""
    stream = MaskedStream(Mask(["password-1"]))
    assert stream.feed(b"give the pass") == b"give the "
    assert stream.feed(b"port: ") == b"passport: "


def test_secrets_that_are_not_ascii_are_hidden() -> None:
    assert masked(Mask(["gehëim!"]), [bytes([byte]) for byte in "x gehëim! y".encode()]) == b"x ******** y"
