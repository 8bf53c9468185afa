"""Files that a workflow includes come before it; what is wrong in them is told with their names."""

import pytest

from pipelines.reading.library import Library
from pipelines.validate import Reading, read_workflow


def read(text: str, **files: str) -> Reading:
    """Read a workflow that may include these files, each by its name with `.yaml`."""
    includable = {f"{name}.yaml": content.encode() for name, content in files.items()}
    return read_workflow(text.encode(), ".headrace/main.yaml", library=Library(files=includable))


def complaints(text: str, **files: str) -> list[str]:
    return [str(problem) for problem in read(text, **files).problems]


def test_steps_of_included_files_come_first_in_their_order() -> None:
    reading = read(
        "include: [a.yaml, ./b.yaml]\nsteps: {own: {image: x}}",
        a="steps: {a: {image: x}}",
        b="steps: {b: {image: x}}",
    )
    assert reading.problems == ()
    assert reading.workflow is not None
    assert [step.name for step in reading.workflow.steps] == ["a", "b", "own"]
    assert reading.workflow.file == ".headrace/main.yaml"


def test_step_of_the_same_name_takes_the_place_of_the_included_one() -> None:
    reading = read(
        "include: a.yaml\nsteps: {first: {image: mine}, third: {image: mine}}",
        a="steps: {first: {image: theirs, commands: c}, second: {image: theirs}}",
    )
    assert reading.workflow is not None
    found = [(step.name, step.image, step.commands) for step in reading.workflow.steps]
    assert found == [("first", "mine", ()), ("second", "theirs", ()), ("third", "mine", ())]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("steps: [{name: a, image: t}, {image: t}]", "steps: {a: {image: o}, b: {image: o}}"),
        ("steps: {a: {image: t}, step-1: {image: t}}", "steps: [{name: a, image: o}, {name: b, image: o}]"),
        ("steps: [{name: a, image: t}, {name: step-1, image: t}]", "steps: [{name: a, image: o}, {name: b, image: o}]"),
    ],
)
def test_lists_and_maps_of_steps_go_together(theirs: str, ours: str) -> None:
    reading = read(f"include: a.yaml\n{ours}", a=theirs)
    assert reading.workflow is not None
    assert [(step.name, step.image) for step in reading.workflow.steps] == [("a", "o"), ("step-1", "t"), ("b", "o")]


def test_maps_are_put_together_and_all_else_is_replaced() -> None:
    reading = read(
        "include: a.yaml\nenvironment: {B: own, C: own}\nwhen: {event: push}\nsteps: {s: {image: x}}",
        a="environment: {A: base, B: base}\nlabels: {l: base}\nwhen: {branch: main}\ntimeout: 1m",
    )
    workflow = reading.workflow
    assert workflow is not None
    assert workflow.environment == {"A": "base", "B": "own", "C": "own"}
    assert (workflow.labels, workflow.timeout) == ({"l": "base"}, 60)
    assert [(each.event, each.branch) for each in workflow.when] == [(("push",), None)]


def test_included_files_may_include_and_be_extended() -> None:
    reading = read(
        "include: a.yaml\nsteps: {s: {extends: .base}}", a="include: b.yaml", b="steps: {.base: {image: deep}}"
    )
    assert reading.workflow is not None
    assert [(step.name, step.image) for step in reading.workflow.steps] == [("s", "deep")]


def test_old_names_of_an_included_file_are_read() -> None:
    reading = read("include: a.yaml", a="pipeline: {a: {image: x}}")
    assert reading.workflow is not None
    assert [step.name for step in reading.workflow.steps] == ["a"]
    assert [(problem.file, problem.hint) for problem in reading.problems] == [("a.yaml", "write `steps`")]


@pytest.mark.parametrize(
    ("text", "files", "line"),
    [
        ("include: b.yaml\n", {"c": "x"}, '.headrace/main.yaml:1:10: there is no file "b.yaml" to include'),
        ("include: a.yaml\n", {"a": "include: a.yaml"}, "a.yaml:1:10: these files include each other: a.yaml → a.yaml"),
        (
            "include: a.yaml\n",
            {"a": "include: [b.yaml]", "b": "include: a.yaml"},
            "b.yaml:1:10: these files include each other: a.yaml → b.yaml → a.yaml",
        ),
        ("include: a.yaml\n", {"a": "steps: ["}, "a.yaml:1:9: not valid YAML"),
        ("include: a.yaml\n", {"a": ""}, "a.yaml:1:1: the file is empty"),
        ("include: a.yaml\n", {"a": "[x]"}, "a.yaml:1:1: the file must be a map with the keys of a workflow"),
        ("include: a.yaml\n", {"a": "a: 1\nsteps: {s: {image: x}}"}, 'a.yaml:1:1: "a" is not a key of a workflow'),
        (
            "include: [{repo: o/n, path: a.yaml}]\n",
            {},
            ".headrace/main.yaml:1:11: files of other repositories can't be included here",
        ),
        ("include: [[a]]\n", {}, ".headrace/main.yaml:1:11: `include[0]` must be a path, {repo, ref, path}, or a list"),
    ],
)
def test_mistake_is_told_in_its_own_file(text: str, files: dict[str, str], line: str) -> None:
    assert any(each.startswith(line) for each in complaints(text + "steps: {s: {image: x}}", **files))


def test_file_that_is_included_from_everywhere_is_refused_after_a_while() -> None:
    """Each doubles the number of files that are read."""
    files = {f"f{n}": f"include: [f{n + 1}.yaml, f{n + 1}.yaml]" for n in range(20)}
    assert any("more than 50 files are included" in each for each in complaints("include: f0.yaml", **files))


def test_included_files_count_with_the_file_itself() -> None:
    lists = "variables: [" + "x, " * 9_000 + "]"
    found = complaints("include: [a.yaml, b.yaml, c.yaml]\nsteps: {s: {image: x}}", a=lists, b=lists, c=lists)
    assert [each for each in found if each.startswith("c.yaml:1:") and "more than 10,000 values" in each]
