"""The page on compatibility speaks of everything that the language has."""

import re
from pathlib import Path

import pytest

from pipelines.expressions.functions import FUNCTIONS, PREDICATES
from pipelines.syntax.conditions import WHEN_KEYS
from pipelines.syntax.keys import Key, Keys, Origin
from pipelines.syntax.steps import SERVICE_KEYS, STEP_KEYS
from pipelines.syntax.workflow import WORKFLOW_KEYS
from pipelines.variables import NAMES

PAGE = (Path(__file__).parents[2] / "docs/compatibility.md").read_text()
CHAPTERS = re.split(r"^## ", PAGE, flags=re.MULTILINE)
OLD = next(chapter for chapter in CHAPTERS if chapter.startswith("Old forms"))
OPERATORS = [
    "==", "!=", "<", "<=", ">", ">=", "&&", "and", "\\|\\|", "or", "!", "not", "?:", "??", "in", "contains",
    "startsWith", "endsWith", "matches", "nil", "$env",
]  # fmt: skip


def rows(heading: str) -> list[list[str]]:
    """The cells of the tables of one chapter."""
    (chapter,) = [chapter for chapter in CHAPTERS if chapter.startswith(heading)]
    lines = [line for line in chapter.splitlines() if line.startswith("| ")]
    return [re.split(r"(?<!\\)\|", line.strip("| ")) for line in lines]


def names_in(text: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", text))


def row_of(key: Key, heading: str) -> list[str]:
    return next(row for row in rows(heading) if key.name in names_in(row[0]))


@pytest.mark.parametrize(
    ("heading", "keys"), [("The workflow", WORKFLOW_KEYS), ("A step", STEP_KEYS), ("`when`", WHEN_KEYS)]
)
def test_every_key_has_its_row(heading: str, keys: Keys) -> None:
    named = {name for row in rows(heading) for name in names_in(row[0])}
    assert {key.name for key in keys.known if not key.old} - named == set()


def test_keys_of_services_are_those_of_steps_and_ports() -> None:
    named = {name for row in rows("A step") for name in names_in(row[0])}
    assert {key.name for key in SERVICE_KEYS.known if not key.old} - named == set()


@pytest.mark.parametrize(("heading", "keys"), [("The workflow", WORKFLOW_KEYS), ("A step", STEP_KEYS)])
def test_keys_that_woodpecker_lacks_are_extensions(heading: str, keys: Keys) -> None:
    for key in keys.known:
        if not key.old and key.origin is Origin.HEADRACE:
            assert row_of(key, heading)[1].strip() == "extended", key.name


def test_every_old_key_is_among_the_old_forms() -> None:
    old = {key.name for keys in (WORKFLOW_KEYS, STEP_KEYS, SERVICE_KEYS) for key in keys.known if key.old}
    assert {name for name in old if not re.search(rf"\b{name}\b", OLD)} == set()


def test_every_operator_and_function_is_named() -> None:
    (chapter,) = [chapter for chapter in CHAPTERS if chapter.startswith("`when`")]
    named = names_in(chapter)
    assert {name for name in (*OPERATORS, *FUNCTIONS, *PREDICATES) if name not in named} == set()


def test_every_family_of_variables_is_named() -> None:
    named = names_in(PAGE)
    families = {name.removesuffix("*") for name in named if name.endswith("*")}
    assert {name for name in NAMES if name not in named and not name.startswith(tuple(families))} == set()
