"""What the engine is asked for, compared whole."""

from dataclasses import replace
from typing import Any

import pytest

from pipelines.details import Resources
from pipelines.plan import PlannedJob, PlannedStep
from runner.engine.limits import Allowance
from runner.engine.sandbox import FILES_AT
from runner.engine.spec import (
    CAPABILITIES,
    Place,
    files_options,
    sandbox_options,
    service_options,
    step_options,
)
from runner.script import script

PLACE = Place(volume="headrace-1", shim_volume="headrace-1-shim", network="headrace-1", labels={"headrace.run": "r1"})
JOB = PlannedJob(name="build", workflow="build", file="", workspace_base="/headrace", workspace="/headrace/src/a/b")
WORKSPACE = [
    {"Type": "volume", "Source": "headrace-1", "Target": "/headrace", "VolumeOptions": {"NoCopy": True}},
]
HOST = {
    "CapDrop": ["ALL"],
    "CapAdd": list(CAPABILITIES),
    "SecurityOpt": ["no-new-privileges"],
    "PidsLimit": 4096,
    "LogConfig": {"Type": "none"},
}
SHIM_MOUNT = {"Type": "volume", "Source": "headrace-1-shim", "Target": "/.headrace"}
GATED = {
    "Labels": {"headrace.run": "r1"},
    "OpenStdin": True,
    "StdinOnce": True,
    "HostConfig": {
        **HOST,
        "Init": True,
        "NetworkMode": "container:lane-1",
        "Mounts": [*WORKSPACE, {**SHIM_MOUNT, "VolumeOptions": {"NoCopy": True}, "ReadOnly": True}],
    },
}

SCRIPT = script(("pip list", "pytest"), "/headrace/src/a/b")


def test_a_step_with_commands_is_one_shell_behind_its_gate_in_a_lane() -> None:
    step = PlannedStep(name="test", image="python:3.12", commands=("pip list", "pytest"))
    assert step_options(JOB, step, {"CI": "true"}, PLACE, sandbox="lane-1") == {
        **GATED,
        "Image": "python:3.12",
        "Env": ["CI=true"],
        "WorkingDir": "/headrace/src/a/b",
        "Entrypoint": ["/.headrace/shim", "/bin/sh", "-e", "-c", SCRIPT],
    }


def test_a_plugins_own_program_comes_behind_the_gate() -> None:
    step = PlannedStep(name="deploy", image="plugin", directory="site")
    program = ("/bin/plugin", "--all")
    assert step_options(JOB, step, {}, PLACE, sandbox="lane-1", image_program=program) == {
        **GATED,
        "Image": "plugin",
        "Env": [],
        "WorkingDir": "/headrace/src/a/b/site",
        "Entrypoint": ["/.headrace/shim", "/bin/plugin", "--all"],
    }


def test_arguments_go_to_the_images_program() -> None:
    options = service_options(JOB, PlannedStep(name="db", image="mysql", arguments=("--verbose",)), {}, PLACE)
    assert (options["Cmd"], options.get("Entrypoint")) == (["--verbose"], None)


def test_an_entry_point_runs_in_place_of_the_shell() -> None:
    step = PlannedStep(name="a", image="i", entrypoint=("node",), commands=("1 + 1",), directory="/opt")
    options = step_options(JOB, step, {}, PLACE, sandbox="lane-1")
    assert (options["Entrypoint"], options["WorkingDir"]) == (["/.headrace/shim", "node"], "/opt")


def test_a_service_is_on_the_network_under_its_name() -> None:
    options = service_options(JOB, PlannedStep(name="db", image="postgres"), {}, PLACE)
    assert options["HostConfig"] == {**HOST, "Init": True, "NetworkMode": "headrace-1", "Mounts": WORKSPACE}
    assert "OpenStdin" not in options
    assert options["NetworkingConfig"] == {"EndpointsConfig": {"headrace-1": {"Aliases": ["db"]}}}


def test_a_sandbox_is_nobody_and_holds_the_network_alone() -> None:
    assert sandbox_options("headrace/sandbox:1", PLACE, network="headrace-1") == {
        "Image": "headrace/sandbox:1",
        "User": "65534:65534",
        "Labels": {"headrace.run": "r1", "headrace.role": "sandbox"},
        "HostConfig": {**HOST, "NetworkMode": "headrace-1"},
    }


def test_both_volumes_of_the_files_container_become_what_the_sandboxes_image_has_there() -> None:
    files = {"Type": "volume", "Source": WORKSPACE[0]["Source"], "Target": FILES_AT}
    assert files_options("headrace/sandbox:1", PLACE) == {
        "Image": "headrace/sandbox:1",
        "User": "65534:65534",
        "Labels": {"headrace.run": "r1", "headrace.role": "files"},
        "HostConfig": {**HOST, "NetworkMode": "none", "Mounts": [files, SHIM_MOUNT]},
    }


def test_a_privileged_step_is_not_held_back() -> None:
    """The plan says so only where an administrator trusts the repository."""
    step = PlannedStep(name="a", image="i", privileged=True)
    host = step_options(JOB, step, {}, PLACE, sandbox="lane-1")["HostConfig"]
    assert host["Privileged"]
    assert "CapDrop" not in host


@pytest.mark.parametrize("own", [{"dns": ("192.0.2.1",)}, {"dns_search": ("a",)}, {"extra_hosts": ("a:192.0.2.1",)}])
def test_a_step_with_names_of_its_own_is_on_the_jobs_network_and_in_no_lane(own: dict[str, Any]) -> None:
    """A container that joins another's network namespace can't have them."""
    options = step_options(JOB, PlannedStep(name="a", image="i", commands=("c",), **own), {}, PLACE, sandbox="lane-1")
    assert options["HostConfig"]["NetworkMode"] == "headrace-1"
    assert "NetworkingConfig" not in options


def test_a_network_mode_takes_the_place_of_the_jobs_network() -> None:
    step = PlannedStep(name="a", image="i", commands=("c",), network_mode="host")
    assert step_options(JOB, step, {}, PLACE, sandbox="lane-1")["HostConfig"]["NetworkMode"] == "host"
    options = service_options(JOB, step, {}, PLACE)
    assert (options["HostConfig"]["NetworkMode"], options.get("NetworkingConfig")) == ("host", None)


def test_resources_are_limits_and_the_machine_s_memory_is_for_those_that_do_not_say() -> None:
    place = replace(PLACE, allowance=Allowance(cpus=2, memory_bytes=900))
    plain, small = (
        step_options(JOB, PlannedStep(name="a", image="i", resources=resources), {}, place)["HostConfig"]
        for resources in (None, Resources(memory=100, pids=5))
    )
    assert (plain["Memory"], plain["MemorySwap"], plain["PidsLimit"]) == (900, 900, 4096)
    assert (small["Memory"], small["MemorySwap"], small["PidsLimit"]) == (100, 100, 5)


def test_commands_are_read_by_the_shell_that_the_step_names() -> None:
    step = PlannedStep(name="a", image="i", commands=("c",), shell=("bash", "-x"))  # noqa: S604 - a value
    entrypoint = step_options(JOB, step, {}, PLACE, sandbox="lane-1")["Entrypoint"]
    assert entrypoint[:5] == ["/.headrace/shim", "bash", "-x", "-e", "-c"]


def test_raw_sockets_device_nodes_and_the_audit_log_are_not_for_steps() -> None:
    assert not {"NET_RAW", "MKNOD", "AUDIT_WRITE", "SYS_ADMIN"}.intersection(CAPABILITIES)
