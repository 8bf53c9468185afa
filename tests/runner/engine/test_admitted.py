"""What the plan admits of the machine, as the engine keeps it; and what is not in the plan is not in the container."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.plan import PlannedStep
from pipelines.records import Stream
from pipelines.status import Status
from runner.engine.admitted import admitted_config, admitted_host, has_own_network
from runner.engine.client import Engine
from runner.engine.spec import Place, step_options
from tests.runner.engine.inspecting import UNTIL_SEEN, inspect, look_once_up, seen_while_it_runs
from tests.runner.world import FAILURE, World


def test_what_is_not_in_the_plan_is_not_asked_for() -> None:
    step = PlannedStep(name="a", image="i")
    assert admitted_host(step) == admitted_config(step) == {}
    assert not has_own_network(step)


def test_each_key_is_put_in_the_engines_words() -> None:
    step = PlannedStep(
        name="a",
        image="i",
        volumes=("/host:/in:ro", "named:/data", "/fresh"),
        devices=("/dev/kvm", "/dev/a:/dev/b", "/dev/a:/dev/c:r"),
        tmpfs=("/tmp", "/small:size=1m,mode=700"),
        dns=("192.0.2.1",),
        dns_search=("example.org",),
        extra_hosts=("db:192.0.2.7",),
        user="1000:1000",
        ports=("80", "53/udp", "8080:81"),
    )
    assert admitted_host(step) == {
        "Binds": ["/host:/in:ro", "named:/data"],
        "Devices": [
            {"PathOnHost": "/dev/kvm", "PathInContainer": "/dev/kvm", "CgroupPermissions": "rwm"},
            {"PathOnHost": "/dev/a", "PathInContainer": "/dev/b", "CgroupPermissions": "rwm"},
            {"PathOnHost": "/dev/a", "PathInContainer": "/dev/c", "CgroupPermissions": "r"},
        ],
        "Tmpfs": {"/tmp": "", "/small": "size=1m,mode=700"},
        "Dns": ["192.0.2.1"],
        "DnsSearch": ["example.org"],
        "ExtraHosts": ["db:192.0.2.7"],
    }
    assert admitted_config(step) == {
        "User": "1000:1000",
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}, "81/tcp": {}},
        "Volumes": {"/fresh": {}},
    }


@pytest.fixture
def volume(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a volume that isn't there yet, and isn't any more afterwards."""
    name = f"test-keys-{abs(hash(request.node.name))}"
    yield name
    subprocess.run(["docker", "volume", "rm", name], check=True, capture_output=True)


@pytest.mark.docker
def test_volumes_are_mounted_and_stay(containers: World, tmp_path: Path, volume: str) -> None:
    (tmp_path / "given").write_text("given\n")
    volumes = (f"{tmp_path}:/host:ro", f"{volume}:/data", "/fresh")
    write = "cat /host/given; ! touch /host/x 2>/dev/null; echo kept > /data/f; touch /fresh/x"
    step = containers.step("a", write, UNTIL_SEEN, volumes=volumes)
    seen, result = seen_while_it_runs(containers, step, run="mounted")
    assert seen["HostConfig"]["Binds"] == [f"{tmp_path}:/host:ro", f"{volume}:/data"]
    assert result.lines("a") == ["given", "up"]
    fresh = next(each["Name"] for each in seen["Mounts"] if each["Destination"] == "/fresh")
    assert fresh not in names_of_volumes()
    again = containers.run(containers.step("b", "cat /data/f; [ ! -e /fresh ]", volumes=(f"{volume}:/data",)))
    assert again.lines("b") == ["kept"]


def names_of_volumes() -> list[str]:
    command = ["docker", "volume", "ls", "--quiet"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


@pytest.mark.docker
def test_the_engines_socket_can_be_given_and_is_not_there_otherwise(containers: World) -> None:
    socket = "/var/run/docker.sock"
    look = f"[ -S {socket} ] && echo there || echo not there"
    given = containers.run(containers.step("a", look, volumes=(f"{socket}:{socket}",)))
    assert [given.lines("a"), containers.run(containers.step("a", look)).lines("a")] == [["there"], ["not there"]]


@pytest.mark.docker
def test_devices_and_directories_in_memory_are_there(containers: World) -> None:
    step = containers.step(
        "a",
        "[ -c /dev/mine ] && df /small | tail -n 1 | awk '{print $1, $2}'",
        UNTIL_SEEN,
        devices=("/dev/full:/dev/mine:r",),
        tmpfs=("/small:size=1m",),
    )
    seen, result = seen_while_it_runs(containers, step, run="devices")
    assert seen["HostConfig"]["Devices"] == [
        {"PathOnHost": "/dev/full", "PathInContainer": "/dev/mine", "CgroupPermissions": "r"}
    ]
    assert seen["HostConfig"]["Tmpfs"] == {"/small": "size=1m"}
    assert result.lines("a") == ["tmpfs 1024", "up"]


@pytest.mark.docker
@pytest.mark.parametrize("is_privileged", [True, False])
def test_a_privileged_step_is_one_and_others_are_not(containers: World, engine: Engine, is_privileged: bool) -> None:  # noqa: FBT001
    """It is only made: an engine that has not all rights itself can't start such a container."""
    place = Place(volume="", shim_volume="", network="none", labels={})
    step = containers.step("a", privileged=is_privileged, network_mode="none")
    options = step_options(containers.job(step), step, {}, place)
    del options["HostConfig"]["Mounts"]
    identifier = engine.create_container(options, f"headrace-test-privileged-{is_privileged}")
    try:
        host = inspect(identifier)["HostConfig"]
    finally:
        engine.remove_container(identifier)
    assert host["Privileged"] == is_privileged
    assert (host["CapDrop"] or []) == ([] if is_privileged else ["ALL"])
    assert host["PidsLimit"] == 4096


@pytest.mark.docker
def test_a_step_runs_as_the_user_it_names(containers: World) -> None:
    step = containers.step("a", "id -u; id -g; touch mine", UNTIL_SEEN, user="1234:5678")
    seen, result = seen_while_it_runs(containers, step, run="user")
    assert seen["Config"]["User"] == "1234:5678"
    assert result.lines("a") == ["1234", "5678", "up"]


NETWORK: dict[str, Any] = {
    "dns": ("192.0.2.53",),
    "dns_search": ("example.org",),
    "extra_hosts": ("db.example.org:192.0.2.7",),
}


@pytest.mark.docker
def test_a_step_with_names_of_its_own_reaches_services_all_the_same(containers: World) -> None:
    """It can't share its lane's network namespace, and joins the job's network by itself."""
    service = containers.step("web", "mkdir /www; echo served > /www/index.html", "httpd -f -p 80 -h /www")
    fetch = "until wget -qO- http://web; do sleep 0.05; done"
    look = "grep db.example.org /etc/hosts | cut -f 1; grep search /etc/resolv.conf"
    step = containers.step("own", fetch, look, UNTIL_SEEN, timeout=60, **NETWORK)
    seen: list[dict[str, Any]] = []
    steps = containers.chain(containers.step("a", fetch, timeout=60), step, containers.step("b", fetch, timeout=60))
    result = containers.run(*steps, services=(service,), run="names", watch=look_once_up(containers, "names", seen))
    assert result.statuses() == {"a": "success", "own": "success", "b": "success", "web": "success"}
    [host] = [each["HostConfig"] for each in seen if each["HostConfig"]["Dns"]]
    assert (host["Dns"], host["DnsSearch"], host["ExtraHosts"]) == tuple(list(each) for each in NETWORK.values())
    assert host["NetworkMode"].startswith("headrace-")
    assert result.lines("own", Stream.STDOUT)[:3] == ["served", "192.0.2.7", "search example.org"]


@pytest.mark.docker
@pytest.mark.parametrize(
    ("mode", "printed"), [("none", "lo"), ("host", "docker0"), ("bridge", "eth0")], ids=["none", "host", "bridge"]
)
def test_a_step_may_have_another_network(containers: World, mode: str, printed: str) -> None:
    step = containers.step("a", "ls /sys/class/net", UNTIL_SEEN, network_mode=mode)
    seen, result = seen_while_it_runs(containers, step, run=f"network-{mode}")
    assert seen["HostConfig"]["NetworkMode"] == mode
    assert printed in result.lines("a")


@pytest.mark.docker
def test_ports_of_a_service_are_declared_and_not_published(containers: World) -> None:
    seen: list[dict[str, Any]] = []
    service = containers.step("db", "sleep 60", ports=("5432", "53/udp"))
    step = containers.step("a", UNTIL_SEEN)
    watch = look_once_up(containers, "ports", seen)
    containers.run(step, services=(service,), run="ports", watch=watch)
    [declared] = [each for each in seen if each["Config"].get("ExposedPorts")]
    assert declared["Config"]["ExposedPorts"] == {"5432/tcp": {}, "53/udp": {}}
    assert not declared["HostConfig"]["PortBindings"]


@pytest.mark.docker
@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"devices": ("/dev/nowhere",)}, "/dev/nowhere"),
        ({"network_mode": "nowhere"}, "network nowhere not found"),
        ({"network_mode": "none", "volumes": ("/a:/headrace",)}, "Duplicate mount point: /headrace"),
        ({"user": "nobody-knows-me"}, "unable to find user nobody-knows-me"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_the_machine_does_not_have_is_an_error_of_that_step_alone(
    containers: World, engine: Engine, keys: dict[str, Any], words: str
) -> None:
    steps = containers.chain(containers.step("a", "true", **keys), containers.step("mourn", on=FAILURE))
    result = containers.run(*steps, run="refused")
    assert result.finished("a").status is Status.ERROR
    assert words in result.finished("a").reason
    assert "\n" not in result.finished("a").reason
    assert result.statuses()["mourn"] == "success"
    assert result.status is Status.ERROR
    assert engine.containers("headrace.run=refused") == []
