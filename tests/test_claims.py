"""The pages that say which test shows what tell the truth: whatever they name as a test is one."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(params=["docs/security.md", "docs/faults.md"])
def page(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return (ROOT / name).read_text()


@pytest.mark.parametrize("name", ["docs/security.md", "docs/faults.md", "ARCHITECTURE.md"])
def test_every_test_that_the_page_names_exists(name: str) -> None:
    page = (ROOT / name).read_text()
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    known = set(re.findall(r"^def (test_\w+)\(", tests, re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)`", page))
    assert named
    assert named - known == set()


def test_every_row_of_the_page_has_a_test(page: str) -> None:
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.endswith("| shown by |")]
    assert rows
    assert [row for row in rows if "`test_" not in row.rsplit("|", 2)[1]] == []


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_every_file_that_the_page_names_exists(name: str) -> None:
    packages = "bench|deploy|docs|pipelines|requirements|runner|scripts|tests|worker"
    named = set(re.findall(rf"(?<![\w/.-])(?:{packages})/[\w/.]*[\w/]", (ROOT / name).read_text()))
    assert named
    assert {path for path in named if not is_of_ours(path)} == set()


def is_of_ours(path: str) -> bool:
    """A page may name a module without its ending."""
    return (ROOT / path).exists() or (ROOT / f"{path}.py").exists()
