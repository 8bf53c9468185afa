"""Which of a tree's paths are its workflow files."""

import pytest

from pipelines.files import is_lenient, workflow_directories, workflow_name, workflow_paths


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([".headrace/b.yml", ".headrace/a.yaml", ".headrace.yaml"], [".headrace/a.yaml", ".headrace/b.yml"]),
        ([".headrace/README.md", ".headrace.yaml", ".headrace.yml"], [".headrace.yaml"]),
        ([".headrace/deep/a.yaml", ".headrace.yml", ".woodpecker.yaml"], [".headrace.yml"]),
        ([".woodpecker.yml", ".woodpecker/x.yml"], [".woodpecker/x.yml"]),
        ([".woodpecker.yml", "src/.headrace.yaml"], [".woodpecker.yml"]),
        (["README.md", ".headrace/x.json"], []),
        ([], []),
    ],
)
def test_first_place_that_has_any_counts(paths: list[str], expected: list[str]) -> None:
    assert list(workflow_paths(paths)) == expected


@pytest.mark.parametrize(
    ("path", "name"),
    [(".headrace.yaml", "headrace"), (".woodpecker/.lint.yml", "lint"), ("a/b.c.yaml", "b.c")],
)
def test_name_is_the_base_name_without_dot_and_extension(path: str, name: str) -> None:
    assert workflow_name(path) == name


def test_only_woodpecker_files_are_lenient() -> None:
    assert is_lenient(".woodpecker/a.yaml")
    assert is_lenient("/home/me/project/.woodpecker.yml")
    assert not is_lenient(".headrace/woodpecker.yaml")


def test_every_directory_with_workflow_files_is_named() -> None:
    for directory in workflow_directories():
        assert workflow_paths([f"{directory}/a.yaml"]) == (f"{directory}/a.yaml",)
