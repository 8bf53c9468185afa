"""docs/api.md and docs/forges.md tell the truth: every path, forge and example in them is tried."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from functools import reduce
from pathlib import Path

import click
import pytest

from runner.cli import headrace
from tests.waiting import PATIENCE_SECONDS
from tests.worker.conftest import Service
from worker.forges import FORGES

_WORDS = {
    "{owner}": "OWNER",
    "{name}": "NAME",
    "{run_id}": "RUN",
    "{job}": "JOB",
    "{step}": "STEP",
    "{artifact_id}": "ID",
    "{number}": "NUMBER",
    "{schedule}": "SCHEDULE",
    "{kind}": "KIND",
    "{registry}": "REGISTRY",
    "{account}": "ACCOUNT",
}
DOCS = Path(__file__).parents[2] / "docs"


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """All that can be called."""
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            assert found
            yield from commands(found, f"{name} {each}")


def takes_server(command: click.Command) -> bool:
    return any("--server" in parameter.opts for parameter in command.params)


def test_api_page_names_every_path_of_the_api(service: Service) -> None:
    page = (DOCS / "api.md").read_text()
    for path in service.client.get("/api/openapi.json").json()["paths"]:
        if path.startswith("/api"):
            assert f"`{worded(path)}`" in page or f"`{worded(path)}?" in page


def test_commands_are_listed_with_the_routes_that_they_ask_for(service: Service) -> None:
    """Each command that takes --server has a row, and each route in a row is there; the others are named as local."""
    described = service.client.get("/api/openapi.json").json()["paths"]
    routes = {f"{method.upper()} {worded(path)}" for path, methods in described.items() for method in methods}
    rows = re.findall(r"^\| `(headrace [a-z -]+)` \| (.+) \|$", (DOCS / "api.md").read_text(), re.MULTILINE)
    leaves = {name: takes_server(command) for name, command in commands(headrace, "headrace")}
    assert sorted(name for name, _ in rows) == sorted(name for name, takes in leaves.items() if takes)
    assert {route for _, asked in rows for route in re.findall("`([^`]+)`", asked)} <= routes
    local = (DOCS / "api.md").read_text().partition("On one machine only")[2]
    named = {f"headrace {name}" for name in re.findall("`([a-z -]+)`", local)}
    assert named == {name for name, takes in leaves.items() if not takes}


@pytest.mark.parametrize(("name", "command"), [*commands(headrace, "headrace")])
def test_no_two_parameters_of_a_command_share_a_name(name: str, command: click.Command) -> None:
    """One would hide the other, and the command could not be called at all."""
    names = [parameter.name for parameter in command.params]
    assert len(names) == len(set(names)), name


def worded(path: str) -> str:
    """A path as the page writes it."""
    return reduce(lambda text, pair: text.replace(*pair), _WORDS.items(), path)


def test_forges_page_names_every_forge() -> None:
    page = (DOCS / "forges.md").read_text()
    assert all(f"| `{name}` |" in page for name in FORGES)


def test_example_of_a_signed_post_works_as_it_stands(service: Service, tmp_path: Path) -> None:
    repository = service.add_repository()
    example = (DOCS / "forges.md").read_text().partition("```sh\nid=")[2].partition("```")[0]
    setup = "git init -q . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x\nid="
    done = subprocess.run(
        ["sh", "-ec", setup + example],
        cwd=tmp_path,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "SECRET": repository.secret,
            "HOOK_URL": f"{service.url}/hooks/git/acme/web",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    assert '"number":1' in done.stdout


def typed_commands() -> Iterator[str]:
    """Every command of ours that a page has typed, without what the shell does to it."""
    for page in (DOCS.parent / "README.md", *sorted(DOCS.glob("*.md"))):
        for block in re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
            for line in re.findall(r"^headrace (.+)$", block.replace("\\\n", " "), re.MULTILINE):
                yield re.split(r"\s[<>|#]", re.sub(r"\$\(.*?\)", "X", line))[0]


@pytest.mark.parametrize("line", sorted(set(typed_commands())))
def test_command_that_a_page_has_typed_is_one_that_there_is(line: str) -> None:
    """With its options and arguments; what it does is tried elsewhere."""
    command: click.Command = headrace
    context = click.Context(headrace, info_name="headrace")
    words = shlex.split(line)
    while isinstance(command, click.Group) and (found := command.get_command(context, words[0])):
        command, context = found, click.Context(found, info_name=words.pop(0), parent=context)
    command.make_context(command.name, words, parent=context.parent)
