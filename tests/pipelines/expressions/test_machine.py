"""Patterns of `matches` find what Python's `re` finds, in time that no pattern can blow up."""

import re
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipelines.allowance import MAX_WORK, Budget, OverspentError
from pipelines.expressions.errors import ExpressionError
from pipelines.expressions.machine import complaint, found


def matches(pattern: str, text: str) -> bool:
    return found(pattern, text, Budget(MAX_WORK))


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("", "anything"),
        ("b", "abc"),
        ("^abc$", "abc"),
        (r"^v\d+\.\d+$", "v1.20"),
        ("a|b", "xb"),
        ("^(a|bc)*$", "abcbca"),
        ("^a{2,3}$", "aaa"),
        ("^a{2}$", "aa"),
        ("^a{2,}$", "aaaa"),
        ("a{x", "a{x"),
        ("^a+?$", "aaa"),
        ("(?i)MAIN", "main"),
        ("^(?i:m)ain$", "Main"),
        ("(?m)^two$", "one\ntwo\nthree"),
        ("(?s)a.b", "a\nb"),
        (r"\bfix\b", "a fix, at last"),
        (r"^\w+\s\S+$", "one two"),
        ("[^a-c]", "d"),
        ("[]a]", "]"),
        ("[a-]", "-"),
        ("[[:alpha:]]+[[:digit:]]", "ab1"),
        (r"[\d.]+", "1.2"),
        (r"[^\D]", "7"),
        (r"\x41\x{42}", "AB"),
        ("(?P<year>20..)", "2026"),
        (r"\.\*", ".*"),
        ("é", "café"),
    ],
)
def test_pattern_is_found(pattern: str, text: str) -> None:
    assert complaint(pattern) == ""
    assert matches(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("b", "ac"),
        ("^b", "ab"),
        ("a$", "a\n"),
        ("a.b", "a\nb"),
        ("^a{2,3}$", "aaaa"),
        ("MAIN", "main"),
        ("^(?i:m)ain$", "MAIN"),
        (r"\bfix\b", "prefix"),
        (r"\d", "٣"),
        ("[^a-c]", "b"),
        ("^two$", "one\ntwo"),
    ],
)
def test_pattern_is_not_found(pattern: str, text: str) -> None:
    assert not matches(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ("(", "has a ( without its )"),
        (")", "has a ) without its ("),
        ("[a", "has a [ without its ]"),
        ("*a", "has a * with nothing to repeat"),
        ("a**", "repeats a repetition"),
        ("a{3,2}", "has the repetition {3,2}"),
        ("a{1001}", "has the repetition {1001}"),
        ("[z-a]", "has the range z-a, which runs backwards"),
        ("(?=a)", "has a (? that begins no group"),
        (r"(a)\1", r"has the escape \1, which is not supported"),
        ("a\\", "ends in a lone \\"),
        ("[[:nope:]]", "has the class [:nope:], which nobody knows"),
        ("(" * 60 + ")" * 60, "has more than 50 groups inside each other"),
    ],
)
def test_malformed_pattern_says_why(pattern: str, what: str) -> None:
    assert complaint(pattern).endswith(f"which {what}")
    with pytest.raises(ExpressionError):
        matches(pattern, "a")


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|a)*b", "(a|aa)+$b", "(.*)(.*)(.*)(.*)(.*)b", "(a?){50}a{50}b"])
def test_pattern_that_goes_back_for_ever_elsewhere_is_quick_here(pattern: str) -> None:
    began = time.process_time()
    assert not matches(pattern, "a" * 20_000)
    assert time.process_time() - began < 2


@pytest.mark.parametrize("pattern", ["((a{1000}){1000}){1000}", "(((){1000}){1000}){1000}", "(a|b|c){1000}"])
def test_pattern_that_repeats_without_measure_is_answered_at_once(pattern: str) -> None:
    began = time.process_time()
    complaint(pattern)
    assert time.process_time() - began < 1


def test_work_has_a_bound() -> None:
    with pytest.raises(OverspentError):
        found("a", "b" * 10_000, Budget(100))


pieces = ["a", "b", ".", "^", "$", "[ab]", "[^a]", r"\b", r"\B", r"\d", r"\w", "(a|b)", "(?:ab)", "a*", "b+", "a?",
          "(a|)*", "b{2}", "[ab]{1,2}", "|", r"\n"]  # fmt: skip


@given(st.lists(st.sampled_from(pieces), max_size=6).map("".join), st.text("ab1 \n", min_size=1, max_size=8))
def test_search_agrees_with_python(pattern: str, text: str) -> None:
    """`$` is the very end here, as in RE2. Python finds no `\\B` in an empty text, by mistake."""
    assume(not re.search(r"[*+?}][*+?{]", pattern))
    theirs = re.search(pattern.replace("$", r"\Z"), text, re.ASCII)
    assert matches(pattern, text) == (theirs is not None)


@given(st.text("ab|()[]{}*+?^$\\.-,1d", max_size=12), st.text("ab", max_size=6))
def test_any_pattern_is_answered(pattern: str, text: str) -> None:
    if complaint(pattern):
        with pytest.raises(ExpressionError):
            matches(pattern, text)
    else:
        assert matches(pattern, text) in (True, False)


@given(st.text(max_size=12))
def test_escaped_text_is_found_in_itself(text: str) -> None:
    escaped = "".join(f"\\{c}" if c.isascii() and not c.isalnum() else c for c in text)
    assert matches(f"^{escaped}$", text)
