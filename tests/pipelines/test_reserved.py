"""Variables of ours that a file sets itself."""

import pytest

from pipelines.validate import read_workflow


def warnings(text: str, file: str = ".headrace.yaml") -> list[tuple[str, str]]:
    return [(problem.path, problem.level.value) for problem in read_workflow(text.encode(), file).problems]


def test_own_value_for_a_variable_of_ours_is_a_warning() -> None:
    text = "steps: {a: {image: x, environment: {CI_COMMIT_SHA: x, CI_OUTPUT: y, CI_MY_OWN: z}}}"
    assert warnings(text) == [
        ("steps.a.environment.CI_COMMIT_SHA", "warning"),
        ("steps.a.environment.CI_OUTPUT", "warning"),
    ]


def test_workflow_is_told_too() -> None:
    text = "environment: {CI_REPO: x}\nsteps: {a: {image: x}}"
    assert warnings(text) == [("environment.CI_REPO", "warning")]


@pytest.mark.parametrize("file", [".headrace.yaml", ".woodpecker.yaml"])
def test_ci_may_be_set(file: str) -> None:
    assert warnings("steps: {a: {image: x, environment: {CI: 'true'}}}", file) == []


def test_files_for_woodpecker_may_set_anything() -> None:
    assert warnings("steps: {a: {image: x, environment: {CI_COMMIT_SHA: x}}}", ".woodpecker.yaml") == []
