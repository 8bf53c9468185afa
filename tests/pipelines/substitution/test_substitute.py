"""`${NAME}` in one text: every operator, every escape, and what is left to the shell."""

from collections.abc import Callable
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.substitution.substitute import Substituted, substitute
from pipelines.substitution.templates import TemplateError

VARIABLES = {
    "BRANCH": "release/v/1.2",
    "MIXED": "abcABC123ABCabc",
    "FILE": "/src/mill/wheel.tar.gz",
    "EMPTY": "",
    "WHERE": "größe",
    "LINES": "one\ntwo",
    "POSITION": "3",
    "with-dash": "dashed",
}


def text(template: str) -> str:
    return substitute(template, VARIABLES).text


def command(template: str) -> str:
    return substitute(template, VARIABLES, in_shell=True).text


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("no names", "no names"),
        ("${BRANCH}", "release/v/1.2"),
        ("a${POSITION}b${POSITION}", "a3b3"),
        ("${with-dash}", "dashed"),
        ("${UNKNOWN}", ""),
        ("${EMPTY}", ""),
        ("${#MIXED}", "15"),
        ("${#EMPTY}", "0"),
        ("${#WHERE}", "7"),
        ("${BRANCH^}", "Release/v/1.2"),
        ("${BRANCH^^}", "RELEASE/V/1.2"),
        ("${MIXED,}", "abcABC123ABCabc"),
        ("${MIXED,,}", "abcabc123abcabc"),
        ("${EMPTY^}", ""),
        ("${MIXED:6}", "123ABCabc"),
        ("${MIXED:6:3}", "123"),
        ("${MIXED:6:99}", "123ABCabc"),
        ("${MIXED:99}", ""),
        ("${MIXED:99:1}", ""),
        ("${MIXED:${POSITION}:3}", "ABC"),
        ("${MIXED: -3}", "abcABC123ABCabc"),
        ("${MIXED:x}", "abcABC123ABCabc"),
        ("${WHERE:0:3}", "gr"),
        ("${WHERE:0:4}", "grö"),
        ("${UNKNOWN=d}", "d"),
        ("${UNKNOWN:=d}", "d"),
        ("${UNKNOWN:-d}", "d"),
        ("${UNKNOWN:?d}", "d"),
        ("${UNKNOWN:+d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY=d}", "d"),
        ("${POSITION:-d}", "3"),
        ("${POSITION:+d}", "3"),
        ("${UNKNOWN:-}", ""),
        ("${UNKNOWN:-a b\\/c$d}", "a b\\/c$d"),
        ("${UNKNOWN:-${BRANCH}}", "release/v/1.2"),
        ("${UNKNOWN:-a${POSITION}b${EMPTY:-c}}", "a3bc"),
        ("${UNKNOWN-d}", ""),
        ("${BRANCH#*/}", "v/1.2"),
        ("${BRANCH##*/}", "1.2"),
        ("${BRANCH%/*}", "release/v"),
        ("${BRANCH%%/*}", "release"),
        ("${FILE%.*}", "/src/mill/wheel.tar"),
        ("${FILE%%.*}", "/src/mill/wheel"),
        ("${BRANCH#release}", "/v/1.2"),
        ("${BRANCH#nope}", "release/v/1.2"),
        ("${MIXED#?}", "bcABC123ABCabc"),
        ("${MIXED#[a-c]}", "bcABC123ABCabc"),
        ("${MIXED#{a,b}}", "abcABC123ABCabc}"),
        ("${BRANCH##*}", ""),
        ("${BRANCH#*}", "elease/v/1.2"),
        ("${BRANCH%${POSITION}}", "release/v/1.2"),
        ("${BRANCH#[}", "release/v/1.2"),
        ("${MIXED/abc/x}", "xABC123ABCabc"),
        ("${MIXED//abc/x}", "xABC123ABCx"),
        ("${MIXED/#abc/x}", "xABC123ABCabc"),
        ("${MIXED/%abc/x}", "abcABC123ABCx"),
        ("${MIXED/#ABC/x}", "abcABC123ABCabc"),
        ("${MIXED//abc/}", "ABC123ABC"),
        ("${MIXED/#abc/}", "abcABC123ABCabc"),
        ("${FILE//\\//-}", "-src-mill-wheel.tar.gz"),
        ("${FILE/.*/x}", "/src/mill/wheel.tar.gz"),
        ("${MIXED/abc/\\/}", "/ABC123ABCabc"),
        ("${MIXED//${UNKNOWN:-abc}/${POSITION}}", "3ABC123ABC3"),
        ("$BRANCH", "$BRANCH"),
        ("$$", "$"),
        ("$${BRANCH}", "${BRANCH}"),
        ("$$${POSITION}", "$3"),
        ("$${X:-${POSITION}}", "${X:-3}"),
        ("$$$$", "$$"),
        ("a\\\\b\\/c\\.d", "a\\b/c\\.d"),
        ("}", "}"),
        ("$", "$"),
    ],
)
def test_template_becomes(template: str, expected: str) -> None:
    assert text(template) == expected


@pytest.mark.parametrize(
    "template",
    ["${", "${}", "${BRANCH", "${BRANCH:}", "${BRANCH#}", "${BRANCH/a}", "${BRANCH//b}", "${BRANCH+x}", "${!BRANCH}",
     "${BRANCH[0]}", "${BRANCH@Q}", "${#}", "${#BRANCH:1}", "${ BRANCH }", "${{ BRANCH }}", "a ${BRANCH:-${}} b",
     "${BRANCH:-" * 30 + "}" * 30],
)  # fmt: skip
def test_malformed_template_is_refused(template: str) -> None:
    for in_shell in (False, True):
        with pytest.raises(TemplateError):
            substitute(template, VARIABLES, in_shell=in_shell)


def test_refusal_shows_the_place_and_what_to_write() -> None:
    with pytest.raises(TemplateError) as raised:
        text("echo ${list[@]} ${BRANCH}")
    assert raised.value.message == '"${list[@]}" is no substitution'
    assert raised.value.hint == "write `$${list[@]}…` if the shell is to see it"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("echo ${BRANCH}", "echo release/v/1.2"),
        ("echo ${MINE}", "echo ${MINE}"),
        ("echo ${MINE:-a${BRANCH}}", "echo ${MINE:-a${BRANCH}}"),
        ("echo ${MINE,,}", "echo ${MINE,,}"),
        ("echo ${MINE-x}", "echo ${MINE-x}"),
        ("echo ${BRANCH:?say it} ${BRANCH:+set}", "echo ${BRANCH:?say it} ${BRANCH:+set}"),
        ("echo ${EMPTY} ${EMPTY:-none}.", "echo  none."),
        ("echo ${EMPTY:-${MINE}}", "echo ${MINE}"),
        ("echo ${BRANCH#${MINE}}", "echo release/v/1.2"),
        ("echo $$HOME $${BRANCH}", "echo $HOME ${BRANCH}"),
        ("echo ${LINES}", "echo ${LINES}"),
        ("echo ${LINES^^}", 'echo "ONE\\NTWO"'),
    ],
)
def test_command_leaves_to_the_shell_what_it_knows_better(template: str, expected: str) -> None:
    assert command(template) == expected


def test_lines_of_a_value_never_become_lines_of_a_command() -> None:
    variables = {"MESSAGE": "fix\nrm -rf /"}
    for operator in ("", "^", ",,", ":0:99", "#f", "%x", "/a/b", "//a/b", ":-x"):
        made = substitute(f"echo ${{MESSAGE{operator}}}", variables, in_shell=True).text
        assert "\n" not in made


def test_unknown_names_are_told_once_unless_they_have_a_default() -> None:
    made = substitute("${A} ${A} ${B:-x} ${EMPTY} ${C^}", VARIABLES)
    assert made == Substituted("  x  ", ("A", "C"))


def test_values_are_not_read_again() -> None:
    assert substitute("${A}", {"A": "${B} $$", "B": "x"}).text == "${B} $$"


def test_text_that_would_grow_beyond_measure_is_refused() -> None:
    value = "a" * 2000
    for template in ("${A//a/${A}}", "${A}" * 600):
        with pytest.raises(TemplateError, match="more than 1,000,000 characters"):
            substitute(template, {"A": value})


def test_pattern_is_not_looked_for_in_text_without_measure() -> None:
    with pytest.raises(TemplateError, match="patterns are looked for in too much text"):
        substitute("${A##*a*b}" * 99, {"A": "ab" * 10_000})


words = st.text("abc/.", max_size=8)
globs = st.lists(st.sampled_from(["a", "b", "/", ".", "*", "?", "[ab]"]), min_size=1, max_size=4).map("".join)


def trimmed(value: str, kept: Callable[[int], str], gone: Callable[[int], str], glob: str, counts: range) -> str:
    """The obvious model: try to take away a character, two, three…"""
    return next((kept(n) for n in counts if fnmatchcase(gone(n), glob)), value)


@given(words, globs)
def test_trimming_agrees_with_the_obvious_model(value: str, glob: str) -> None:
    upwards, downwards = range(1, len(value) + 1), range(len(value), 0, -1)
    for operator, counts in (("#", upwards), ("##", downwards)):
        expected = trimmed(value, lambda n: value[n:], lambda n: value[:n], glob, counts)
        assert substitute(f"${{X{operator}{glob}}}", {"X": value}).text == expected
    for operator, counts in (("%", upwards), ("%%", downwards)):
        expected = trimmed(value, lambda n: value[:-n], lambda n: value[-n:], glob, counts)
        assert substitute(f"${{X{operator}{glob}}}", {"X": value}).text == expected


plain = st.text("abc .:-=#%^,?+é", max_size=6)
parts = st.lists(
    st.one_of(
        plain.map(lambda literal: (literal, literal)),
        st.just(("$$", "$")),
        st.just(("\\\\", "\\")),
        st.just(("${A}", "<A>")),
        plain.map(lambda default: (f"${{B:-{default}}}", default)),
        plain.map(lambda default: (f"${{A:-{default}}}", "<A>")),
        st.just(("${A^^}${#A}", "<A>3")),
    ),
    max_size=6,
)


@given(parts)
def test_parts_of_a_template_stand_side_by_side(drawn: list[tuple[str, str]]) -> None:
    template = "".join(part for part, _ in drawn)
    assert substitute(template, {"A": "<A>"}).text == "".join(expected for _, expected in drawn)


@given(st.text("${}aB:-=?+#%/^,\\ \n", max_size=20), st.booleans())
def test_any_text_is_answered(template: str, in_shell: bool) -> None:  # noqa: FBT001 (drawn)
    try:
        made = substitute(template, {"a": "x", "B": ""}, in_shell=in_shell).text
    except TemplateError as error:
        made = error.message
    assert isinstance(made, str)


@given(st.text("ab{}[]()*.!", max_size=20))
def test_text_without_dollars_and_backslashes_stays_as_it_is(template: str) -> None:
    assert text(template) == template
