"""docs/language.md tells the truth: every example lints, every key and variable is there."""

import re
from pathlib import Path

import pytest

from pipelines.event import Event, EventKind, PullRequest, Repository
from pipelines.keys import Keys
from pipelines.syntax import SERVICE_KEYS, STEP_KEYS, WHEN_KEYS, WORKFLOW_KEYS
from pipelines.validate import read_workflow
from pipelines.variables import job_variables

REFERENCE = (Path(__file__).parents[2] / "docs" / "language.md").read_text()
EXAMPLES = [(match[1], REFERENCE.count("\n", 0, match.start()) + 2) for match in re.finditer(
    r"^```yaml\n(.*?)^```$", REFERENCE, re.MULTILINE | re.DOTALL
)]  # fmt: skip


def test_reference_has_examples() -> None:
    assert len(EXAMPLES) > 20


@pytest.mark.parametrize(("text", "line"), EXAMPLES, ids=[f"line {line}" for _, line in EXAMPLES])
def test_example_has_no_problems(text: str, line: int) -> None:
    assert read_workflow(text.encode(), f"language.md from line {line}").problems == ()


@pytest.mark.parametrize("keys", [WORKFLOW_KEYS, STEP_KEYS], ids=lambda keys: keys.owner)
def test_every_key_has_a_chapter_with_an_example(keys: Keys) -> None:
    chapters = re.split(r"^#{2,3} ", REFERENCE, flags=re.MULTILINE)
    for name in keys.names:
        chapter = next((each for each in chapters if each.startswith(f"`{name}`")), "")
        assert f"{name}:" in chapter or (name == "name" and "name" in chapter), f"no example of `{name}`"


@pytest.mark.parametrize("keys", [SERVICE_KEYS, WHEN_KEYS], ids=lambda keys: keys.owner)
def test_every_key_of_conditions_and_services_is_named(keys: Keys) -> None:
    assert [name for name in keys.names if f"`{name}`" not in REFERENCE] == []


def test_every_variable_and_event_is_named() -> None:
    repository = Repository(owner="o", name="n", url="https://f/o/n", clone_url="c", default_branch="main")
    request = PullRequest(number=1, source_branch="a", target_branch="b")
    pull = Event(
        kind=EventKind.PULL_REQUEST,
        repository=repository,
        ref="r",
        branch="b",
        sha="s",
        message="m",
        author="a",
        author_email="e",
        pull_request=request,
        changed_files=(),
    )
    tag = Event(kind=EventKind.TAG, ref="refs/tags/v1")
    names = {name for event in (pull, tag) for name in job_variables(event, workflow="w", workspace="/w")}
    assert [name for name in sorted(names) if f"`{name}`" not in REFERENCE] == []
    assert [kind for kind in EventKind if f"`{kind}`" not in REFERENCE] == []
