"""`headrace lint`: problems on stdout, each with its line; the exit code says whether a run would start."""

import json
from pathlib import Path

import pytest

from runner.cli import main
from runner.commands.lint import lint
from runner.errors import UsageError

GOOD = "steps: {a: {image: x}}\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working tree; the current directory is one below it."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".headrace").mkdir()
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path / "src")
    return tmp_path


def test_problem_is_shown_with_its_line_and_a_caret(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".headrace/build.yaml").write_text("steps:\n  build:\n    image: x\n    comands: make\n")
    assert lint([], output="text", strict=False) == 2
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        '.headrace/build.yaml:4:5: error: "comands" is not a key of a step (did you mean `commands`?)',
        "        comands: make",
        "        ^",
    ]
    assert err == "1 file, 1 error, 0 warnings\n"


def test_files_without_problems_print_nothing_on_stdout(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".headrace/a.yaml").write_text(GOOD)
    (project / ".headrace/b.yml").write_text(GOOD + "depends_on: a")
    assert lint([], output="text", strict=True) == 0
    assert capsys.readouterr() == ("", "2 files, 0 errors, 0 warnings\n")


def test_warnings_fail_only_when_strict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".woodpecker.yml").write_text("steps: {a: {image: x, bogus: y}}")
    monkeypatch.chdir(tmp_path)
    assert lint([], output="text", strict=False) == 0
    assert lint([], output="text", strict=True) == 2


def test_json_is_one_object_and_nothing_else(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".headrace/a.yaml").write_text("steps: [")
    assert lint([], output="json", strict=False) == 2
    out, err = capsys.readouterr()
    (problem,) = json.loads(out)["problems"]
    assert (problem["file"], problem["line"], problem["level"]) == (".headrace/a.yaml", 1, "error")
    assert err == ""


def test_github_gets_annotations_and_nothing_else(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".headrace/a.yaml").write_text("steps:\n  a:\n    image: x\n    comands: make\n")
    assert lint([], output="github", strict=False) == 2
    assert capsys.readouterr() == (
        '::error file=.headrace/a.yaml,line=4,col=5::"comands" is not a key of a step (did you mean `commands`?)\n',
        "",
    )


def test_gitlab_gets_a_report_and_nothing_else(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".headrace/a.yaml").write_text("steps: [")
    assert lint([], output="gitlab", strict=False) == 2
    out, err = capsys.readouterr()
    (finding,) = json.loads(out)
    assert finding["location"]["path"] == ".headrace/a.yaml"
    assert err == ""


def test_clean_files_make_an_empty_gitlab_report(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".headrace/a.yaml").write_text(GOOD)
    assert lint([], output="gitlab", strict=True) == 0
    assert capsys.readouterr() == ("[]\n", "")


def test_bad_habits_are_warned_of_among_the_problems(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".headrace/a.yaml").write_text("steps:\n  a: {image: 'x:latest'}\n  b: {image: x, bogus: 1}\n")
    (project / ".headrace/b.yaml").write_text("steps: {a: {image: 'x:latest'}}\n")
    assert lint([], output="json", strict=False) == 2
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert [(problem["file"], problem["level"]) for problem in problems] == [
        (".headrace/a.yaml", "error"),  # habits of a file that is broken can wait
        (".headrace/b.yaml", "warning"),
    ]


def test_what_holds_between_files_is_checked_when_all_are_there(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of one file alone nobody can say whether the workflow it needs exists."""
    file = project / ".headrace/b.yaml"
    file.write_text(GOOD + "depends_on: a")
    assert lint([file], output="text", strict=True) == 0
    assert lint([], output="text", strict=True) == 2
    assert 'there is no workflow "a" to depend on' in capsys.readouterr().out


def test_text_of_a_file_can_not_steer_the_terminal(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".headrace/a.yaml").write_bytes(b'steps: {a: {image: x, "\\e[2J\xc2\x9b": 1}}  # \xe2\x80\xae')
    lint([], output="text", strict=False)
    assert all(character.isprintable() or character == "\n" for character in capsys.readouterr().out)


def test_problem_far_to_the_right_is_shown_in_a_window(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "steps: {a: {image: x, environment: {A: " + "y" * 500 + "}, bogus: z}}"
    (project / ".headrace/a.yaml").write_text(text)
    lint([], output="text", strict=False)
    _, line, caret = capsys.readouterr().out.splitlines()
    assert len(line) < 120
    assert line[caret.index("^") :].startswith("bogus")


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_path_that_is_no_file_is_named(project: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"^(missing.yaml: no such file|\.: not a file)"):
        lint([Path(name)], output="text", strict=False)


def test_working_tree_without_workflows_gives_one_line_and_exit_code_2(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["lint"])
    out, err = capsys.readouterr()
    assert exit_.value.code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert "no workflow file in" in err


def test_problem_in_an_included_file_is_shown_with_its_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "shared.yaml").write_text("steps:\n  base:\n    image: x\n    comands: y\n")
    (project / ".headrace/a.yaml").write_text("include: shared.yaml\nsteps: {a: {image: x}}\n")
    assert lint([], output="text", strict=False) == 2
    first, line, _ = capsys.readouterr().out.splitlines()
    assert first.startswith("shared.yaml:4:5: error: ")
    assert line.endswith("comands: y")


def test_global_variable_is_known_to_lint_as_to_plan(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".headrace/a.yaml").write_text("steps: {a: {image: '${REGISTRY}/x'}}\n")
    assert lint([], output="text", strict=True) == 2
    assert lint([], output="text", known=["REGISTRY"], strict=True) == 0
    assert "`${REGISTRY}` is empty" in capsys.readouterr().out
