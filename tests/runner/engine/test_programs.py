"""What runs in a step's container: which program, as whom, with which rights."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from pipelines.plan import PlannedStep
from pipelines.records import Stream
from pipelines.status import Status
from runner.engine.client import Engine
from tests.runner.world import World

pytestmark = pytest.mark.docker


def image_with(engine: Engine, busybox: str, tag: str, change: str) -> str:
    """Busybox with a Dockerfile line on top."""
    name = f"headrace/test-{tag}"
    if not engine.has_image(f"{name}:local"):
        made = subprocess.run(["docker", "create", busybox], check=True, capture_output=True, text=True)
        try:
            subprocess.run(
                ["docker", "commit", "--change", change, made.stdout.strip(), f"{name}:local"],
                check=True,
                capture_output=True,
            )
        finally:
            subprocess.run(["docker", "rm", made.stdout.strip()], check=True, capture_output=True)
    return f"{name}:local"


@pytest.fixture
def shell_less(engine: Engine) -> str:
    """An image that holds one static program and nothing else, no shell and no /dev of its own."""
    program = Path("/bin/busybox").read_bytes()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        info = tarfile.TarInfo("busybox")
        info.size, info.mode = len(program), 0o755
        tar.addfile(info, io.BytesIO(program))
    if not engine.has_image("headrace/test-shell-less:local"):
        engine.import_image(
            "headrace/test-shell-less",
            "local",
            archive.getvalue(),
            ['ENTRYPOINT ["/busybox", "echo"]', 'CMD ["hello"]', "USER 1234:1234"],
        )
    return "headrace/test-shell-less:local"


def test_a_step_of_another_user_may_write_to_the_workspace(containers: World, engine: Engine, busybox: str) -> None:
    """Images such as node's run as a user that is not root."""
    image = image_with(engine, busybox, "nobody", "USER 65534:65534")
    step = containers.step("a", "id -u; echo more >> deep/file; touch new deep/new; mkdir sub", image=image)
    result = containers.run(step, files={"deep/file": "text\n"})
    assert result.lines("a") == ["65534"]
    assert result.status is Status.SUCCESS


def test_a_program_of_another_user_may_write_to_its_directory(containers: World, engine: Engine, busybox: str) -> None:
    """One that is not there yet; what the tree has of that name, or what lies outside of it, is left as it is."""
    image = image_with(engine, busybox, "nobody", "USER 65534:65534")
    start = ("/bin/sh", "-ec", "touch new; pwd; ls")
    directories = {"a": "not/there", "b": "deep", "c": "/headrace/elsewhere", "d": "../beside"}
    steps = [
        PlannedStep(name=name, image=image, entrypoint=start, directory=directory)
        for name, directory in directories.items()
    ]
    result = containers.run(*containers.chain(*steps), files={"deep/file": "text"})
    assert result.lines("a") == ["/headrace/src/not/there", "new"]
    assert result.lines("b") == ["/headrace/src/deep", "file", "new"]
    assert result.lines("c") == ["/headrace/elsewhere", "new"]
    assert result.lines("d") == ["/headrace/beside", "new"]


def test_an_entry_point_replaces_the_images_and_gets_the_script(containers: World) -> None:
    entrypoint = ("/bin/sh", "-c", 'echo mine; echo "$CI_SCRIPT" | base64 -d | /bin/sh -e')
    result = containers.run(containers.step("a", "echo theirs", entrypoint=entrypoint))
    assert result.lines("a") == ["mine", "theirs"]


def test_a_plugin_runs_its_images_own_entry_point_with_its_settings(
    containers: World, engine: Engine, busybox: str
) -> None:
    image = image_with(engine, busybox, "plugin", 'ENTRYPOINT ["/bin/sh", "-c", "echo $PLUGIN_DRY_RUN in $PWD"]')
    step = PlannedStep(name="a", image=image, settings={"dry-run": "true"})
    assert containers.run(step).lines("a") == ["true in /headrace/src"]


def test_an_image_without_a_shell_runs_its_own_program_as_its_own_user(containers: World, shell_less: str) -> None:
    assert containers.run(PlannedStep(name="a", image=shell_less)).lines("a") == ["hello"]
    step = PlannedStep(name="a", image=shell_less, entrypoint=("/busybox", "id", "-u"))
    assert containers.run(step).lines("a") == ["1234"]


def test_an_image_without_the_shell_that_commands_need_is_named(containers: World, shell_less: str) -> None:
    result = containers.run(PlannedStep(name="a", image=shell_less, commands=("true",)))
    assert result.finished("a").reason == "exit code 127: the image has no /bin/sh"
    named = containers.run(containers.step("b", "no-such-program"))
    assert named.finished("b").reason == "exit code 127: command not found", "its shell has said what"


def test_an_image_that_runs_nothing_by_itself_is_named(containers: World, engine: Engine) -> None:
    if not engine.has_image("headrace/test-nothing:local"):
        engine.import_image("headrace/test-nothing", "local", bytes(1024))
    result = containers.run(PlannedStep(name="a", image="headrace/test-nothing:local"))
    assert result.finished("a").reason == (
        "image headrace/test-nothing:local: runs nothing by itself; give the step `commands` or an `entrypoint`"
    )


def test_a_missing_image_is_named_in_one_line(containers: World) -> None:
    result = containers.run(PlannedStep(name="a", image="headrace/nowhere:1", commands=("true",)))
    reason = result.finished("a").reason
    assert reason.startswith("image headrace/nowhere:1: not ")
    assert "\n" not in reason
    assert result.lines("a", Stream.SYSTEM) == ["pulling headrace/nowhere:1"]


def test_a_step_has_no_more_rights_than_it_needs(containers: World) -> None:
    result = containers.run(containers.step("a", "grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status"))
    assert result.lines("a") == ["CapEff:\t00000000800405fb", "CapBnd:\t00000000800405fb", "NoNewPrivs:\t1"]


def test_a_step_inherits_no_open_file_of_ours(containers: World) -> None:
    result = containers.run(containers.step("a", "readlink /proc/self/fd/0", "ls /proc/$$/fd"))
    assert result.lines("a")[0] == "/dev/null"
