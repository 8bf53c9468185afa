"""Images from real and from faulty registries, through a real engine: pulled once, told while they come, named."""

import io
import json
import os
import re
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.details import Build
from pipelines.plan import PlannedStep
from pipelines.pulls import PullProgress
from pipelines.records import AnyRecord, ImagePull, StepStarted, Stream
from pipelines.status import Status
from runner.engine.client import Engine
from runner.engine.containers import DockerBackend
from runner.engine.credentials import Credentials
from runner.engine.images import Images, PullPolicy
from runner.engine.pull import Patience
from runner.errors import ImageError
from runner.stop import Stop
from tests.runner.engine.registries import (
    BreakingLine,
    FaultyRegistry,
    PrivateRegistry,
    digest,
    guarded_image,
    made_image,
    made_list,
    remove_images,
    write_login,
)
from tests.runner.world import World, wait_for
from tests.waiting import wait_until

pytestmark = pytest.mark.docker

QUICK = Patience(pauses_seconds=(0.01, 0.01, 0.01), silence_seconds=120)
HERE, ELSEWHERE = made_image("amd64"), made_image("arm64", text="elsewhere\n")
PROGRESS = r"waiting for the registry|\d of 1 layers(, \d\.\d MB( of \d\.\d MB)?)?"
LOGIN = ("me", "canary-5f1d")


@pytest.fixture
def registry(engine: Engine) -> Iterator[FaultyRegistry]:
    """A registry that fails as it is told, with small images on it; what was pulled from it is removed at the end."""
    images = {"a:1": HERE, "a:arm": ELSEWHERE, "a:list": made_list(ELSEWHERE, "arm64")}
    registry = FaultyRegistry(images)
    yield registry
    registry.close()
    remove_images(registry.address)


def ensure(
    engine: Engine, name: str, *, patience: Patience = QUICK, policy: PullPolicy = PullPolicy.MISSING
) -> list[str]:
    """The lines told while an image is made sure of."""
    told: list[str] = []
    Images(engine, patience=patience).ensure(name, told.append, Stop(), policy=policy)
    return told


def test_a_missing_image_is_pulled_and_its_digest_told(engine: Engine, registry: FaultyRegistry) -> None:
    name = f"{registry.address}/a:1"
    assert ensure(engine, name) == [f"pulling {name}", f"image {name} at {digest(HERE.manifest)}"]
    assert engine.has_image(name)


def test_an_image_that_is_there_is_not_asked_for_again(engine: Engine, registry: FaultyRegistry) -> None:
    name = f"{registry.address}/a:1"
    ensure(engine, name)
    registry.close()
    assert ensure(engine, name) == [f"image {name} at {digest(HERE.manifest)}"]


def test_always_asks_again_and_never_does_not_ask(engine: Engine, registry: FaultyRegistry) -> None:
    name = f"{registry.address}/a:1"
    with pytest.raises(ImageError, match="`pull: never`"):
        ensure(engine, name, policy=PullPolicy.NEVER)
    ensure(engine, name)
    newer = made_image("amd64", text="newer\n")
    registry.images = {"a:1": newer}
    assert ensure(engine, name, policy=PullPolicy.ALWAYS)[-1] == f"image {name} at {digest(newer.manifest)}"


def test_an_image_may_be_named_by_its_digest(engine: Engine, registry: FaultyRegistry) -> None:
    name = f"{registry.address}/a@{digest(HERE.manifest)}"
    assert ensure(engine, name)[-1] == f"image {name} at {digest(HERE.manifest)}"


def test_an_image_that_was_made_here_is_told_by_its_id(engine: Engine, busybox: str) -> None:
    image = engine.image(busybox)
    assert image
    if not image.digests:
        assert ensure(engine, busybox) == [f"image {busybox} at {image.id}, made on this machine"]


@pytest.mark.parametrize("fault", [(429, "slow down"), (500, "oops"), (503, "busy")])
def test_a_passing_trouble_is_tried_again(engine: Engine, registry: FaultyRegistry, fault: tuple[int, str]) -> None:
    """The engine itself asks twice, so two faults make a pull fail."""
    registry.faults = [fault] * 4
    told = ensure(engine, f"{registry.address}/a:1")
    assert sum("trying again in " in line for line in told) == 2
    assert registry.faults == []


def test_a_trouble_that_stays_is_an_error_in_the_registrys_words(engine: Engine, registry: FaultyRegistry) -> None:
    registry.faults = [(503, "busy")] * 100
    with pytest.raises(ImageError) as caught:
        ensure(engine, f"{registry.address}/a:1")
    assert str(caught.value) == (
        f"image {registry.address}/a:1: not on this machine, and it can't be pulled: "
        "received unexpected HTTP status: 503 Service Unavailable"
    )
    assert len(registry.faults) == 100 - 2 * 4


def test_a_registry_that_is_down_for_a_while_is_waited_for(engine: Engine, registry: FaultyRegistry) -> None:
    """What listens at the address when it comes back is another process: the address is what counts."""
    registry.close()
    told: list[str] = []
    back: list[FaultyRegistry] = []

    def say(line: str) -> None:
        told.append(line)
        if "connection refused" in line and not back:
            back.append(FaultyRegistry(registry.images, port=int(registry.address.partition(":")[2])))

    patience = Patience(pauses_seconds=(0.5,))
    try:
        Images(engine, patience=patience).ensure(f"{registry.address}/a:1", say, Stop())
    finally:
        for each in back:
            each.close()
    assert told[-1].endswith(digest(HERE.manifest))


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ("nowhere", "not on this machine, and the registry ADDRESS has no such image"),
        ("list", "not on this machine, and there is none for linux/amd64, which is what this machine runs"),
    ],
)
def test_an_image_that_cannot_be_had_is_named_at_once(
    engine: Engine, registry: FaultyRegistry, tag: str, reason: str
) -> None:
    name = f"{registry.address}/a:{tag}"
    with pytest.raises(ImageError) as caught:
        ensure(engine, name, patience=Patience(pauses_seconds=(600,)))
    assert str(caught.value) == f"image {name}: " + reason.replace("ADDRESS", registry.address)


def test_an_image_for_another_machine_is_told(engine: Engine, registry: FaultyRegistry) -> None:
    told = ensure(engine, f"{registry.address}/a:arm")
    assert told[-1].endswith("; it is for arm64: elsewhere it runs only where that is emulated")


def test_what_is_no_name_at_all_is_named(engine: Engine) -> None:
    with pytest.raises(ImageError, match=r"^image Not/A/Name: .*invalid reference format"):
        ensure(engine, "Not/A/Name")


def test_a_pull_that_hangs_is_bounded(engine: Engine, registry: FaultyRegistry) -> None:
    registry.silent = True
    with pytest.raises(ImageError, match=r"the pull has come to a standstill: nothing came for 0\.3 s$"):
        ensure(engine, f"{registry.address}/a:1", patience=Patience(silence_seconds=0.3))


def test_a_stop_ends_the_wait_for_a_registry_that_says_nothing(engine: Engine, registry: FaultyRegistry) -> None:
    registry.silent = True
    stop = Stop()
    assert Images(engine).ensure(f"{registry.address}/a:1", stop_at_once(stop), stop) is None


def stop_at_once(stop: Stop) -> Callable[[str], None]:
    return lambda _line: stop.request(Status.CANCELLED, "enough")


def test_many_who_want_an_image_share_one_pull(engine: Engine, registry: FaultyRegistry) -> None:
    """Each of them is told how it goes; the registry is asked by one."""
    images, name = Images(engine), f"{registry.address}/a:1"
    registry.silent = True
    told: list[list[str]] = [[] for _ in range(8)]
    threads = [threading.Thread(target=images.ensure, args=(name, lines.append, Stop())) for lines in told]
    for thread in threads:
        thread.start()
    wait_until(lambda: all(told), what="all follow the pull")
    registry.speak()
    for thread in threads:
        thread.join()
    assert {tuple(lines) for lines in told} == {(f"pulling {name}", f"image {name} at {digest(HERE.manifest)}")}
    assert registry.asked.count("HEAD /v2/a/manifests/1") == 1


def test_one_that_stops_leaves_the_pull_to_the_others(engine: Engine, registry: FaultyRegistry) -> None:
    images, name, stop = Images(engine), f"{registry.address}/a:1", Stop()
    registry.silent = True
    told: list[str] = []
    other = threading.Thread(target=images.ensure, args=(name, told.append, Stop()))
    other.start()
    wait_until(lambda: told, what="the other follows the pull")
    assert images.ensure(name, stop_at_once(stop), stop) is None
    registry.speak()
    other.join()
    assert told[-1] == f"image {name} at {digest(HERE.manifest)}"


def test_a_later_steps_image_is_pulled_while_an_earlier_one_runs(containers: World, registry: FaultyRegistry) -> None:
    first = containers.step("first", wait_for("asked"), timeout=60)
    second = PlannedStep(name="second", image=f"{registry.address}/a:1", depends_on=("first",))
    asked_before: list[str] = []

    def watch(record: AnyRecord) -> None:
        if isinstance(record, StepStarted) and record.step == "second":
            asked_before.extend(registry.asked)

    def is_asked() -> bool:
        return any("/blobs/" in line for line in registry.asked)

    with let_go_once(is_asked, containers):
        result = containers.run(first, second, watch=watch)
    assert result.finished("first").status is Status.SUCCESS
    assert [line for line in asked_before if "/blobs/" in line], "its layers had come before its turn"


@contextmanager
def let_go_once(condition: Callable[[], bool], world: World) -> Iterator[None]:
    """A step that waits to be `asked` goes on once this holds."""

    def let_go() -> None:
        wait_until(condition, what="the step may go on")
        world.touch("asked")

    with ThreadPoolExecutor(1) as pool:
        gone = pool.submit(let_go)
        yield
        gone.result()


def test_a_job_that_ends_early_gives_up_the_pulls_for_what_never_ran(
    containers: World, registry: FaultyRegistry
) -> None:
    registry.silent = True
    first = containers.step("first", wait_for("asked"), "exit 1", timeout=60)
    second = PlannedStep(name="second", image=f"{registry.address}/a:1", depends_on=("first",))
    began = time.monotonic()
    with let_go_once(lambda: bool(registry.asked), containers):
        result = containers.run(first, second)
    assert result.statuses() == {"first": "failure", "second": "skipped"}
    assert time.monotonic() - began < 120  # an engine that says nothing is waited for five minutes


def test_always_asks_once_in_each_run(containers: World, registry: FaultyRegistry) -> None:
    """And a step ahead of its turn doesn't take what was there before."""
    image = f"{registry.address}/a:1"
    steps = [PlannedStep(name=name, image=image, pull="always", failure="ignore") for name in ("a", "b")]
    for number, text in ((1, "older\n"), (2, "newer\n")):
        registry.images = {"a:1": made_image("amd64", text=text)}
        result = containers.run(*containers.chain(*steps), run=f"always-{number}")
        for step in ("a", "b"):
            told = [line for log in result.logs(step) for line in log.lines if line.startswith("image ")]
            assert told == [f"image {image} at {digest(registry.images['a:1'].manifest)}"]
        assert registry.asked.count("HEAD /v2/a/manifests/1") == number


def test_always_tells_why_it_asked_where_that_fails(engine: Engine, registry: FaultyRegistry) -> None:
    name = f"{registry.address}/a:1"
    ensure(engine, name)
    registry.images = {}
    with pytest.raises(ImageError, match=r"to be asked for in each run \(`pull: always`\), and the registry"):
        ensure(engine, name, policy=PullPolicy.ALWAYS)


def test_what_a_name_meant_is_recorded_with_the_steps_end(containers: World, registry: FaultyRegistry) -> None:
    """Whatever the step's program makes of it: this one can't even be run."""
    first = PlannedStep(name="a", image=f"{registry.address}/a:1")
    service = containers.step("db", "sleep 60")
    result = containers.run(first, services=(service,))
    assert result.finished("a").image == digest(HERE.manifest)
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", result.finished("db").image)
    missing = containers.run(PlannedStep(name="a", image=f"{registry.address}/a:none"))
    assert missing.finished("a").image == ""


def test_never_asks_no_registry_and_names_what_is_missing(containers: World, registry: FaultyRegistry) -> None:
    name = f"{registry.address}/a:1"
    result = containers.run(PlannedStep(name="a", image=name, pull="never"))
    assert result.finished("a").status is Status.ERROR
    assert result.finished("a").reason == (
        f"image {name}: not on this machine, and `pull: never` keeps it from being pulled"
    )
    assert registry.asked == []


def test_the_lines_about_a_pull_tell_layers_and_bytes(engine: Engine, registry: FaultyRegistry) -> None:
    """And numbers for those who want them. The rest of the layer comes once its size was told."""
    registry.halting = True
    told: list[str] = []
    shown: list[PullProgress] = []

    def show(progress: PullProgress) -> None:
        shown.append(progress)
        if progress.bytes_total:
            registry.speak()

    images = Images(engine, patience=replace(QUICK, telling_seconds=0))
    images.ensure(f"{registry.address}/a:1", told.append, Stop(), show=show)
    assert all(re.fullmatch(rf"{registry.address}/a:1: ({PROGRESS})", line) for line in told[1:-1])
    assert told[-2].endswith("1 of 1 layers, 0.0 MB of 0.0 MB")
    [layer] = [blob for blob in HERE.blobs.values() if not blob.startswith(b"{")]
    assert shown[0] == PullProgress()
    assert PullProgress(layers=1, bytes_done=len(layer) // 2, bytes_total=len(layer)) in shown
    assert shown[-1] == PullProgress(layers=1, layers_done=1, bytes_done=len(layer), bytes_total=len(layer))


def test_records_tell_of_a_pull_while_it_goes_on_and_which_steps_want_it(
    containers: World, registry: FaultyRegistry
) -> None:
    """One pull for two steps and a base image; the registry says nothing until the first Record of each is there."""
    image = f"{registry.address}/a:1"
    registry.silent = True
    pulls: list[ImagePull] = []

    def watch(record: AnyRecord) -> None:
        if isinstance(record, ImagePull):
            pulls.append(record)
            registry.speak()

    steps = [PlannedStep(name=name, image=image, failure="ignore") for name in ("a", "b")]
    built = PlannedStep(name="c", image="", build=Build(context="."), commands=("true",), failure="ignore")
    base = f"{registry.address}/a:base"
    registry.images = {"a:1": HERE, "a:base": made_image("amd64", text="base\n")}
    containers.run(*steps, built, watch=watch, files={"Dockerfile": f"FROM {base}\n"})
    for name, wanted in ((image, ("a", "b")), (base, ("c",))):
        told = [(pull.steps, pull.progress.has_ended) for pull in pulls if pull.image == name]
        assert told[0] == (wanted, False)
        assert told[-1] == (wanted, True)
        assert len(told) == len(set(told)), "each standing is told once"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, busybox: str) -> Iterator[tuple[str, Path]]:
    """An image on a registry that wants a login, and a Docker configuration that has it."""
    home = tmp_path_factory.mktemp("docker")
    with guarded_image(tmp_path_factory.mktemp("registry"), home, busybox, LOGIN) as name:
        yield name, home


def test_an_open_registry_needs_no_login(engine: Engine, tmp_path: Path, busybox: str) -> None:
    with closing(PrivateRegistry(tmp_path)) as registry:
        name = f"{registry.address}/tool:1"
        for command in (["tag", busybox, name], ["push", name], ["image", "rm", name]):
            subprocess.run(["docker", *command], check=True, capture_output=True)
        told = ensure(engine, name)
    remove_images(registry.address)
    assert told[-1].startswith(f"image {name} at sha256:")


def test_a_step_runs_an_image_that_only_a_login_gives(
    engine: Engine, engine_url: str, guarded: tuple[str, Path], tmp_path: Path
) -> None:
    name, home = guarded
    with closing(DockerBackend(engine_url, credentials=Credentials(home))) as backend:
        world = World(backend=backend, image=name, directory=tmp_path)
        result = world.run(world.step("a", "echo in"))
    remove_images(name.partition("/")[0])
    assert result.lines("a", Stream.STDOUT) == ["in"]
    assert LOGIN[1] not in str(result.records)


def test_a_step_runs_an_image_whose_login_a_helper_keeps(
    engine_url: str, guarded: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, _ = guarded
    registry = name.partition("/")[0]
    helper = tmp_path / "docker-credential-keeper"
    answer = json.dumps({"ServerURL": registry, "Username": LOGIN[0], "Secret": LOGIN[1]})
    helper.write_text(f"#!/bin/sh\n[ \"$1 $(cat)\" = 'get {registry}' ] && echo '{answer}'\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {registry: "keeper"}}))
    with closing(DockerBackend(engine_url, credentials=Credentials(tmp_path))) as backend:
        world = World(backend=backend, image=name, directory=tmp_path)
        result = world.run(world.step("a", "echo in"))
    remove_images(registry)
    assert result.lines("a", Stream.STDOUT) == ["in"]
    assert LOGIN[1] not in str(result.records)


def test_a_connection_that_breaks_in_the_midst_of_a_layer_is_gone_on_with(engine: Engine, tmp_path: Path) -> None:
    """By the engine, a few seconds later, or else by us."""
    with (
        closing(PrivateRegistry(tmp_path)) as registry,
        closing(BreakingLine(registry.address, after_bytes=300_000)) as line,
    ):
        name = f"{line.address}/tool:1"
        there = f"{registry.address}/tool:1"
        unheard = image_of_its_own(engine)
        for command in (["tag", unheard, there], ["push", there], ["image", "rm", there, unheard]):
            subprocess.run(["docker", *command], check=True, capture_output=True)
        told = ensure(engine, name)
        broken = line.breaks
    remove_images(line.address)
    assert broken == 1
    assert told[-1].startswith(f"image {name} at sha256:")


def image_of_its_own(engine: Engine) -> str:
    """An image with a layer that no engine has: a megabyte that can't be compressed, on nothing."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("file")
        info.size = 1_000_000
        archive.addfile(info, io.BytesIO(os.urandom(info.size)))
    name = f"headrace/test-of-{os.getpid()}"
    engine.import_image(name, "local", buffer.getvalue(), ['CMD ["/file"]'])
    return f"{name}:local"


def test_a_registry_that_says_when_to_come_again_is_taken_at_its_word(engine: Engine, registry: FaultyRegistry) -> None:
    registry.faults = [(429, "retry-after: 1.4s, allowed: 44000/minute")] * 2
    began = time.monotonic()
    told = ensure(engine, f"{registry.address}/a:1")
    assert [line for line in told if "too many requests" in line and line.endswith(("in 1 s", "in 2 s"))]
    assert time.monotonic() - began >= 1.4
    assert told[-1].endswith(digest(HERE.manifest))


def test_without_a_login_the_line_says_how_to_get_one(engine: Engine, guarded: tuple[str, Path]) -> None:
    name, _ = guarded
    registry = name.partition("/")[0]
    with pytest.raises(ImageError) as caught:
        ensure(engine, name)
    assert str(caught.value) == (
        f"image {name}: not on this machine, and the registry {registry} wants a login (type: docker login {registry})"
    )


def test_a_refused_login_is_named_and_not_shown(engine: Engine, guarded: tuple[str, Path], tmp_path: Path) -> None:
    name, _ = guarded
    write_login(tmp_path, name.partition("/")[0], "me", "canary-wrong")
    told: list[str] = []
    with pytest.raises(ImageError, match=r"refuses the login that Docker's configuration has for it$") as caught:
        Images(engine, Credentials(tmp_path)).ensure(name, told.append, Stop())
    assert "canary" not in f"{caught.value}{told}"


def test_a_helper_that_fails_is_told_and_the_image_tried_without(
    engine: Engine, registry: FaultyRegistry, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"credsStore": "of-the-tests-that-is-not-there"}))
    told: list[str] = []
    Images(engine, Credentials(tmp_path)).ensure(f"{registry.address}/a:1", told.append, Stop())
    assert told[1] == (
        "pulling without a login: the credential helper docker-credential-of-the-tests-that-is-not-there "
        "is not installed"
    )
