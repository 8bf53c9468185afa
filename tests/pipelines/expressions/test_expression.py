"""Expressions mean what expr-lang makes of them, and whatever else is written there is an ExpressionError."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.expressions.errors import ExpressionError
from pipelines.expressions.expression import read

FILES = ["docs/index.md", "src/wheel.py"]
VARIABLES = {
    "CI_COMMIT_BRANCH": "main",
    "CI_COMMIT_MESSAGE": "fix(mill): turn the wheel\nBREAKING",
    "CI_PIPELINE_EVENT": "push",
    "CI_PIPELINE_FILES": json.dumps(FILES),
    "CI_PIPELINE_NUMBER": "12",
    "TRUE": "true",
}


def complaint(text: str) -> ExpressionError | None:
    try:
        read(text)
    except ExpressionError as error:
        return error
    return None


def evaluate(text: str, variables: Mapping[str, str]) -> bool:
    return read(text).holds(variables)


@pytest.mark.parametrize(
    "text",
    [
        'CI_COMMIT_BRANCH == "main"',
        "CI_COMMIT_BRANCH == 'main'",
        "CI_COMMIT_BRANCH == `main`",
        'CI_COMMIT_BRANCH != "dev"',
        'CI_COMMIT_BRANCH == "main" && CI_PIPELINE_EVENT == "push"',
        'CI_COMMIT_BRANCH == "main" and CI_PIPELINE_EVENT == "push"',
        'CI_COMMIT_BRANCH == "dev" || CI_PIPELINE_EVENT == "push"',
        'CI_COMMIT_BRANCH == "dev" or CI_PIPELINE_EVENT == "push"',
        '!(CI_COMMIT_BRANCH == "dev")',
        'not (CI_COMMIT_BRANCH == "dev")',
        'CI_PIPELINE_EVENT in ["push", "tag"]',
        'CI_PIPELINE_EVENT not in ["cron", "tag",]',
        'CI_COMMIT_MESSAGE contains "wheel"',
        'CI_COMMIT_MESSAGE not contains "stone"',
        'CI_COMMIT_MESSAGE startsWith "fix"',
        'not (CI_COMMIT_MESSAGE endsWith "wheel")',
        'CI_COMMIT_MESSAGE matches "^fix(\\\\(.*\\\\))?:"',
        "CI_COMMIT_MESSAGE matches `(?m)^BREAKING$`",
        'CI_COMMIT_BRANCH < "n"',
        'CI_COMMIT_BRANCH >= "main"',
        "1 < 2 < 3",
        "len(CI_COMMIT_BRANCH) == 4",
        "len([1, 2]) <= 2",
        "int(CI_PIPELINE_NUMBER) > 9",
        '$env["CI_COMMIT_BRANCH"] == "main"',
        '$env.CI_COMMIT_BRANCH == "main"',
        '"CI_COMMIT_BRANCH" in $env',
        'any(fromJSON(CI_PIPELINE_FILES), {# startsWith "docs/"})',
        'any(fromJSON(CI_PIPELINE_FILES), # startsWith "docs/")',
        'all(fromJSON(CI_PIPELINE_FILES), {# contains "/"})',
        'none(fromJSON(CI_PIPELINE_FILES), {# endsWith ".go"})',
        'one(fromJSON(CI_PIPELINE_FILES), {# endsWith ".py"})',
        "count(fromJSON(CI_PIPELINE_FILES), {true}) == 2",
        'filter(fromJSON(CI_PIPELINE_FILES), {# endsWith ".py"}) == ["src/wheel.py"]',
        "map(fromJSON(CI_PIPELINE_FILES), {len(#)}) == [13, 12]",
        'fromJSON(CI_PIPELINE_FILES)[0] == "docs/index.md"',
        'fromJSON(CI_PIPELINE_FILES)[-1] == "src/wheel.py"',
        'any(fromJSON("[[1], [2]]"), {any(#, {# == 2})})',
        'CI_COMMIT_BRANCH == "dev" ? false : true',
        "true ? true : false ? false : false",
        "NEVER_SET == nil",
        'NEVER_SET != ""',
        '(NEVER_SET ?? "x") == "x"',
        'not (NEVER_SET contains "x")',
        'not (NEVER_SET matches "x")',
        "'it\\'s' == \"it's\"",
        '"\\u00e9\\t" == "é\t"',
        "// what follows counts\ntrue",
        "1_000 == 0x3e8 and 1.5e1 == 15",
    ],
)
def test_expression_holds(text: str) -> None:
    assert evaluate(text, VARIABLES) is True


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "ends too early"),
        ("CI_COMMIT_BRANCH ==", "ends too early"),
        ('CI_COMMIT_BRANCH = "main"', 'has "=" at character 18, which nothing begins with'),
        ('CI_COMMIT_BRANCH == "main', 'has """ at character 21, which nothing begins with'),
        ("true true", 'does not go on with "true" at character 6'),
        ("${X}", 'has "$" at character 1, which nothing begins with'),
        ("CI_COMMIT_BRANCH", "gives text, and needs true or false"),
        ('"true"', "gives text, and needs true or false"),
        ("nil", "gives nil, and needs true or false"),
        ("len(CI_COMMIT_BRANCH)", "gives a number, and needs true or false"),
        ("CI_PIPELINE_NUMBER == 12", "compares text with a number, which are never equal"),
        ("TRUE == true", "compares text with true or false, which are never equal"),
        ('not CI_COMMIT_BRANCH == "main"', "turns round by `!` or `not` text, and needs true or false"),
        ("CI_COMMIT_BRANCH && true", "joins by `&&` or `||` text, and needs true or false"),
        ('"a" in CI_COMMIT_BRANCH', "looks by `in` into text"),
        ('["a"] contains "a"', "uses `contains` on a list, and needs text"),
        ("CI_PIPELINE_NUMBER < 12", "compares text with a number by `<`, and needs two texts or two numbers"),
        ("rand() == 1", "calls `rand`, which is not a function here"),
        ("len() == 1", "calls `len` with 0 arguments; it takes 1"),
        ("any([true]) == true", "calls `any` with 1 arguments; it takes 2"),
        ('any([1], {"x"})', "calls `any` with a predicate that gives text, and needs true or false"),
        ("# == 1", "has a `#` outside of a predicate"),
        ("any(#, {# == 1})", "has a `#` outside of a predicate"),
        ('CI_COMMIT_BRANCH matches "("', 'has the pattern "(", which has a ( without its )'),
        ('CI_COMMIT_BRANCH matches "\\d"', "has the unknown escape \\d"),
        ("(" * 200 + "true" + ")" * 200 + " && " + "!" * 200 + "true", "is nested more than 100 deep"),
        ("true" + " " * 10_000, "has more than 5,000 characters"),
    ],
)
def test_expression_that_can_not_be_right_says_why_before_any_event(text: str, message: str) -> None:
    found = complaint(text)
    assert found is not None
    assert found.message == message
    with pytest.raises(ExpressionError):
        evaluate(text, VARIABLES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fromJSON(CI_COMMIT_BRANCH) == 1", "gives `fromJSON` a text that isn't JSON"),
        ("fromJSON(NEVER_SET) == 1", "gives `fromJSON` nil, and it takes text"),
        ("len(NEVER_SET) == 1", "asks for the length of nil"),
        ("NEVER_SET < CI_COMMIT_BRANCH", "compares nil with text by `<`, and needs two texts or two numbers"),
        ('any(fromJSON("{}"), {true})', "calls `any` for a map, and it takes a list"),
        ("fromJSON(CI_PIPELINE_NUMBER)", "finds a number where it needs true or false"),
        ('fromJSON("{}").a.b == 1', "asks nil for the member 'b', which it does not have"),
        ("int(CI_COMMIT_BRANCH) == 1", "asks for the number in a text that is none: 'main'"),
    ],
)
def test_expression_without_an_answer_says_why(text: str, message: str) -> None:
    assert complaint(text) is None
    with pytest.raises(ExpressionError) as raised:
        evaluate(text, VARIABLES)
    assert raised.value.message == message


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("CI_PIPELINE_NUMBER < 12", "variables are text: write `int(VARIABLE)`"),
        ("CI_PIPELINE_NUMBER == 12", "variables are text: write the other side between quotes"),
        ('CI_COMMIT_BRANCH = "main"', "write `==`"),
        ('CI_COMMIT_BRANCH == "main', "close the string"),
        ("lenn(CI_COMMIT_BRANCH) == 1", "did you mean `len`?"),
        ('CI_COMMIT_BRANCH matches "\\d"', "write `\\\\d`, or use backquotes"),
        ('"a" in CI_COMMIT_BRANCH', 'use `contains` for text: `TEXT contains "part"`'),
    ],
)
def test_hint_says_what_to_write(text: str, hint: str) -> None:
    found = complaint(text)
    assert found is not None
    assert found.hint == hint


def test_and_and_or_look_no_further_than_they_need() -> None:
    assert evaluate('CI_COMMIT_BRANCH == "main" || fromJSON("{") == 1', VARIABLES)
    assert not evaluate('CI_COMMIT_BRANCH == "dev" && fromJSON("{") == 1', VARIABLES)


def test_and_binds_tighter_than_or() -> None:
    assert evaluate("true || true && false", {})
    assert not evaluate("(true || true) && false", {})


def test_comparison_binds_tighter_than_and() -> None:
    assert evaluate('"a" == "a" && "b" != "c"', {})


def test_true_is_not_one() -> None:
    assert not evaluate('fromJSON("true") == fromJSON("1")', {})
    assert evaluate('fromJSON("1.0") == fromJSON("1")', {})


def test_hostile_expression_ends_within_a_moment() -> None:
    many = json.dumps(list(range(300)))
    nested = "any(fromJSON(M), {any(fromJSON(M), {any(fromJSON(M), {any(fromJSON(M), {# == 9999})})})})"
    began = time.process_time()
    with pytest.raises(ExpressionError, match="takes too long"):
        evaluate(nested, {"M": many})
    assert time.process_time() - began < 3


numbers = st.integers(-99, 99)
texts = st.text("ab'\"\\é \n", max_size=4)


def literal(value: Any) -> str:
    return json.dumps(value)


values: st.SearchStrategy[Any] = st.one_of(st.booleans(), numbers, texts)
flags: st.SearchStrategy[tuple[str, bool]] = st.recursive(
    st.one_of(
        st.booleans().map(lambda flag: (literal(flag), flag)),
        st.tuples(numbers, numbers, st.sampled_from(["==", "!=", "<", "<=", ">", ">="])).map(
            lambda drawn: (
                f"{literal(drawn[0])} {drawn[2]} {literal(drawn[1])}",
                {
                    "==": drawn[0] == drawn[1],
                    "!=": drawn[0] != drawn[1],
                    "<": drawn[0] < drawn[1],
                    "<=": drawn[0] <= drawn[1],
                    ">": drawn[0] > drawn[1],
                    ">=": drawn[0] >= drawn[1],
                }[drawn[2]],
            )
        ),
        st.tuples(texts, texts).map(
            lambda drawn: (f"{literal(drawn[0])} contains {literal(drawn[1])}", drawn[1] in drawn[0])
        ),
        st.tuples(texts, st.lists(texts, max_size=3)).map(
            lambda drawn: (f"{literal(drawn[0])} in {literal(drawn[1])}", drawn[0] in drawn[1])
        ),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: (f"({two[0][0]}) && ({two[1][0]})", two[0][1] and two[1][1])),
        st.tuples(inner, inner).map(lambda two: (f"({two[0][0]}) or ({two[1][0]})", two[0][1] or two[1][1])),
        inner.map(lambda one: (f"!({one[0]})", not one[1])),
        st.tuples(inner, inner, inner).map(
            lambda three: (
                f"({three[0][0]}) ? ({three[1][0]}) : ({three[2][0]})",
                three[1][1] if three[0][1] else three[2][1],
            )
        ),
    ),
    max_leaves=8,
)


@given(flags)
def test_evaluation_agrees_with_python(case: tuple[str, bool]) -> None:
    text, expected = case
    assert evaluate(text, {}) is expected


@given(st.lists(numbers, max_size=5), numbers)
def test_predicates_agree_with_python(items: list[int], bound: int) -> None:
    found = [item for item in items if item > bound]
    body = f"fromJSON(M), {{# > {bound}}}"
    variables = {"M": json.dumps(items)}
    for function, expected in {
        "any": bool(found),
        "all": len(found) == len(items),
        "none": not found,
        "one": len(found) == 1,
    }.items():
        assert evaluate(f"{function}({body})", variables) is expected
    assert evaluate(f"filter({body}) == fromJSON({literal(json.dumps(found))})", variables)
    assert evaluate(f"count({body}) == {len(found)}", variables)


words = ["CI_X", "true", "nil", "not", "in", "&&", "||", "(", ")", "[", "]", "{", "}", "#", '"a"', "'", "matches",
         "any", "fromJSON", ",", "?", ":", "==", "<", "1", ".", "$env", "-", "!", "??", " "]  # fmt: skip


@given(st.lists(st.sampled_from(words), max_size=12).map(" ".join) | st.text(max_size=30))
def test_any_text_holds_or_does_not_or_is_refused(text: str) -> None:
    with suppress(ExpressionError):
        assert evaluate(text, {"CI_X": "[1]"}) in (True, False)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("find([1, 2], {# == 2}) == 2", "calls `find`, which is not a function here"),
        ("1 + 1 == 2", "arithmetic is not part of expressions here"),
        ('CI[0:1] == "a"', "slices and maps are not part of expressions here"),
    ],
)
def test_what_expressions_do_not_have_is_named(text: str, what: str) -> None:
    error = complaint(text)
    assert error is not None
    assert what in (error.message, error.hint)


@pytest.mark.parametrize("name", ["string", "toJSON", "last"])
def test_function_of_another_meaning_is_not_suggested(name: str) -> None:
    error = complaint(f"{name}(CI) == nil")
    assert error is not None
    assert error.hint == ""
