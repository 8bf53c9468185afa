"""The house around the code: what README and docs say is true, and the pins and the workflow fit the project."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from pipelines.event import Event, EventKind, Repository
from pipelines.planner import make_plan
from runner.settings.page import page
from runner.settings.table import BY_NAME

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
README = (ROOT / "README.md").read_text()
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")])
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))
PUSH = Event(kind=EventKind.PUSH, repository=Repository(owner="o", name="n"), ref="refs/heads/main", branch="main")

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
every_pin_file = pytest.mark.parametrize("requirements", REQUIREMENTS, ids=lambda path: path.name)


def fenced(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_workflow_in_the_readme_plans_without_a_problem() -> None:
    """Nothing else of ours is copied as often."""
    (workflow,) = fenced(README, "yaml")
    plan = make_plan({".headrace.yaml": workflow.encode()}, PUSH)
    assert plan.problems == ()
    assert [step.name for job in plan.included_jobs for step in job.included_steps] == ["build", "check"]


def test_readme_shows_run_and_serve_within_forty_lines() -> None:
    beginning = "\n".join(README.splitlines()[:40])
    assert "headrace run" in beginning
    assert "headrace up" in beginning


def test_price_of_a_step_in_the_readme_is_the_measured_one() -> None:
    told = re.search(r"(\d+) ms more in a job of twenty, where `docker run --rm` takes (\d+)", README)
    assert told
    row = f"| one step more, 20 steps of `sleep 0.5` | {told[1]} ms | {told[2]} ms |"
    assert row in (ROOT / "docs" / "performance.md").read_text()


def test_readme_leads_to_every_page() -> None:
    missing = {page.name for page in (ROOT / "docs").glob("*.md")} - set(re.findall(r"\(docs/([\w.]+)\)", README))
    assert missing == set()


def test_own_workflow_plans_without_a_problem() -> None:
    plan = make_plan({".headrace.yaml": (ROOT / ".headrace.yaml").read_bytes()}, PUSH)
    assert plan.problems == ()
    assert len(plan.included_jobs) == 1


@every_page
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert missing == []


@every_page
def test_make_targets_in_pages_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(), re.MULTILINE))
    assert named <= targets


@every_pin_file
def test_every_requirement_is_pinned_and_hashed(requirements: Path) -> None:
    lines = requirements.read_text().splitlines()
    pins = [index for index, line in enumerate(lines) if line and not line.startswith((" ", "#"))]
    assert pins
    for index in pins:
        assert "==" in lines[index]
        assert "--hash=sha256:" in lines[index + 1]


@every_pin_file
def test_no_address_of_an_index_is_pinned(requirements: Path) -> None:
    """Where packages come from is for whoever installs to say."""
    assert "://" not in requirements.read_text()


def test_pins_agree_with_each_other() -> None:
    """What is tested is what the image runs."""
    runtime, development = (pins(ROOT / "requirements" / name) for name in ("runtime.txt", "development.txt"))
    assert runtime.items() <= development.items()


def test_every_dependency_of_the_project_is_pinned() -> None:
    names = {re.split(r"[<>=\[; ]", dependency)[0].lower() for dependency in PROJECT["project"]["dependencies"]}
    assert names <= pins(ROOT / "requirements/runtime.txt").keys()


def pins(requirements: Path) -> dict[str, str]:
    found = re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", requirements.read_text(), re.MULTILINE)
    return {name.lower(): version for name, version in found}


def test_page_of_settings_is_what_the_table_says() -> None:
    assert (ROOT / "docs/settings.md").read_text() == page(), "`make docs` writes it"


def test_every_setting_that_is_read_is_in_the_table_and_the_other_way_round() -> None:
    sources = [ROOT / "runner/config.py", ROOT / "worker/settings.py"]
    read = {name for path in sources for name in re.findall(r'\.(?:text|value)\("([a-z_]+)"', path.read_text())}
    assert read == BY_NAME.keys()


def test_make_alone_lists_every_target() -> None:
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    assert re.findall(r"^  make (\S+)", shown, re.MULTILINE) == phony[1].split()


def test_changelog_has_a_place_for_what_comes() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"


@pytest.mark.parametrize("file", sorted(ROOT.glob("*/commands/*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_write_to_people_through_saying_alone(file: Path) -> None:
    """`runner/saying` makes plain what authors wrote; `click.echo` is left for JSON, and for the lines of a log."""
    written = re.findall(r"click\.echo\((.*)", file.read_text())
    json = ("json.dumps(", "msgspec.json.encode(", "encode(", "annotations.gitlab(")
    allowed = (*json, '"\\n".join(lines)') if file.name == "logs.py" else json
    assert [call for call in written if not call.startswith(allowed)] == []
