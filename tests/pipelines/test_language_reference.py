"""docs/language.md and docs/schema.json tell the truth: they say what the table says, and every example lints."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipelines.event import Event, EventKind
from pipelines.reading.oldnames import RENAMED_VARIABLES
from pipelines.syntax.conditions import WHEN_KEYS
from pipelines.syntax.keys import Key, Keys
from pipelines.syntax.reference import with_reference
from pipelines.syntax.schema import schema
from pipelines.syntax.steps import SERVICE_KEYS, STEP_KEYS
from pipelines.syntax.workflow import WORKFLOW_KEYS
from pipelines.validate import read_workflow
from pipelines.variables import AT_RUN_TIME, event_variables
from tests.pipelines.shelf import SHELF

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = (DOCS / "language.md").read_text()
EXAMPLES = [(match[1], REFERENCE.count("\n", 0, match.start()) + 2) for match in re.finditer(
    r"^```yaml\n(.*?)^```$", REFERENCE, re.MULTILINE | re.DOTALL
)]  # fmt: skip
CHAPTERS = (WORKFLOW_KEYS, STEP_KEYS, SERVICE_KEYS, WHEN_KEYS)
KEYS = [pytest.param(keys, key, id=f"{key.name} of {keys.owner}") for keys in CHAPTERS for key in keys.known]

REMEDY = "run scripts/reference.py"


def test_page_says_what_the_table_says() -> None:
    assert with_reference(REFERENCE) == REFERENCE, REMEDY


def test_schema_says_what_the_table_says() -> None:
    assert json.loads((DOCS / "schema.json").read_text()) == schema(), REMEDY


@pytest.mark.parametrize(("text", "line"), EXAMPLES, ids=[f"line {line}" for _, line in EXAMPLES])
def test_example_has_no_problems(text: str, line: int) -> None:
    reading = read_workflow(text.encode(), f"language.md from line {line}", library=SHELF)
    assert reading.problems == ()


@pytest.mark.parametrize(("keys", "key"), KEYS)
def test_key_has_an_example_that_shows_it(keys: Keys, key: Key) -> None:
    """An old form has its hint instead."""
    if key.old:
        assert key.old.startswith("write ")
    else:
        assert re.search(rf"(^|[\s{{\-]){re.escape(key.name)}:", key.example), keys.owner
        assert key.example in REFERENCE


@pytest.mark.parametrize(("keys", "key"), KEYS)
def test_meaning_is_a_sentence(keys: Keys, key: Key) -> None:
    assert key.meaning[0] == "`" or key.meaning[0].isupper(), keys.owner
    assert key.meaning.endswith(".")


@pytest.mark.parametrize(("keys", "key"), KEYS)
def test_summary_is_fit_for_a_hint(keys: Keys, key: Key) -> None:
    assert "](" not in key.summary, keys.owner
    assert len(key.summary) <= 240


def test_every_key_of_a_smaller_map_is_on_the_page() -> None:
    assert [key.name for key in smaller_keys() if f"| `{key.name}` | **{key.origin}** |" not in REFERENCE] == []


def smaller_keys() -> Iterator[Key]:
    for keys in CHAPTERS:
        for key in keys.known:
            yield from inner_keys(key.form.schema)


def inner_keys(part: Any) -> Iterator[Key]:
    match part:
        case {"map": Keys() as keys}:
            yield from keys.known if keys not in CHAPTERS else ()
        case Mapping():
            for value in part.values():
                yield from inner_keys(value)
        case list():
            for item in part:
                yield from inner_keys(item)


def test_every_variable_and_event_is_named() -> None:
    """A family is named as `CI_PREV_COMMIT_*`."""
    names = {*event_variables(Event()), *AT_RUN_TIME} - {"CI_SCRIPT"}
    assert [name for name in sorted(names) if f"`{name}`" not in REFERENCE] == []
    assert [kind for kind in EventKind if f"`{kind}`" not in REFERENCE] == []


def test_every_old_key_is_told() -> None:
    old = REFERENCE.partition("## Old forms")[2]
    names = [key.name for keys in CHAPTERS for key in keys.known if key.old]
    assert [name for name in names if f"`{name}:" not in old] == []


def test_new_names_of_old_variables_are_no_old_ones() -> None:
    assert not RENAMED_VARIABLES.keys() & set(RENAMED_VARIABLES.values())
    assert set(RENAMED_VARIABLES.values()) <= {*event_variables(Event()), *AT_RUN_TIME}
