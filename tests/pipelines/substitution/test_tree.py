"""Substitution in a file's tree: in place, in keys and values, each problem with its path."""

import pytest

from pipelines.nodes import Map, Node, Scalar
from pipelines.reading.document import read_document
from pipelines.report import Report
from pipelines.substitution.tree import check_names, substituted

VARIABLES = {"NAME": "wheel", "NONE": "", "EVIL": "x\n- injected: true"}


def tree(text: str) -> Node:
    report = Report("a.yaml")
    root = read_document(text.encode(), report)
    assert root is not None, report.problems
    return root


def made(text: str, **variables: str) -> tuple[Node, list[str]]:
    report = Report("a.yaml")
    root = substituted(tree(text), VARIABLES | variables, report)
    return root, [f"{problem.line}:{problem.column} {problem.path} {problem.level}" for problem in report.problems]


def at(node: Node | None, *keys: str) -> str:
    for key in keys:
        assert isinstance(node, Map)
        node = node.get(key)
    assert isinstance(node, Scalar)
    return node.text


def test_values_and_keys_get_values() -> None:
    root, problems = made("labels: {'${NAME}': '${NAME}-1'}")
    assert at(root, "labels", "wheel") == "wheel-1"
    assert problems == []


def test_tree_without_names_is_the_very_same() -> None:
    root = tree("steps: {a: {image: x, commands: [echo $HOME]}}")
    assert substituted(root, VARIABLES, Report("a.yaml")) is root


def test_place_stays_where_it_was() -> None:
    root, _ = made("steps:\n  a: {image: '${NAME}'}")
    assert isinstance(root, Map)
    steps = root.get("steps")
    assert isinstance(steps, Map)
    assert steps.entries[0].value.position == (2, 6, "")


def test_value_can_not_become_yaml() -> None:
    root, problems = made("steps: {a: {image: '${EVIL}'}}")
    assert at(root, "steps", "a", "image") == "x\n- injected: true"
    assert problems == []


def test_plain_text_may_become_nothing() -> None:
    root, _ = made("steps:\n  a:\n    directory: ${NONE}\n    image: '${NONE}'\n")
    assert isinstance(root, Map)
    steps = root.get("steps")
    assert isinstance(steps, Map)
    step = steps.get("a")
    assert isinstance(step, Map)
    assert step.get("directory") == Scalar(step.entries[0].value.position, "", plain=True)
    assert step.get("image") == Scalar(step.entries[1].value.position, "", plain=False)


@pytest.mark.parametrize("text", ["steps: {a: {commands: ['${X}']}}", "steps: [{commands: '${X}'}]",
                                  "services: {a: {commands: '${X}'}}", "clone: {a: {commands: '${X}'}}"])  # fmt: skip
def test_commands_leave_unknown_names_to_the_shell(text: str) -> None:
    root, problems = made(text)
    assert root == tree(text)
    assert problems == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("steps: {a: {image: '${X}'}}", "steps.a.image"),
        ("steps: [{settings: {commands: ['${X}']}}]", "steps[0].settings.commands[0]"),
        ("labels: {commands: '${X}'}", "labels.commands"),
        ("labels: {'${X}': a}", "labels"),
    ],
)
def test_unknown_name_elsewhere_is_empty_with_a_warning(text: str, path: str) -> None:
    root, problems = made(text)
    assert root != tree(text)
    assert [problem.split(" ", 1)[1] for problem in problems] == [f"{path} warning"]


@pytest.mark.parametrize("key", ["matrix", "params", "variables"])
def test_what_is_read_before_or_by_nobody_stays_as_it_is(key: str) -> None:
    text = f"{key}: {{a: ['${{NAME}} ${{X}} ${{']}}"
    root, problems = made(text)
    assert root == tree(text)
    assert problems == []


def test_malformed_one_is_an_error_in_its_place() -> None:
    _, problems = made("labels:\n  a: x${NAME")
    assert problems == ["2:6 labels.a error"]


def test_keys_that_become_the_same_are_an_error() -> None:
    _, problems = made("labels: {wheel: a, '${NAME}': b}")
    assert problems == ["1:20 labels error"]


def test_file_that_would_grow_beyond_measure_is_an_error() -> None:
    lines = "".join(f"  a{n}: ${{BIG}}\n" for n in range(40))
    _, problems = made(f"labels:\n{lines}", BIG="x" * 300_000)
    assert problems[0].endswith("error")


def test_name_that_only_steps_know_says_where_to_use_it() -> None:
    report = Report("a.yaml")
    check_names(tree("labels: {a: '${CI_PIPELINE_STATUS}', b: '${NAMES}'}"), ["NAME"], report)
    assert [problem.hint for problem in report.problems] == [
        "only steps know it, when they run: use `$CI_PIPELINE_STATUS` in `commands`",
        "did you mean `NAME`?",
    ]


def test_checking_names_sees_keys_apart() -> None:
    report = Report("a.yaml")
    check_names(tree("labels: {'${A}': 1, '${B}': 2}"), ["A", "B"], report)
    assert report.problems == ()
