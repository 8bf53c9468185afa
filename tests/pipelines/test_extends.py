"""A step that extends another has its keys, and its own on top; no file makes that take long."""

import re

import pytest

from pipelines.model import Step
from pipelines.validate import read_workflow


def steps(text: str, file: str = ".headrace/a.yaml") -> dict[str, Step]:
    reading = read_workflow(text.encode(), file)
    assert reading.problems == ()
    assert reading.workflow is not None
    return {step.name: step for step in reading.workflow.steps}


def complaints(text: str) -> list[str]:
    return [str(problem) for problem in read_workflow(text.encode(), "a.yaml").problems]


def test_own_keys_win_and_maps_are_put_together() -> None:
    found = steps(
        """
steps:
  base: {image: go, commands: [a], environment: {A: base, B: base}, timeout: 1m}
  test: {extends: base, commands: [b, c], environment: {B: own, C: own}}
"""
    )
    test = found["test"]
    assert (test.image, test.commands, test.timeout) == ("go", ("b", "c"), 60)
    assert test.environment == {"A": "base", "B": "own", "C": "own"}
    assert found["base"].commands == ("a",)


def test_settings_are_put_together_too() -> None:
    found = steps("steps: {a: {image: x, settings: {k: 1, l: 2}}, b: {extends: a, settings: {l: 3}}}")
    assert found["b"].settings == {"k": "1", "l": "3"}
    assert found["b"].is_plugin


def test_name_of_the_base_is_not_taken_over() -> None:
    assert list(steps("steps: [{name: a, image: x}, {name: b, extends: a}, {extends: b}]")) == ["a", "b", "step-2"]


def test_base_may_come_later_and_stand_on_another() -> None:
    found = steps(
        "steps: {c: {extends: b, commands: c}, b: {extends: a, environment: {B: b}}, "
        "a: {image: x, shell: bash, commands: a}}"
    )
    assert (found["c"].image, found["c"].shell, found["c"].environment) == ("x", ("bash",), {"B": "b"})


def test_step_whose_name_begins_with_a_dot_is_only_extended() -> None:
    assert list(steps("steps: {.go: {image: go}, test: {extends: .go}}")) == ["test"]


def test_woodpecker_file_may_have_such_a_name() -> None:
    assert list(steps("steps: {.go: {image: go}}", ".woodpecker.yaml")) == [".go"]


def test_services_extend_services() -> None:
    reading = read_workflow(
        b"services: {.db: {image: postgres}, a: {extends: .db}, b: {extends: .db}}\nsteps: {t: {image: x}}", "a.yaml"
    )
    assert reading.workflow is not None
    assert [(service.name, service.image) for service in reading.workflow.services] == [
        ("a", "postgres"),
        ("b", "postgres"),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("steps: {a: {extends: a}}", "a.yaml:1:22: these steps extend each other: a → a"),
        (
            "steps:\n  a: {image: x, extends: b}\n  b: {extends: c}\n  c: {extends: b}",
            "a.yaml:4:16: these steps extend each other: b → c → b",
        ),
        (
            "steps: {build: {image: x}, test: {image: x, extends: biuld}}",
            'a.yaml:1:54: there is no step "biuld" to extend (did you mean `build`?)',
        ),
        ("steps: {a: {image: x, extends: [b]}, b: {image: x}}", "a.yaml:1:32: `steps.a.extends` must be text"),
    ],
)
def test_mistake_is_told(text: str, line: str) -> None:
    assert any(each.startswith(line) for each in complaints(text))


def test_problem_of_a_base_is_told_where_it_stands() -> None:
    text = "steps:\n  .a:\n    image: x\n    timeout: soon\n  b: {extends: .a}\n  c: {extends: .a}\n"
    assert {problem.line for problem in read_workflow(text.encode(), "a.yaml").problems} == {4}


def test_large_base_that_many_extend_is_refused() -> None:
    variables = "".join(f"      K{number}: v\n" for number in range(2_000))
    many = "".join(f"  s{number}: {{extends: .b}}\n" for number in range(400))
    text = f"steps:\n  .b:\n    image: x\n    environment:\n{variables}{many}"
    assert any("unfolds to more than 10,000 values" in each for each in complaints(text))


def test_long_chain_is_refused() -> None:
    text = "steps:\n" + "".join(f"  s{n}: {{extends: s{n + 1}}}\n" for n in range(30)) + "  s30: {image: x}\n"
    assert any("steps extend each other more than 20 deep" in each for each in complaints(text))


def test_step_of_a_clone_has_nothing_to_extend() -> None:
    (only,) = complaints("clone: {a: {image: x, extends: b}}\nsteps: {b: {image: x}}")
    assert only.endswith("`clone.a` extends another, as only `steps` and `services` can")


@pytest.mark.parametrize(
    ("steps", "wrong"),
    [
        ("{a: {extends: .no}}", "`steps.a.extends`|there is no step"),
        ("{.b: {extends: .no}, a: {extends: .b}}", "there is no step"),
        ("{a: {extends: b}, b: {extends: a}}", "these steps extend each other"),
        ("{c: {extends: a}, a: {extends: b}, b: {extends: a}}", "these steps extend each other"),
        ("[{name: a, extends: .no}, {extends: .no}]", "there is no step"),
    ],
)
def test_step_whose_base_is_wrong_is_told_of_that_alone(steps: str, wrong: str) -> None:
    found = [problem.message for problem in read_workflow(f"steps: {steps}".encode(), "a.yaml").problems]
    assert found
    assert all(re.search(wrong, message) for message in found), found


def test_other_steps_without_an_image_are_told_all_the_same() -> None:
    found = read_workflow(b"steps: {a: {extends: .no}, b: {commands: x}}", "a.yaml").problems
    assert [problem.path for problem in found] == ["steps.a.extends", "steps.b"]


def test_step_of_a_woodpecker_file_still_needs_an_image() -> None:
    """To Woodpecker, `extends` means nothing."""
    found = read_workflow(b"steps: {a: {extends: .no}}", ".woodpecker.yaml").problems
    assert [problem.level.value for problem in found] == ["error", "warning"]
