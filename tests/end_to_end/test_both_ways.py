"""One workflow, on a laptop and on a server: what steps find in their workspace is the same."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.engine.client import Engine
from tests.end_to_end.git_image import git_image
from tests.end_to_end.origin import Origin
from tests.end_to_end.service import Service
from tests.runner.source.gitserver import GitServer, git_server

pytestmark = [pytest.mark.docker, pytest.mark.redis]

WORKFLOW = """
CLONE
steps:
  look:
    image: IMAGE
    commands:
      - pwd
      - echo "$CI_WORKSPACE"
      - git rev-parse HEAD 2>/dev/null || echo none
      - git status --short --branch 2>/dev/null || echo none
      - git log --format=%s 2>/dev/null || echo none
      - git tag 2>/dev/null || echo none
      - git remote get-url origin 2>/dev/null || echo none
      - git config --get-regexp submodule 2>/dev/null || echo none
      - find . -name .git -prune -o -print | sort | xargs stat -c "%a %F %n"
      - stat -c "%a" . ..
      - cat crlf 2>/dev/null || echo none
  elsewhere:
    image: IMAGE
    directory: not/there
    commands:
      - pwd
      - touch made
  somebody:
    image: SOMEBODYS
    commands:
      - id -u
      - ls not/there
      - git status --short 2>/dev/null || git init --quiet 2>/dev/null
      - echo more >> script
      - mkdir -p deep/new
      - touch deep/new/file
      - git add --all
      - git -c user.name=a -c user.email=a@example.org commit --quiet --message mine
      - git log --format=%s -1
"""
CLONES = {
    "usual": "",
    "deep": "clone: {git: {settings: {depth: 2, tags: true}}}",
    "whole": "clone: [{name: x, image: woodpeckerci/plugin-git, settings: {partial: false, recursive: false}}]",
    "placed": "workspace: {base: /go, path: src/app}",
    "empty": "skip_clone: true",
    "other": "clone: {git: {settings: {depth: 1}, when: {event: tag}}}",
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with git_server(tmp_path / "server") as server:
        yield server


@pytest.fixture
def origin(tmp_path: Path, server: GitServer) -> Origin:
    """A repository that is pushed to on disk and read over HTTP, with a bit of everything in it."""
    library = Origin(tmp_path / "library")
    library.push(inner="1")
    origin = Origin(tmp_path / "app")
    for name, each in (("lib", library), ("web", origin)):
        (server.root / "acme").mkdir(exist_ok=True)
        (server.root / "acme" / f"{name}.git").symlink_to(each.path)
    developer = origin.developer
    developer.git("remote", "set-url", "origin", f"{server.url}/acme/web.git")
    developer.git("remote", "set-url", "--push", "origin", str(origin.path))
    developer.commit("first", first="1")
    developer.git("tag", "v1")
    developer.git("-c", "protocol.http.allow=always", "submodule", "--quiet", "add", "../lib.git", "lib")
    developer.write("script", "#!/bin/sh\n").chmod(0o755)
    (developer.path / "link").symlink_to("script")
    developer.commit("second", **{".gitattributes": "crlf eol=crlf\n", "crlf": "a\n", "deep/er/file": "1"})
    (developer.path / "crlf").unlink()
    developer.git("checkout", "--quiet", "--", "crlf")  # with the line ends that its attribute asks for
    developer.push("v1")
    return origin


def test_steps_find_the_same_on_a_laptop_and_on_a_server(
    origin: Origin, server: GitServer, service: Service, engine: Engine, busybox: str, tmp_path: Path
) -> None:
    """Also for a step that runs as another user, who may write everywhere."""
    service.up()
    service.add_repository(origin, clone_url=f"{server.url}/acme/web.git")
    workflow = WORKFLOW.replace("IMAGE", git_image(engine, busybox))
    workflow = workflow.replace("SOMEBODYS", git_image(engine, busybox, user="1000"))
    files = {f"_headrace__{name}_yaml": workflow.replace("CLONE", clone) for name, clone in CLONES.items()}
    run = service.workflow_run(origin, **files)
    local = local_run(origin.developer.path, tmp_path / "state")
    for job in CLONES:
        for step in ("look", "elsewhere", "somebody"):
            log = service.get(f"/api/runs/{run['id']}/jobs/{job}/steps/{step}/log").text.rstrip("\n").split("\n")
            assert told(log) == told(local[job, step]), f"{job} > {step}"
    look = local["usual", "look"]
    assert "/headrace/src/127.0.0.1/acme/web" in look
    assert origin.developer.git("rev-parse", "HEAD") in look
    assert "777 regular file ./script" in look
    assert "777 symbolic link ./link" in look
    assert "666 regular file ./lib/inner" in look
    assert local["usual", "somebody"][-1] == "mine"
    assert "/go/src/app/not/there" in local["placed", "elsewhere"]


def told(lines: list[str]) -> list[str]:
    """What the step's programs printed."""
    return [line for line in lines if not line.startswith(("+ ", "image "))]


def local_run(project: Path, state: Path) -> dict[tuple[str, str], list[str]]:
    """`headrace run` there; the lines of each job's steps."""
    command = [sys.executable, "-P", "-m", "runner.cli", "run", "--output", "json"]
    environment = {**os.environ, "HEADRACE_STATE": str(state)}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, check=False)
    found: dict[tuple[str, str], list[str]] = {}
    records: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    for record in records:
        if record["type"] == "log":
            found.setdefault((record["job"], record["step"]), []).extend(record["lines"])
    assert done.returncode == 0, (done.stderr, found)
    return found
