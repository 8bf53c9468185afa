"""What the engine is asked for, compared whole."""

import shlex

from pipelines.plan import PlannedJob, PlannedStep
from runner.engine.spec import CAPABILITIES, Place, sandbox_options, service_options, step_options
from runner.script import script

PLACE = Place(volume="headrace-1", network="headrace-1", labels={"headrace.run": "r1"})
JOB = PlannedJob(name="build", workflow="build", file="", workspace_base="/headrace", workspace="/headrace/src/a/b")
HOST = {
    "CapDrop": ["ALL"],
    "CapAdd": list(CAPABILITIES),
    "SecurityOpt": ["no-new-privileges"],
    "PidsLimit": 4096,
    "LogConfig": {"Type": "none"},
    "Mounts": [{"Type": "volume", "Source": "headrace-1", "Target": "/headrace", "VolumeOptions": {"NoCopy": True}}],
}

SCRIPT = """\
[ -d /headrace/src/a/b ] || mkdir -p /headrace/src/a/b
cd /headrace/src/a/b
printf '%s\\n' '+ pip list'
pip list
printf '%s\\n' '+ pytest'
pytest
"""


def test_a_step_with_commands_is_one_shell_in_a_lane() -> None:
    step = PlannedStep(name="test", image="python:3.12", commands=("pip list", "pytest"))
    assert step_options(JOB, step, {"CI": "true"}, PLACE, sandbox="lane-1") == {
        "Image": "python:3.12",
        "Env": ["CI=true"],
        "Labels": {"headrace.run": "r1"},
        "WorkingDir": "/headrace/src/a/b",
        "Entrypoint": [
            "/bin/sh",
            "-e",
            "-c",
            SCRIPT,
        ],
        "HostConfig": {**HOST, "Init": True, "NetworkMode": "container:lane-1"},
    }


def test_a_plugin_keeps_its_images_program() -> None:
    step = PlannedStep(name="deploy", image="plugin", directory="site")
    assert step_options(JOB, step, {}, PLACE, sandbox="lane-1") == {
        "Image": "plugin",
        "Env": [],
        "Labels": {"headrace.run": "r1"},
        "WorkingDir": "/headrace/src/a/b/site",
        "HostConfig": {**HOST, "Init": True, "NetworkMode": "container:lane-1"},
    }


def test_arguments_go_to_the_images_program() -> None:
    options = service_options(JOB, PlannedStep(name="db", image="mysql", arguments=("--verbose",)), {}, PLACE)
    assert (options["Cmd"], options.get("Entrypoint")) == (["--verbose"], None)


def test_an_entry_point_runs_in_place_of_the_shell() -> None:
    step = PlannedStep(name="a", image="i", entrypoint=("node",), commands=("1 + 1",), directory="/opt")
    options = step_options(JOB, step, {}, PLACE, sandbox="lane-1")
    assert (options["Entrypoint"], options["WorkingDir"]) == (["node"], "/opt")


def test_a_service_is_on_the_network_under_its_name() -> None:
    options = service_options(JOB, PlannedStep(name="db", image="postgres"), {}, PLACE)
    assert options["HostConfig"] == {**HOST, "Init": True, "NetworkMode": "headrace-1"}
    assert options["NetworkingConfig"] == {"EndpointsConfig": {"headrace-1": {"Aliases": ["db"]}}}


def test_a_sandbox_is_nobody_with_the_workspace() -> None:
    assert sandbox_options("headrace/sandbox:1", "/headrace", PLACE) == {
        "Image": "headrace/sandbox:1",
        "User": "65534:65534",
        "Labels": {"headrace.run": "r1", "headrace.role": "sandbox"},
        "HostConfig": {**HOST, "NetworkMode": "headrace-1"},
    }


def test_a_privileged_step_is_not_held_back() -> None:
    """The plan says so only where an administrator trusts the repository."""
    step = PlannedStep(name="a", image="i", privileged=True)
    host = step_options(JOB, step, {}, PLACE, sandbox="lane-1")["HostConfig"]
    assert host["Privileged"]
    assert "CapDrop" not in host


def test_raw_sockets_device_nodes_and_the_audit_log_are_not_for_steps() -> None:
    assert not {"NET_RAW", "MKNOD", "AUDIT_WRITE", "SYS_ADMIN"}.intersection(CAPABILITIES)


def test_a_command_is_echoed_as_it_stands_whatever_it_holds() -> None:
    command = "echo 'it''s' \"$HOME\" `id` \\n %s"
    echo = script((command,), "/w").splitlines()[2]
    assert shlex.split(echo) == ["printf", "%s\\n", f"+ {command}"]
