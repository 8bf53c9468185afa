"""The plan as people see it: what runs, in which order, what it needs, and why."""

from io import StringIO

import pytest
from rich.console import Console

from pipelines.event import Event, Repository
from pipelines.planner import make_plan
from runner.plantree import tree_lines

PUSH = Event(repository=Repository(owner="acme", name="mill"), ref="refs/heads/main", branch="main", sha="0123456789")


def tree(*texts: str, happened: Event = PUSH) -> list[str]:
    """The lines of the tree for workflows `a`, `b` and so on, as text."""
    files = {f".headrace/{name}.yaml": text.encode() for name, text in zip("abc", texts, strict=False)}
    return [line.plain.rstrip() for line in tree_lines(make_plan(files, happened))]


def test_tree_shows_order_images_needs_and_reasons() -> None:
    assert tree(
        """\
environment: {SHARED: "1"}
services: {db: {image: "postgres:17", environment: {PASSWORD: {from_secret: db}}}}
steps:
  lint: {image: go, commands: lint, depends_on: []}
  test: {image: go, commands: test, depends_on: [], environment: {CACHE: "off"}}
  publish:
    image: plugins/publish
    settings: {repo: r, token: {from_secret: token}}
    when: {branch: main}
    depends_on: [lint, test]
  later: {image: go, when: {event: cron}, depends_on: []}
"""
    ) == [
        "push · acme/mill · refs/heads/main · 01234567",
        "",
        "a  no `when`: always",
        "│  every step has SHARED",
        "├─  · db (service)  postgres:17      no `when`: always",
        "│     secrets db · sets PASSWORD",
        "├─  1 lint          go               no `when`: always",
        "├─  1 test          go               no `when`: always",
        "│     sets CACHE",
        "├─  2 publish       plugins/publish  when: branch is main · after lint, test",
        "│     secrets token · settings repo, token",
        "└─  - later         go               out: when: event is push, not cron",
        "",
        "images  postgres:17, go, plugins/publish",
        "secrets db, token",
        "Numbers are the order; those with the same number run side by side.",
    ]


def test_jobs_are_numbered_when_there_are_several() -> None:
    lines = tree(
        "steps: {x: {image: i}}",
        "depends_on: a\nsteps: {x: {image: i}}",
        "when: {event: tag}\nsteps: {x: {image: i}}",
    )
    heads = [line for line in lines if line[:1].isalnum() or line.startswith("-")]
    assert heads[1:4] == [
        "1 a  no `when`: always",
        "2 b  no `when`: always · after a",
        "- c  out: when: event is push, not tag",
    ]


def test_job_comes_after_every_cell_that_it_waits_for() -> None:
    lines = tree("matrix: {A: [x, y]}\nsteps: {s: {image: i}}", "depends_on: a\nsteps: {s: {image: i}}")
    assert [line for line in lines if line[:1].isdigit()] == [
        "1 a (A=x)  no `when`: always",
        "1 a (A=y)  no `when`: always",
        "2 b  no `when`: always · after a",
    ]


def test_steps_one_after_another_need_no_legend() -> None:
    assert not any("side by side" in line for line in tree("steps: {x: {image: i}, y: {image: i}}"))


def test_steps_of_a_job_that_is_out_are_out() -> None:
    lines = tree("when: {event: tag}\nsteps: {x: {image: i, environment: {A: {from_secret: s}}}}")
    assert lines[-1].startswith("└─  - x")
    assert not any("secrets" in line for line in lines)


@pytest.mark.parametrize(("is_terminal", "has_colours"), [(True, True), (False, False)])
def test_colours_are_for_terminals_alone(is_terminal: bool, has_colours: bool) -> None:  # noqa: FBT001 -- a table
    assert ("\x1b[" in printed({}, is_terminal=is_terminal)) is has_colours


def test_no_color_is_obeyed() -> None:
    text = printed({"NO_COLOR": "1"}, is_terminal=True)
    assert "\x1b[3" not in text


def printed(environment: dict[str, str], *, is_terminal: bool) -> str:
    console = Console(
        file=StringIO(), force_terminal=is_terminal, highlight=False, _environ={"TERM": "xterm", **environment}
    )
    for line in tree_lines(make_plan({".headrace.yaml": b"steps: {x: {image: i}}"}, PUSH)):
        console.print(line, soft_wrap=True)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_names_can_not_steer_the_terminal() -> None:
    lines = tree('steps: {"x\\e[2J": {image: "i\\u202e"}}')
    assert all(character.isprintable() for line in lines for character in line)
