"""Images that are built from the workspace, by a real engine, as the first part of a step."""

import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from pipelines.details import Build
from pipelines.plan import PlannedStep
from pipelines.records import StepStarted, Stream
from pipelines.status import Status
from runner.engine.builds.builder import NO_BUILDER
from runner.engine.builds.outdated import remove_outdated
from runner.engine.builds.recipe import REPOSITORY
from runner.engine.client import Engine, EngineRefusal
from runner.engine.containers import DockerBackend
from runner.stop import Stop
from tests.faults.interposer import Fault, Trouble, interposed
from tests.runner.limits import Limits
from tests.runner.world import Result, World, when_it_says
from tests.waiting import wait_until

pytestmark = pytest.mark.docker


@pytest.fixture(autouse=True)
def nothing_left(engine: Engine) -> Iterator[None]:
    """What was built is removed again, and no image without a name has been left."""
    before, nameless = set(engine.tags_of(REPOSITORY)), dangling()
    yield
    for name in set(engine.tags_of(REPOSITORY)) - before:
        wait_until(partial(removed, engine, name), what="no container of a build is left that uses its image")
    wait_until(lambda: dangling() <= nameless, what="no image without a name is left")


def removed(engine: Engine, name: str) -> bool:
    with suppress(EngineRefusal):
        engine.remove_image(name)
        return True
    return False


def dangling() -> set[str]:
    command = ["docker", "images", "--quiet", "--no-trunc", "--filter", "dangling=true"]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


@pytest.fixture
def base(containers: World) -> str:
    """The beginning of a Dockerfile that nobody has built before."""
    return f"FROM {containers.image}\nENV UNIQUE={uuid.uuid4().hex}\n"


def built(name: str = "a", *commands: str, build: Build | None = None, **values: object) -> PlannedStep:
    """A step whose image is built."""
    fixed = {"name": name, "image": "", "build": build or Build(context="."), "commands": commands}
    return PlannedStep(**{**fixed, **values})  # type: ignore[arg-type]


def system_lines(result: Result, step: str = "a") -> list[str]:
    return [line for log in result.logs(step) if log.stream is Stream.SYSTEM for line in log.lines]


def test_a_step_runs_in_the_image_that_it_builds(containers: World, base: str) -> None:
    dockerfile = base + "COPY greeting /greeting\nRUN echo made >> /greeting\n"
    result = containers.run(built("a", "cat /greeting"), files={"Dockerfile": dockerfile, "greeting": "hello\n"})
    assert result.status is Status.SUCCESS, result.finished("a").reason
    assert result.lines("a", Stream.STDOUT) == ["hello", "made"]


def test_records_name_what_is_to_be_built_and_then_what_came_of_it(
    containers: World, engine: Engine, base: str
) -> None:
    result = containers.run(built("a", "true", build=Build(context="ci")), files={"ci/Dockerfile": base})
    [started] = [record.image for record in result.records if isinstance(record, StepStarted)]
    assert started == "build ci"
    found = engine.image(result.finished("a").image)
    assert found is not None
    assert [name for name in found.tags if name.startswith(f"{REPOSITORY}:")]
    assert f"image {found.id}, built from ci" in system_lines(result)


def test_the_build_is_the_first_part_of_the_steps_log(containers: World, base: str) -> None:
    dockerfile = base + "RUN echo from the build\n"
    result = containers.run(built("a", "echo from the step"), files={"Dockerfile": dockerfile})
    lines = [line for log in result.logs("a") for line in log.lines]
    assert lines[0].startswith("image ")  # the base
    assert lines[1] == "building . (1 file, 0.0 MB)"
    assert lines.index("from the build") < lines.index("+ echo from the step")
    assert [line for line in lines if line.startswith("Step 1/3 : FROM ")]


@pytest.mark.parametrize("trouble", [Trouble.REFUSE_404, Trouble.REFUSE_501])
def test_an_engine_without_the_builder_is_named_with_what_to_do(
    engine_url: str, containers: World, base: str, trouble: Trouble
) -> None:
    """As one would answer from which the classic builder was taken."""
    fault = Fault(pattern="POST /build", trouble=trouble, times=2)
    with interposed(engine_url) as between, closing(DockerBackend(between.url)) as backend:
        between.faults.append(fault)
        world = replace(containers, backend=backend)
        result = world.run(built("a", "true"), files={"Dockerfile": base})
    assert result.finished("a").status is Status.ERROR
    assert result.finished("a").reason == f"build .: {NO_BUILDER} (injected for build)"
    assert fault.met == 1, "another try wouldn't change it"


def test_a_secret_that_a_build_prints_is_masked(containers: World, base: str) -> None:
    containers.secrets = {"word": "canary-4411"}
    files = {"Dockerfile": base + "COPY f /f\nRUN cat /f\n", "f": "canary-4411\n"}
    result = containers.run(built("a", "true"), files=files)
    assert "canary-4411" not in str([log.lines for log in result.logs("a")])
    assert "********" in system_lines(result)


def test_the_context_is_what_earlier_steps_have_made_of_it(containers: World, base: str) -> None:
    steps = containers.chain(
        containers.step("make", "mkdir out; echo written > out/f; mv Dockerfile out/"),
        built("a", "cat /f", build=Build(context="out")),
    )
    result = containers.run(*steps, files={"Dockerfile": base + "COPY f /f\n"})
    assert result.lines("a", Stream.STDOUT) == ["written"]


def test_context_dockerfile_arguments_and_target_are_obeyed(containers: World) -> None:
    dockerfile = "ARG IMAGE\nFROM $IMAGE AS one\nARG WORD=no\nRUN echo $WORD one > /f\nFROM one\nRUN false\n"
    build = Build(
        context="docker",
        dockerfile="ci/Dockerfile.test",
        args={"IMAGE": containers.image, "WORD": uuid.uuid4().hex},
        target="one",
    )
    result = containers.run(built("a", "cat /f", build=build), files={"docker/ci/Dockerfile.test": dockerfile})
    assert result.lines("a", Stream.STDOUT) == [f"{build.args['WORD']} one"]


def test_what_was_built_from_the_same_is_used_again(containers: World, base: str) -> None:
    files = {"Dockerfile": base + "COPY . /src\nRUN date > /when\n", "f": "one\n"}
    step = built("a", "cat /when /src/f")
    first = containers.run(step, files=files)
    again = containers.run(step, files=files)
    assert again.lines("a", Stream.STDOUT) == first.lines("a", Stream.STDOUT)
    assert any("built earlier from the same . (2 files" in line for line in system_lines(again))
    changed = containers.run(step, files={**files, "f": "two\n"})
    assert changed.lines("a", Stream.STDOUT)[-1] == "two"


def test_what_is_ignored_is_neither_sent_nor_counted(containers: World, base: str) -> None:
    files = {
        "Dockerfile": base + "COPY . /src\n",
        ".dockerignore": "*.log\nsub/*\n!sub/kept\n",
        "a.log": "x",
        "sub/gone": "x",
        "sub/kept": "x",
    }
    step = built("a", "cd /src; find . -type f | sort")
    result = containers.run(step, files=files)
    assert result.lines("a", Stream.STDOUT) == ["./.dockerignore", "./Dockerfile", "./sub/kept"]
    again = containers.run(step, files={**files, "a.log": "other"})
    assert any("built earlier" in line for line in system_lines(again))


def test_links_stay_links_and_lead_nowhere_else(containers: World, base: str) -> None:
    made = "ln -s /etc/passwd outside; ln -s f soft; ln f hard; mkfifo pipe"
    steps = containers.chain(
        containers.step("links", made),
        built("a", "cd /src", "readlink outside; readlink soft; cat hard; ls | grep -c pipe || true"),
    )
    result = containers.run(*steps, files={"Dockerfile": base + "COPY . /src\n", "f": "text\n"})
    assert result.lines("a", Stream.STDOUT) == ["/etc/passwd", "f", "text", "0"]


@pytest.mark.parametrize(
    ("files", "build", "reason"),
    [
        ({"f": ""}, Build(context="."), "build .: has no file Dockerfile"),
        ({"f": ""}, Build(context="gone"), "build gone: no such directory in the workspace"),
        ({"f": ""}, Build(context="f"), "build f: is no directory"),
        ({"Dockerfile": "RUN x\n"}, Build(context="."), "build .: Dockerfile: has no FROM"),
        ({"Dockerfile": "FROM BASE\nADD http://h /\n"}, Build(context="."), "build .: Dockerfile: line 2: ADD takes"),
    ],
)
def test_what_cannot_be_built_is_named(containers: World, files: dict[str, str], build: Build, reason: str) -> None:
    files = {name: text.replace("BASE", containers.image) for name, text in files.items()}
    result = containers.run(built("a", "true", build=build), files=files)
    assert result.finished("a").status is Status.ERROR
    assert result.finished("a").reason.startswith(reason)


def test_a_context_that_is_a_link_out_of_the_workspace_is_not_read(containers: World) -> None:
    steps = containers.chain(containers.step("link", "ln -s /etc out"), built("a", build=Build(context="out")))
    assert containers.run(*steps).finished("a").reason == "build out: no such directory in the workspace"


def test_a_build_that_fails_is_the_steps_failure(containers: World, base: str) -> None:
    steps = containers.chain(built("a", "true"), containers.step("b"))
    result = containers.run(*steps, files={"Dockerfile": base + "RUN echo before; exit 7\n"})
    assert result.statuses() == {"a": "failure", "b": "skipped"}
    assert result.finished("a").exit_code == 7
    assert result.finished("a").reason.startswith("the build of its image failed: The command '/bin/sh -c echo before")
    assert "before" in system_lines(result)
    assert result.status is Status.FAILURE


@pytest.mark.parametrize("way", ["cancel", "time-out"])
def test_a_stop_ends_the_build_in_the_engine_too(containers: World, base: str, limits: Limits, way: str) -> None:
    marker = f"headrace-{uuid.uuid4().hex}"
    stop = Stop()

    def end() -> None:
        if way == "cancel":
            stop.request(Status.CANCELLED, "enough")
        else:
            limits.run_out(60.0)

    dockerfile = base + f"RUN echo up; sh -c 'sleep 600; :' {marker}\n"
    result = containers.run(
        built("a", "true", timeout=60.0), files={"Dockerfile": dockerfile}, stop=stop, watch=when_it_says("up", end)
    )
    assert result.finished("a").status is (Status.CANCELLED if way == "cancel" else Status.TIMED_OUT), [
        log.lines for log in result.logs("a")
    ]
    wait_until(lambda: marker not in running(), what="the build's container is gone")


def running() -> str:
    return subprocess.run(["ps", "-eo", "args"], check=True, capture_output=True, text=True).stdout


def test_run_lines_reach_services_in_the_jobs_network(containers: World, base: str) -> None:
    service = containers.step("web", "mkdir /www; echo served > /www/f", "httpd -f -p 8080 -h /www")
    dockerfile = base + "RUN until wget -qO /f http://web:8080/f; do sleep 0.1; done\n"
    result = containers.run(built("a", "cat /f", timeout=60), services=(service,), files={"Dockerfile": dockerfile})
    assert result.lines("a", Stream.STDOUT) == ["served"]


def test_a_service_may_be_built(containers: World, base: str) -> None:
    dockerfile = base + 'RUN mkdir /www; echo built > /www/f\nCMD ["httpd", "-f", "-p", "8080", "-h", "/www"]\n'
    fetch = containers.step("a", "until wget -qO- http://web:8080/f; do sleep 0.1; done", timeout=60)
    result = containers.run(fetch, services=(built("web"),), files={"Dockerfile": dockerfile})
    assert result.lines("a", Stream.STDOUT) == ["built"]


def test_the_images_own_program_runs(containers: World, base: str) -> None:
    result = containers.run(built("a"), files={"Dockerfile": base + 'CMD ["echo", "own"]\n'})
    assert result.lines("a", Stream.STDOUT) == ["own"]


def test_all_images_that_a_build_makes_have_names_of_ours(containers: World, base: str, engine: Engine) -> None:
    """Also those of earlier stages and of a build that failed; else nobody would ever remove them."""
    before = set(engine.tags_of(REPOSITORY))
    stages = base.replace("\n", " AS one\n", 1) + f"RUN echo 1 > /x\nFROM {containers.image}\nCOPY --from=one /x /y\n"
    containers.run(built("a", "true"), files={"Dockerfile": stages})
    containers.run(built("a", "true"), files={"Dockerfile": base + "RUN true\nRUN false\n"})
    kinds = sorted(name.rpartition(":")[2][64:] for name in set(engine.tags_of(REPOSITORY)) - before)
    assert kinds == ["", "-part-1", "-part-1"]


def test_built_images_go_once_nothing_has_used_them_for_long(containers: World, base: str, engine: Engine) -> None:
    before = set(engine.tags_of(REPOSITORY))
    containers.run(built("a", "true"), files={"Dockerfile": base + "RUN true\n"})
    (ours,) = set(engine.tags_of(REPOSITORY)) - before
    used = engine.tags_of(REPOSITORY)[ours]
    assert abs(datetime.now(UTC) - used) < timedelta(minutes=5)
    remove_outdated(engine, timedelta(hours=1))
    assert ours in engine.tags_of(REPOSITORY)
    wait_until(lambda: datetime.now(UTC) > used + timedelta(seconds=1.1))  # it notes whole seconds
    containers.run(built("a", "true"), files={"Dockerfile": base + "RUN true\n"})
    assert engine.tags_of(REPOSITORY)[ours] > used


def test_times_of_files_do_not_count(containers: World, base: str) -> None:
    """A fresh checkout has others."""
    files = {"Dockerfile": base + "COPY . /src\n", "a": "1", "b/c": "2"}
    first = containers.run(built("a", "true"), files=files)
    for path in (containers.directory / "source").rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    again = containers.run(built("a", "true"), files=files)
    assert first.status is Status.SUCCESS
    assert any("built earlier" in line for line in system_lines(again))
