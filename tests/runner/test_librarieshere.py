"""Files of other repositories in local commands: fetched as a server does, told where they are named."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.plan import decode
from runner.cli import main
from tests.gitrepo import GitRepository
from tests.runner.source.gitserver import GitServer, git_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with git_server(tmp_path / "server") as server:
        yield server


@pytest.fixture
def templates(tmp_path: Path, server: GitServer) -> GitRepository:
    made = GitRepository(tmp_path / "ci")
    made.commit("first", **{"go.yaml": "steps: {lint: {image: golang:1.26, commands: go vet}}"})
    server.publish(made, "acme/ci")
    return made


@pytest.fixture
def web(tmp_path: Path, server: GitServer, monkeypatch: pytest.MonkeyPatch) -> GitRepository:
    """The repository that includes, and the current directory."""
    made = GitRepository(tmp_path / "web")
    made.git("remote", "add", "origin", f"{server.url}/acme/web.git")
    made.commit("first", **{".headrace.yaml": "include: {repo: acme/ci, path: go.yaml}\n"})
    monkeypatch.chdir(made.path)
    monkeypatch.setenv("HEADRACE_STATE", str(tmp_path / "state"))
    return made


def exit_code(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exit_:
        main(list(arguments))
    assert isinstance(exit_.value.code, int)
    return exit_.value.code


def test_plan_has_the_steps_and_says_of_which_commit(
    web: GitRepository, templates: GitRepository, server: GitServer, capsys: pytest.CaptureFixture[str]
) -> None:
    sha = templates.git("rev-parse", "HEAD")
    assert exit_code("plan", "--output", "json") == 0
    plan = decode(capsys.readouterr().out.encode())
    assert [step.name for step in plan.jobs[0].steps] == ["lint"]
    assert [each.sha for each in plan.event.included] == [sha]
    assert exit_code("plan") == 0
    assert f"includes {server.url}/acme/ci.git at {sha[:12]}\n" in capsys.readouterr().out


def test_mistake_is_shown_in_the_file_of_the_other_repository(
    web: GitRepository, templates: GitRepository, server: GitServer, capsys: pytest.CaptureFixture[str]
) -> None:
    sha = templates.commit("wrong", **{"go.yaml": "steps:\n  lint: {image: x, comands: y}"})
    server.publish(templates, "acme/ci")
    for command in ("lint", "plan", "run"):
        assert exit_code(command) == 2
        out, err = capsys.readouterr()
        shown = out + err
        assert f'acme/ci@{sha[:12]}:go.yaml:2:20: error: "comands" is not a key of a step' in shown
        assert "    lint: {image: x, comands: y}\n" in shown


def test_annotation_of_another_repositorys_mistake_is_where_ours_includes_it(
    web: GitRepository, templates: GitRepository, server: GitServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """A forge shows nothing at a file that the change's repository has not. It may be included by way of others."""
    steps = "include: more.yaml\nsteps:\n  lint: {image: 'x:1', comands: y}"
    sha = templates.commit("wrong", **{"go.yaml": steps, "more.yaml": "labls: {a: b}"})
    server.publish(templates, "acme/ci")
    web.write("ci/base.yaml", "include:\n  - {repo: acme/ci, path: go.yaml}\n")
    web.write(".headrace.yaml", "include: ci/base.yaml\n")
    assert exit_code("lint", "--output", "github") == 2
    mistakes = (f"acme/ci@{sha[:12]}:go.yaml:3:24: ", f"acme/ci@{sha[:12]}:more.yaml:1:1: ")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(mistakes)
    for line, mistake in zip(lines, mistakes, strict=True):
        assert line.startswith(f"::error file=ci/base.yaml,line=2,col=5::{mistake}")
    assert exit_code("lint", "--output", "gitlab") == 2
    findings = json.loads(capsys.readouterr().out)
    assert [each["description"].startswith(mistake) for each, mistake in zip(findings, mistakes, strict=True)] == [
        True
    ] * 2
    assert {each["location"]["path"] for each in findings} == {"ci/base.yaml"}
    assert {each["location"]["lines"]["begin"] for each in findings} == {2}


@pytest.mark.docker
def test_steps_of_another_repository_run_in_containers(
    web: GitRepository, templates: GitRepository, server: GitServer, busybox: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """They see our working tree and not the files of their own repository."""
    steps = f"steps: {{greet: {{image: '{busybox}', commands: 'cat ours; ls go.yaml || echo theirs is not here'}}}}"
    sha = templates.commit("greet", **{"go.yaml": steps})
    server.publish(templates, "acme/ci")
    web.write("ours", "from our tree\n")
    assert exit_code("run", "--output", "json") == 0
    records = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    logged = [line for each in records if each["type"] == "log" and each["step"] == "greet" for line in each["lines"]]
    assert "from our tree" in logged
    assert "theirs is not here" in logged
    assert records[0]["plan"]["event"]["included"] == [
        {"repository": f"{server.url}/acme/ci.git", "ref": "", "sha": sha}
    ]


def test_repository_that_can_not_be_reached_is_one_problem_at_its_line(
    web: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    web.write(".headrace.yaml", "include: {repo: acme/none, path: go.yaml}\nsteps: {a: {image: 'x:1'}}\n")
    assert exit_code("lint") == 2
    [problem, _, _] = capsys.readouterr().out.splitlines()
    assert problem.startswith('.headrace.yaml:1:10: error: can\'t include files of "acme/none": git ls-remote: ')


def test_files_without_other_repositories_are_linted_without_git(tmp_path: Path) -> None:
    """It would make up half of the time that `headrace lint` takes."""
    (tmp_path / ".headrace.yaml").write_text("include: a.yaml\nsteps: {s: {image: 'x:1'}}")
    (tmp_path / "a.yaml").write_text("environment: {A: b}")
    program = "import sys; from runner.commands.lint import lint; code = lint([], output='text', strict=True); "
    program += "sys.exit(code or 'git' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
