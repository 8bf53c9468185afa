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
        "headrace  no `when`: always",
        "├─  · db (service)  postgres  no `when`: always",
        "├─  1 lint          x         no `when`: always",
        "└─  - deploy        x         out: when: branch is dev, not main",
        "",
        "images  postgres, x",
    ]


def test_flags_change_the_event(repository: GitRepository, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--branch", "main") == 0
    assert "2 deploy        x         when: branch is main · after lint\n" in capsys.readouterr().out


@pytest.mark.parametrize(("form", "first"), [("mermaid", "flowchart LR"), ("dot", "digraph plan {")])
def test_graph_is_printed_instead_of_the_tree(
    repository: GitRepository, capsys: pytest.CaptureFixture[str], form: str, first: str
) -> None:
    assert exit_code("--graph", form) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == first
    assert "deploy" in out
    assert err == ""


def test_graph_and_json_at_once_are_refused(repository: GitRepository, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--graph", "dot", "--output", "json") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "leave one out" in err


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
    assert "deploy        x         when: branch is main" in capsys.readouterr().out


def test_message_that_skips_ci_is_mentioned(repository: GitRepository, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--message", "docs [skip ci]") == 0
    assert "a server makes no run of this" in capsys.readouterr().err


def test_key_without_an_effect_yet_is_told_beside_the_plan(
    repository: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.write(".headrace.yaml", "steps: {a: {image: x, cache: c}}")
    assert exit_code() == 0
    out, err = capsys.readouterr()
    assert "warning" not in out
    assert err.startswith(".headrace.yaml:1:23: warning: `steps.a.cache` has no effect yet\n")


def test_trust_variables_and_included_files_reach_the_plan(
    repository: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.write("shared.yaml", "steps: {base: {image: '${REGISTRY}/go'}}")
    repository.write(".headrace.yaml", "include: shared.yaml\nsteps: {a: {image: x, privileged: true}}")
    assert exit_code("--env", "REGISTRY=registry.example", "--output", "json") == 2
    assert exit_code("--env", "REGISTRY=registry.example", "--trust", "security") == 0
    assert "images  registry.example/go, x" in capsys.readouterr().out


def test_problem_in_an_included_file_is_shown_with_its_line(
    repository: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.write("shared.yaml", "steps:\n  base:\n    image: x\n    comands: y\n")
    repository.write(".headrace.yaml", "include: shared.yaml\nsteps: {a: {image: x}}")
    assert exit_code() == 2
    err = capsys.readouterr().err.splitlines()
    assert err[0].startswith("shared.yaml:4:5: error: ")
    assert err[1].endswith("comands: y")
