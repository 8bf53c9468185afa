"""`headrace plan`: what would run and why, as text or as the Plan's JSON."""

from pathlib import Path

import pytest

from pipelines.event import EventKind
from pipelines.plan import decode
from runner.cli import main
from runner.commands.plan import plan
from runner.events import EventOptions, WorkingTreeFacts
from tests.gitrepo import GitRepository

WORKFLOW = """\
services: {db: {image: postgres}}
steps:
  lint: {image: x}
  deploy: {image: x, when: {branch: main}, depends_on: lint}
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepository:
    """A repository on branch `dev` with one workflow; it is the current directory."""
    made = GitRepository(tmp_path / "app")
    made.commit("first", **{".headrace.yaml": WORKFLOW})
    made.git("checkout", "--quiet", "-b", "dev")
    monkeypatch.chdir(made.path)
    return made


def exit_code(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exit_:
        main(["plan", *arguments])
    assert isinstance(exit_.value.code, int)
    return exit_.value.code


def test_tree_says_what_is_in_or_out_and_why(repository: GitRepository, capsys: pytest.CaptureFixture[str]) -> None:
    sha = repository.git("rev-parse", "HEAD")
    assert exit_code() == 0
    assert capsys.readouterr().out.splitlines() == [
        f"push · app · refs/heads/dev · {sha[:8]}",
        "",
        "headrace                 in   no `when`: always",
        "  db (service)           in   no `when`: always",
        "  lint                   in   no `when`: always",
        "  deploy                 out  when: branch is dev, not main",
    ]


def test_flags_change_the_event(repository: GitRepository, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--branch", "main") == 0
    assert capsys.readouterr().out.endswith("deploy                 in   when: branch is main · after lint\n")


def test_json_is_exactly_the_plan(repository: GitRepository, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--event", "pull_request", "--pr", "7", "--target-branch", "main", "--output", "json") == 0
    out, err = capsys.readouterr()
    made = decode(out.encode())
    assert err == ""
    assert made.event.kind is EventKind.PULL_REQUEST
    assert made.event.pull_request is not None
    assert (made.event.pull_request.number, made.event.pull_request.source_branch) == (7, "dev")
    assert [step.included for step in made.jobs[0].steps] == [True, True]


def test_broken_file_gives_its_problems_and_exit_code_2(
    repository: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.write(".headrace.yaml", "steps: {a: {image: x, depends_on: b}}")
    assert exit_code() == 2
    assert '.headrace.yaml:1:35: error: there is no step "b" to depend on' in capsys.readouterr().err


def test_named_file_is_planned_outside_of_any_working_tree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.yaml").write_text(WORKFLOW)
    facts = WorkingTreeFacts()
    assert plan([Path("one.yaml")], options=EventOptions(branch="main"), facts=facts, output="text") == 0
    assert "deploy                 in   when: branch is main" in capsys.readouterr().out


def test_message_that_skips_ci_is_mentioned(repository: GitRepository, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--message", "docs [skip ci]") == 0
    assert "a server makes no run of this" in capsys.readouterr().err
