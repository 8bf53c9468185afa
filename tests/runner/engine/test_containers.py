"""What only containers give: isolation, networks, users, images, labels, and nothing left behind. On a real engine."""

import hashlib
import io
import itertools
import os
import secrets
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipelines.details import ArtifactRule
from pipelines.plan import PlannedStep
from pipelines.records import AnyRecord, Log, StepStarted, Stream
from pipelines.status import Status
from runner.backend import Ticket
from runner.config import Config
from runner.engine.client import Engine, EngineRefusal, Labelled
from runner.engine.configured import docker_backend
from runner.engine.containers import DockerBackend, DockerSite
from runner.engine.gatedstep import GatedStep
from runner.engine.ground import ROOM_AHEAD
from runner.engine.ownership import (
    ATTEMPT,
    HOST,
    JOB,
    PROCESS,
    ROLE,
    RUN,
    SANDBOX,
    Owner,
    labels_for,
    start_of_process,
    this_process,
)
from runner.engine.sandbox import SHIM
from runner.engine.spec import NO_NETWORK
from runner.engine.sweep import sweep
from runner.errors import BackendError
from runner.stop import Stop
from tests.runner.world import FAILURE, World, when_it_says

pytestmark = pytest.mark.docker

OURS = f"of-{os.getpid()}-{this_process().host}"
"""A host that nobody else is on: other suites and installations may sweep this engine at any moment."""


def left(engine: Engine, run: str) -> list[str]:
    """What the engine still holds of a run. Another suite may have one of the same name."""
    label = f"{RUN}={run}"
    found = [*engine.containers(label), *engine.networks(label), *engine.volumes(label)]
    return [each.name for each in found if is_ours(each)]


def is_ours(thing: Labelled) -> bool:
    """True if this process has made it, or one that it has started."""
    return thing.labels[PROCESS] == this_process().process or thing.labels[HOST].endswith(OURS)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait until something holds, for half a minute at most."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


def test_everything_made_for_a_job_says_whose_it_is(containers: World, engine: Engine) -> None:
    seen: dict[str, list[str]] = {}

    def watch(record: AnyRecord) -> None:
        if isinstance(record, Log) and "up" in record.lines and record.step == "a":
            for kind in ("containers", "networks", "volumes"):
                found = getattr(engine, kind)(f"{RUN}=labelled")
                seen[kind] = [each.name for each in found]
                for each in found:
                    assert each.labels[JOB] == "build"
                    assert each.labels[ATTEMPT] == "1"
                    assert each.labels[HOST] == this_process().host
                    assert each.labels[PROCESS] == this_process().process

    service = containers.step("db", "sleep 60")
    result = containers.run(
        containers.step("a", "echo up; sleep 0.3"), services=(service,), run="labelled", watch=watch
    )
    assert result.status is Status.SUCCESS
    assert {kind: len(names) for kind, names in seen.items()} == {"containers": 4, "networks": 1, "volumes": 2}


@pytest.mark.parametrize(
    ("name", "command", "image"),
    [("good", "true", None), ("bad", "exit 1", None), ("lost", "true", "missing/image"), ("stopped", "sleep 60", None)],
)
def test_nothing_is_left(containers: World, engine: Engine, name: str, command: str, image: str | None) -> None:
    stop = Stop()

    def watch(record: AnyRecord) -> None:
        if name == "stopped" and isinstance(record, StepStarted) and record.step == "a":
            stop.request(Status.CANCELLED, "enough")

    step = PlannedStep(name="a", image=image or containers.image, commands=(command,))
    service = containers.step("db", "sleep 60")
    containers.run(step, services=(service,), stop=stop, watch=watch, run=f"left-{name}")
    assert left(engine, f"left-{name}") == []


def test_nothing_is_left_of_a_workspace_that_could_not_be_filled(containers: World, engine: Engine) -> None:
    def tree() -> Iterator[bytes]:
        yield b"this is no tar" * 512

    job = containers.job(containers.step("a"))
    site = containers.backend.open(job, Ticket(run="unfilled", job="build"), tree, Stop())
    with closing(site), pytest.raises(BackendError):
        site.wait_until_open()
    assert left(engine, "unfilled") == []


def test_what_was_begun_ahead_is_the_first_jobs(engine_url: str, engine: Engine, containers: World) -> None:
    with closing(DockerBackend(engine_url)) as backend:
        containers.backend = backend
        backend.begin("ahead")
        wait_until(lambda: len(sandboxes(engine, "ahead")) == 1, "its sandbox is made")
        wait_until(lambda: len(engine.networks(f"{RUN}=ahead")) == 1, "its network, too")
        [network] = [each.name for each in engine.networks(f"{RUN}=ahead")]
        with closing(open_site(containers, "ahead")):
            assert [each.name for each in engine.networks(f"{RUN}=ahead")] == [network]
        assert left(engine, "ahead") == []
        assert containers.run(containers.step("a"), run="ahead").status is Status.SUCCESS
    assert left(engine, "ahead") == []


def test_a_network_goes_even_if_an_engine_lets_nobody_off_it(
    containers: World, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave = Engine.leave_network

    def refuse(engine: Engine, name: str, container: str) -> None:
        if name != NO_NETWORK:
            raise EngineRefusal("not here", 500)
        leave(engine, name, container)

    monkeypatch.setattr(Engine, "leave_network", refuse)
    assert containers.run(containers.step("a"), run="clung").status is Status.SUCCESS
    assert left(engine, "clung") == []


def test_what_was_begun_for_no_job_goes_with_the_backend(engine_url: str, engine: Engine) -> None:
    with closing(DockerBackend(engine_url)) as backend:
        backend.begin("vain")
    assert left(engine, "vain") == []


def test_what_was_begun_for_a_run_goes_again_if_no_backend_comes_of_it(
    engine_url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        wait_until(lambda: bool(left(engine, "dashed")), "something is there already")
        raise BackendError("the engine broke")

    monkeypatch.setattr("runner.engine.configured.remove_outdated", fail)
    with pytest.raises(BackendError, match="the engine broke"):
        docker_backend(Config.read({"DOCKER_HOST": engine_url}), begin_for="dashed")
    assert left(engine, "dashed") == []


def test_what_was_begun_is_not_for_a_job_that_needs_a_larger_network(engine_url: str, engine: Engine) -> None:
    with closing(DockerBackend(engine_url)) as backend:
        backend.begin("small")
        ground = backend.ground_for(Ticket(run="large", job="build"), addresses=ROOM_AHEAD + 1)
        try:
            ground.sandboxes.wait_for_network(0)
            assert len(engine.networks(f"{RUN}=large")) == 1
        finally:
            ground.clear()
    assert left(engine, "small") == left(engine, "large") == []


def test_two_jobs_at_once_do_not_meet(containers: World, engine: Engine) -> None:
    """Same workflow, same service name, same file: each sees its own, on a network of its own."""
    serve = "mkdir /www; echo $WHO > /www/index.html; httpd -f -p 80 -h /www"
    results = {}

    def run(who: str) -> None:
        me = {"WHO": who}
        step = containers.step(
            "a",
            "echo $WHO > mine; until wget -qO- http://web; do sleep 0.05; done; sleep 0.5; cat mine",
            environment=me,
            timeout=60,
        )
        service = containers.step("web", serve, environment=me)
        results[who] = containers.run(step, services=(service,), run=f"twin-{who}")

    threads = [threading.Thread(target=run, args=(who,)) for who in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for who in ("one", "two"):
        assert results[who].lines("a", Stream.STDOUT) == [who, who]
        assert left(engine, f"twin-{who}") == []


def test_services_are_reached_by_name_from_every_lane(containers: World) -> None:
    service = containers.step("web", "mkdir /www; echo served > /www/index.html", "httpd -f -p 8080 -h /www")
    fetch = "until wget -qO- http://web:8080; do sleep 0.05; done"
    steps = [
        containers.step("a", "touch a; until [ -e b ]; do sleep 0.02; done", fetch, timeout=60),
        containers.step("b", "touch b; until [ -e a ]; do sleep 0.02; done", fetch, timeout=60),
    ]
    result = containers.run(*steps, services=(service,))
    assert result.lines("a", Stream.STDOUT) == ["served"]
    assert result.lines("b", Stream.STDOUT) == ["served"]


def test_steps_side_by_side_may_use_the_same_port(containers: World) -> None:
    def step(name: str, other: str) -> PlannedStep:
        listen = f"nc -l -p 9000 & touch {name}; until [ -e {other} ]; do sleep 0.02; done; kill $!"
        return containers.step(name, listen, timeout=60)

    result = containers.run(step("a", "b"), step("b", "a"))
    assert result.statuses() == {"a": "success", "b": "success"}


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


def test_five_megabytes_and_an_immediate_end_come_whole(containers: World) -> None:
    """The engine must not lose what a program printed just before it ended."""
    line = b"x" * 99 + b"\n"
    command = f"yes {'x' * 99} | head -n 50000"
    for _ in range(3):
        result = containers.run(containers.step("a", command))
        text = "".join(line + "\n" for line in result.lines("a")).encode()
        assert len(text) == 5_000_000
        assert hashlib.sha256(text).digest() == hashlib.sha256(line * 50_000).digest()


def test_a_step_that_is_silent_for_long_is_waited_for(containers: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's answer to `wait` begins at once and ends with the container: its time-out is no missing engine."""
    monkeypatch.setattr("runner.engine.vigil._LOOK_SECONDS", 0.2)
    result = containers.run(containers.step("a", "sleep 1.5", "echo awake"))
    assert result.lines("a") == ["awake"]
    assert result.status is Status.SUCCESS


def test_a_program_that_ignores_the_stop_is_killed_after_the_grace(containers: World) -> None:
    stop = Stop()
    step = containers.step("a", "trap '' TERM", "echo up", "while :; do sleep 0.1; done")
    began = time.monotonic()
    asked: list[float] = []

    def ask() -> None:
        asked.append(time.monotonic() - began)
        stop.request(Status.CANCELLED, "enough")

    result = containers.run(step, stop=stop, watch=when_it_says("up", ask))
    assert result.finished("a").status is Status.CANCELLED
    assert time.monotonic() - began - asked[0] < 12  # the grace is 2 s; the rest is for a busy machine


def test_a_background_process_that_holds_the_output_does_not_hold_the_step(containers: World) -> None:
    result = containers.run(containers.step("a", "sleep 300 &", "echo done"))
    assert result.status is Status.SUCCESS
    assert result.lines("a") == ["done"]


def test_a_missing_image_is_named_in_one_line(containers: World) -> None:
    result = containers.run(PlannedStep(name="a", image="headrace/nowhere:1", commands=("true",)))
    reason = result.finished("a").reason
    assert reason.startswith("image headrace/nowhere:1: not ")
    assert "\n" not in reason
    assert result.lines("a", Stream.SYSTEM) == ["pulling headrace/nowhere:1"]


@pytest.mark.parametrize(
    ("entrypoint", "exit_code", "reason"),
    [
        (("/nowhere",), 127, "exit code 127: command not found"),
        (("/etc/passwd",), 126, "exit code 126: not executable"),
        (("/bin/sh", "-c", "nowhere"), 127, "exit code 127: command not found"),
        (("/bin/sh", "-c", "/etc/passwd"), 126, "exit code 126: not executable"),
        (("/bin/sh", "-c", "kill -9 $$"), 137, "exit code 137: SIGKILL"),
    ],
)
def test_the_reason_names_what_went_wrong(
    containers: World, entrypoint: tuple[str, ...], exit_code: int, reason: str
) -> None:
    result = containers.run(PlannedStep(name="a", image=containers.image, entrypoint=entrypoint))
    assert result.finished("a").exit_code == exit_code
    assert result.finished("a").reason == reason
    assert result.finished("a").status is Status.FAILURE


def test_a_step_has_no_more_rights_than_it_needs(containers: World) -> None:
    result = containers.run(containers.step("a", "grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status"))
    assert result.lines("a") == ["CapEff:\t00000000800405fb", "CapBnd:\t00000000800405fb", "NoNewPrivs:\t1"]


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


def test_jobs_share_a_small_range_until_it_is_full(containers: World, engine_url: str, engine: Engine) -> None:
    """A range with room for one: the second job is an error that says why, and takes nothing."""
    backend = DockerBackend(engine_url, network_range=IPv4Network("10.232.7.0/28"))
    containers.backend = backend
    job = containers.job(containers.step("a"))
    site = backend.open(job, Ticket(run="first", job="build"), empty_tree, Stop())
    try:
        site.wait_until_open()
        result = containers.run(containers.step("a"), run="second")
    finally:
        site.close()
        backend.close()
    assert result.job.reason == "no free network for 1 containers in 10.232.7.0/28"
    assert left(engine, "first") == left(engine, "second") == []


def test_no_engine_is_one_line_that_says_what_to_do(containers: World) -> None:
    containers.backend = DockerBackend("unix:///nowhere/docker.sock")
    result = containers.run(containers.step("a"))
    assert result.status is Status.ERROR
    assert result.job.reason == (
        "no container engine answers at unix:///nowhere/docker.sock (is Docker running? start it, or set DOCKER_HOST)"
    )


def test_closing_twice_is_fine(containers: World) -> None:
    job = containers.job(containers.step("a"))
    site = containers.backend.open(job, Ticket(run="twice", job="build"), empty_tree, Stop())
    site.close()
    site.close()


def test_a_container_that_an_operator_removed_ends_its_step(containers: World, engine: Engine) -> None:
    def remove() -> None:
        for each in engine.containers(f"{RUN}=operator"):
            if "headrace.role" not in each.labels:
                engine.remove_container(each.name)

    step = containers.step("a", "echo up; sleep 60")
    result = containers.run(step, run="operator", watch=when_it_says("up", remove))
    assert result.finished("a").status is Status.ERROR
    assert result.finished("a").reason == "its container was removed by somebody else while it ran"
    assert left(engine, "operator") == []


def test_a_sweep_removes_what_a_killed_process_left(engine: Engine, engine_url: str, busybox: str) -> None:
    victim = subprocess.Popen([sys.executable, "-c", LEAVE_BEHIND, engine_url, busybox, OURS])
    try:
        wait_until(lambda: len(left(engine, "killed")) == 6, "the victim's step runs")
        assert sweep(engine, OURS).total == 0, "its process lives: nothing may be touched"
        assert len(left(engine, "killed")) == 6
    finally:
        victim.kill()
        victim.wait()
    sweep(engine, this_process().host)
    assert len(left(engine, "killed")) == 6, "it was on another host"
    swept = sweep(engine, OURS)
    assert left(engine, "killed") == []
    assert (swept.containers, swept.networks, swept.volumes) == (3, 1, 2)


@pytest.mark.parametrize(
    ("owner", "things_left"),
    [
        (Owner(host=OURS, process="1.0.another-boot"), 0),
        (Owner(host=f"not-{OURS}", process="1.0.another-boot"), 5),
        (this_process(OURS), 5),
    ],
)
def test_a_sweep_spares_the_living_and_other_hosts(
    containers: World, engine: Engine, engine_url: str, owner: Owner, things_left: int
) -> None:
    backend = DockerBackend(engine_url, owner=owner)
    site = backend.open(containers.job(containers.step("a")), Ticket(run="swept", job="b"), empty_tree, Stop())
    try:
        site.wait_until_open()
        wait_until(lambda: any(engine.state(each).is_running for each in sandboxes(engine, "swept")), "its lane is up")
        sweep(engine, OURS)
        assert len(left(engine, "swept")) == things_left
    finally:
        site.close()
        backend.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write where the engine has its volumes")
def test_a_sweep_removes_a_volume_that_something_goes_on_writing_to_for_a_moment(engine: Engine) -> None:
    """As git does, until it notices that its runner was killed."""
    name, until = f"headrace-{secrets.token_hex(6)}", time.monotonic() + 1
    engine.create_volume(name, labels_for(Owner(host=OURS, process="1.0.another-boot"), Ticket(run="w", job="b"), "w"))
    directory = Path(engine.volume_directory(name))

    def write() -> None:
        for number in itertools.count():
            with suppress(OSError):
                (directory / f"{threading.get_ident()}-{number}").touch()
            if time.monotonic() > until:
                return

    try:
        with ThreadPoolExecutor() as writers:
            for _ in range(4):
                writers.submit(write)
            wait_until(lambda: len(list(directory.iterdir())) > 100, "it fills up")
            assert sweep(engine, OURS).volumes == 1
        assert name not in [each.name for each in engine.volumes(RUN)]
    finally:
        engine.remove_volume(name)


def test_a_process_number_used_again_is_another_process() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        first = start_of_process(process.pid)
        assert first == start_of_process(process.pid) != ""
        process.kill()
    assert start_of_process(process.pid) == ""


def test_steps_after_a_failure_use_the_same_workspace(containers: World) -> None:
    bad = containers.step("bad", "echo why > reason; exit 1")
    result = containers.run(*containers.chain(bad, containers.step("mourn", "cat reason", on=FAILURE)))
    assert result.lines("mourn") == ["why"]


def held(engine: Engine, run: str) -> list[str]:
    """The containers of steps that run or wait for their turn."""
    return [each.name for each in engine.containers(f"{RUN}={run}") if ROLE not in each.labels and is_ours(each)]


def sandboxes(engine: Engine, run: str) -> list[str]:
    """The containers that hold the networks of a run's lanes."""
    return [
        each.name for each in engine.containers(f"{RUN}={run}") if each.labels.get(ROLE) == SANDBOX and is_ours(each)
    ]


def at_its_gate(engine: Engine, container: str) -> bool:
    """True if the container runs our program still."""
    command = ["docker", "top", container, "-o", "pid,args"]
    top = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    return any(line.split()[1] == SHIM for line in top.splitlines())


def test_the_next_container_waits_at_its_gate_while_a_step_runs(containers: World, engine: Engine) -> None:
    def look() -> None:
        wait_until(lambda: sum(at_its_gate(engine, each) for each in held(engine, "ahead")) == 2, "two wait")

    steps = containers.chain(
        containers.step("a", "echo up", "sleep 0.1"), containers.step("b", "echo b"), containers.step("c", "echo c")
    )
    result = containers.run(*steps, run="ahead", watch=when_it_says("up", look))
    assert [result.lines(name) for name in ("b", "c")] == [["b"], ["c"]]
    assert left(engine, "ahead") == []


def test_steps_come_to_their_gates_before_there_is_a_network_and_go_on_once_they_are_on_it(
    containers: World, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which takes twice as long to make as to start a container that has none."""
    create, join = Engine.create_network, Engine.join_network

    def create_late(*arguments: Any) -> None:
        wait_until(lambda: any(at_its_gate(engine, each) for each in held(engine, "early")), "one is at its gate")
        create(*arguments)

    def join_late(*arguments: Any) -> None:
        wait_until(lambda: sum(at_its_gate(engine, each) for each in held(engine, "early")) == 2, "both are at theirs")
        join(*arguments)

    monkeypatch.setattr(Engine, "create_network", create_late)
    monkeypatch.setattr(Engine, "join_network", join_late)
    steps = [containers.step(name, "test -e /sys/class/net/eth0") for name in ("a", "b")]
    result = containers.run(*steps, run="early")
    assert result.statuses() == {"a": "success", "b": "success"}
    assert left(engine, "early") == []


def test_a_lane_that_is_not_taken_on_the_network_is_made_anew(
    containers: World, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the container of the step that has come to its gate there."""
    join, joined = Engine.join_network, itertools.count()

    def refuse_the_second(*arguments: Any) -> None:
        if next(joined) == 1:
            raise EngineRefusal("not now", 500)
        join(*arguments)

    monkeypatch.setattr(Engine, "join_network", refuse_the_second)
    steps = [containers.step(name, "test -e /sys/class/net/eth0") for name in ("a", "b")]
    result = containers.run(*steps, run="spurned")
    assert result.statuses() == {"a": "success", "b": "success"}
    assert next(joined) >= 3
    assert left(engine, "spurned") == []


def test_what_waits_is_gone_after_a_failure_and_a_stop(containers: World, engine: Engine) -> None:
    stop = Stop()

    def ask() -> None:
        wait_until(lambda: len(held(engine, "vain")) == 3, "two are held")
        stop.request(Status.CANCELLED, "enough")

    steps = containers.chain(containers.step("a", "echo up; sleep 60"), containers.step("b"), containers.step("c"))
    result = containers.run(*steps, run="vain", stop=stop, watch=when_it_says("up", ask))
    assert result.statuses() == {"a": "cancelled", "b": "skipped", "c": "skipped"}
    assert left(engine, "vain") == []


def test_a_step_whose_waiting_container_was_removed_gets_another(containers: World, engine: Engine) -> None:
    """Nothing of it has run, so nothing is lost."""

    def remove() -> None:
        waiting = [each for each in held(engine, "bereft") if at_its_gate(engine, each)]
        for each in waiting:
            engine.remove_container(each)
        assert waiting

    def look() -> None:
        wait_until(lambda: any(at_its_gate(engine, each) for each in held(engine, "bereft")), "one waits")
        remove()

    steps = containers.chain(containers.step("a", "echo up", "sleep 0.5"), containers.step("b", "echo all the same"))
    result = containers.run(*steps, run="bereft", watch=when_it_says("up", look))
    assert result.lines("b") == ["all the same"]
    assert result.status is Status.SUCCESS
    assert left(engine, "bereft") == []


def test_a_gate_ends_by_itself_when_whoever_could_open_it_is_gone(containers: World, engine: Engine) -> None:
    site = containers.backend.open(
        containers.job(containers.step("a")), Ticket(run="lost", job="b"), empty_tree, Stop()
    )
    try:
        readied = site.ready(containers.step("a"), {}, 0)
        [container] = held(engine, "lost")
        assert isinstance(readied, GatedStep)
        assert readied._stream is not None
        readied._stream.close()
        wait_until(lambda: not engine.state(container).is_running, "the gate ends")
        assert engine.state(container).exit_code == 125
        readied.discard()
    finally:
        site.close()
    assert left(engine, "lost") == []


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


def test_an_image_without_a_shell_runs_its_own_program_as_its_own_user(containers: World, shell_less: str) -> None:
    assert containers.run(PlannedStep(name="a", image=shell_less)).lines("a") == ["hello"]
    step = PlannedStep(name="a", image=shell_less, entrypoint=("/busybox", "id", "-u"))
    assert containers.run(step).lines("a") == ["1234"]


def test_an_image_that_runs_nothing_by_itself_is_named(containers: World, engine: Engine) -> None:
    engine.import_image("headrace/test-nothing", "local", bytes(1024))
    result = containers.run(PlannedStep(name="a", image="headrace/test-nothing:local"))
    assert result.finished("a").reason == (
        "image headrace/test-nothing:local: runs nothing by itself; give the step `commands` or an `entrypoint`"
    )


def test_the_gate_is_read_only_and_no_step_can_change_it_for_those_after(containers: World) -> None:
    step = containers.step("a", f"cat {SHIM} > copy", f"[ -s copy ] && ! cp copy {SHIM} && ! rm -rf {SHIM}")
    assert containers.run(step).status is Status.SUCCESS


def test_a_step_inherits_no_open_file_of_ours(containers: World) -> None:
    result = containers.run(containers.step("a", "readlink /proc/self/fd/0", "ls /proc/$$/fd"))
    assert result.lines("a")[0] == "/dev/null"


LEAVE_BEHIND = """
import sys
from pathlib import Path
from runner.backend import Ticket
from runner.config import Config
from runner.engine.containers import DockerBackend
from runner.engine.ownership import this_process
from tests.runner.world import World
backend = DockerBackend(sys.argv[1], owner=this_process(sys.argv[3]))
world = World(backend=backend, image=sys.argv[2], directory=Path("/nowhere"))
world.run(world.step("a", "sleep 300"), run="killed")
"""


def open_site(containers: World, run: str) -> DockerSite:
    """The site of a job with one step, open."""
    assert isinstance(containers.backend, DockerBackend)
    job = containers.job(containers.step("a"))
    site = containers.backend.open(job, Ticket(run=run, job="build"), empty_tree, Stop())
    site.wait_until_open()
    return site


def empty_tree() -> Iterator[bytes]:
    """A tar stream without members."""
    yield b"\0" * 1024


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


def keep(world: World, step: PlannedStep, *paths: str) -> dict[str, bytes]:
    """Run a step that keeps these globs; the content of what was kept, by path."""
    kept = {}
    world.run(msgspec.structs.replace(step, artifacts=(ArtifactRule(paths=paths),)))
    for stored in world.artifacts.list():
        with world.artifacts.open(stored) as file:
            kept[stored.path] = file.read()
    return kept
