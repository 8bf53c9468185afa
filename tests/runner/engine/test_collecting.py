"""What is collected from a workspace as artifacts: regular files of it, and nothing from elsewhere."""

import msgspec
import pytest

from pipelines.details import ArtifactRule
from pipelines.plan import PlannedStep
from tests.runner.world import World

pytestmark = pytest.mark.docker


def test_a_hard_link_is_an_artifact_like_any_file(containers: World) -> None:
    """In a tar stream it is a mere reference to an earlier file."""
    step = containers.step("a", "mkdir out; echo text > out/a; ln out/a out/b; ln -s /etc out/c; mkfifo out/d")
    result = keep(containers, step, "out/*")
    assert result == {"out/a": b"text\n", "out/b": b"text\n"}


def test_a_directory_that_is_a_link_out_of_the_workspace_gives_no_artifacts(containers: World) -> None:
    step = containers.step("a", "ln -s /etc dist", "ln -s / deep")
    assert keep(containers, step, "dist/passwd", "dist/*", "deep/etc/*") == {}


def test_a_plain_path_keeps_all_that_is_below_it(containers: World) -> None:
    step = containers.step(
        "a", "mkdir -p dist/deep; echo 1 > dist/x; echo 2 > dist/deep/y; echo 3 > z; echo no > other"
    )
    kept = keep(containers, step, "dist", "./z", "none/at/all")
    assert kept == {"dist/x": b"1\n", "dist/deep/y": b"2\n", "z": b"3\n"}


def keep(world: World, step: PlannedStep, *paths: str) -> dict[str, bytes]:
    """Run a step that keeps these globs; the content of what was kept, by path."""
    kept = {}
    world.run(msgspec.structs.replace(step, artifacts=(ArtifactRule(paths=paths),)))
    for stored in world.artifacts.list():
        with world.artifacts.open(stored) as file:
            kept[stored.path] = file.read()
    return kept
