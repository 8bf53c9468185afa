"""Globs match as doublestar does, checked by examples and against a slow model that is plain to see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.globs import glob, matches


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("main", "main"),
        ("*", "main"),
        ("*", ""),
        ("release/*", "release/1.0"),
        ("v?.?", "v1.2"),
        ("**", "a/b/c"),
        ("**", ""),
        ("a/**", "a"),
        ("a/**", "a/b/c"),
        ("**/c", "c"),
        ("**/c", "a/b/c"),
        ("a/**/c", "a/c"),
        ("a/**/c", "a/b/b/c"),
        ("a**", "abc"),
        ("{main,release/*}", "release/x"),
        ("{a,b{c,d}}e", "bde"),
        ("{,x}y", "y"),
        ("a{/**,}", "a/b/c"),
        ("[a-c]1", "b1"),
        ("[^a-c]", "d"),
        ("[!a-c]", "d"),
        ("[{]", "{"),
        (r"\*", "*"),
        (r"[\]]", "]"),
        ("*.log", ".log"),
        ("renovate/*", "renovate/größe"),
    ],
)
def test_pattern_matches(pattern: str, text: str) -> None:
    assert matches(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("main", "Main"),
        ("main", "mainly"),
        ("*", "a/b"),
        ("?", "/"),
        ("[^a]", "/"),
        ("a**", "a/b"),
        ("a/**", "ab"),
        ("**/c", "a/bc"),
        ("a/*", "a"),
        ("{a,b}", "{a,b}"),
        ("[a-c]", "d"),
        (r"\*", "x"),
        ("", "x"),
    ],
)
def test_pattern_does_not_match(pattern: str, text: str) -> None:
    assert not matches(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ("[a", "has a [ without its ]"),
        ("[]", "has an empty or open range in []"),
        ("[a-]", "has an empty or open range in []"),
        ("{a,b", "has a { without its }"),
        ("a\\", "ends in a lone \\"),
        ("{a,b}" * 300, "has more than 5000 characters, its alternatives written out"),
        ("x" * 5001, "has more than 5000 characters, its alternatives written out"),
        ("{" * 4000, "nests {} more than 20 deep"),
    ],
)
def test_malformed_pattern_says_why_and_matches_nothing(pattern: str, what: str) -> None:
    assert glob(pattern).complaint == what
    assert not matches(pattern, pattern)


def test_no_pattern_takes_exponential_time() -> None:
    """A backtracking matcher would not end before the sun does; this one is linear in the pattern."""
    assert not matches("*a" * 200 + "b", "a" * 2000)
    assert not matches("{*a,*b}" * 8 + "c", "ab" * 100)
    assert not matches("**/a/" * 100 + "b", "a/" * 300)


_PIECES = ["a", "b", "ab", "/", "*", "?", "**", "/**/", "[ab]", "[!a]", "{a,b/}", "{a,**}"]


@given(st.lists(st.sampled_from(_PIECES), max_size=6).map("".join), st.text("ab/", max_size=7))
def test_matching_agrees_with_the_obvious_model(pattern: str, text: str) -> None:
    assert matches(pattern, text) == any(_model(flat, text) for flat in _alternatives(pattern))


@given(st.text("ab/*?[]{},!^-\\", max_size=12), st.text(max_size=8))
def test_any_pattern_is_answered(pattern: str, text: str) -> None:
    assert not (glob(pattern).complaint and matches(pattern, text))


@given(st.text(max_size=20))
def test_escaped_text_matches_itself_alone(text: str) -> None:
    escaped = "".join("\\" + c if c != "/" else c for c in text)
    assert matches(escaped, text)
    assert not matches(escaped, text + "x")


def _alternatives(pattern: str) -> list[str]:
    """The patterns without braces that one level of braces stands for."""
    head, brace, rest = pattern.partition("{")
    if not brace:
        return [pattern]
    options, _, tail = rest.partition("}")
    return [head + option + each for option in options.split(",") for each in _alternatives(tail)]


def _model(pattern: str, text: str) -> bool:
    """By segments: `**` takes any number of them; within one, try every way to use up the text."""
    return _segments(pattern.split("/"), text.split("/"))


def _segments(patterns: list[str], parts: list[str]) -> bool:
    if not patterns:
        return not parts
    if patterns[0] == "**":
        return any(_segments(patterns[1:], parts[n:]) for n in range(len(parts) + 1))
    return bool(parts) and _segment(patterns[0], parts[0]) and _segments(patterns[1:], parts[1:])


def _segment(pattern: str, part: str) -> bool:
    if not pattern:
        return not part
    if pattern[0] == "*":
        return any(_segment(pattern[1:], part[n:]) for n in range(len(part) + 1))
    if pattern[0] == "[":
        body, _, rest = pattern[1:].partition("]")
        good = part[:1] in body if not body.startswith("!") else part[:1] not in body[1:]
        return bool(part) and good and _segment(rest, part[1:])
    return bool(part) and pattern[0] in ("?", part[0]) and _segment(pattern[1:], part[1:])
