"""Spec: what the engine is asked to make, as plain values. Pure: tests compare it whole.

A step gets no more than it needs: all capabilities dropped but the engine's usual ones without raw sockets, device
nodes and the audit log; no new privileges; a bound on processes; an init that reaps them; no log driver, because we
read its output as it comes and keep it ourselves. Its program waits behind a gate (`runner/shim`) that a volume brings
into the container; services and detached steps, which start when they are made, need none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.plan import PlannedJob, PlannedStep
from runner.engine.admitted import admitted_config, admitted_host, has_own_network
from runner.engine.limits import NO_ALLOWANCE, Allowance, Limits, limits_of
from runner.engine.ownership import FILES, ROLE, SANDBOX
from runner.engine.sandbox import FILES_AT, SHIM, SHIM_DIRECTORY
from runner.environment import step_directory
from runner.script import program

CAPABILITIES = (
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
)

NO_NETWORK = "none"

Options = dict[str, Any]
"""The body of the engine's `POST /containers/create`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a site's containers live: names in the engine, and the labels of all it makes.

    `volume` holds the workspace, `shim_volume` our program; `allowance` is what the machine has for each container.
    """

    volume: str
    shim_volume: str
    network: str
    labels: Mapping[str, str]
    allowance: Allowance = NO_ALLOWANCE


def step_options(
    job: PlannedJob,
    step: PlannedStep,
    environment: Mapping[str, str],
    place: Place,
    *,
    sandbox: str = "",
    image_program: Sequence[str] = (),
) -> Options:
    """A step's container behind its gate, in the network namespace of a sandbox container.

    A step that `has_own_network` needs no sandbox: a namespace that is shared can't be changed for one of those in it.
    `image_program` is what the image itself would run, for a step that `runs_image_program`.
    """
    options = _container(job, step, environment, place)
    program = options.get("Entrypoint") or list(image_program)
    # Once: the gate's input closes when we are gone, so that it ends by itself.
    options |= {"Entrypoint": [SHIM, *program], "OpenStdin": True, "StdinOnce": True}
    host = options["HostConfig"]
    host["NetworkMode"] = _own_network(step, place) if has_own_network(step) else f"container:{sandbox}"
    host["Mounts"].append({**_mount(place.shim_volume, SHIM_DIRECTORY), "ReadOnly": True})
    return options


def program_behind_gate(options: Options) -> str:
    """What a step's gate becomes, without arguments."""
    return str(options["Entrypoint"][1])


def runs_image_program(step: PlannedStep) -> bool:
    """True if the step leaves it to its image what runs."""
    return step.entrypoint is None and not step.commands


def service_options(job: PlannedJob, service: PlannedStep, environment: Mapping[str, str], place: Place) -> Options:
    """A service's container, on the job's network under its own name, or on the network that it names."""
    options = _container(job, service, environment, place)
    options["HostConfig"]["NetworkMode"] = _own_network(service, place)
    if not service.network_mode:
        options["NetworkingConfig"] = {"EndpointsConfig": {place.network: {"Aliases": [service.name]}}}
    return options


def _own_network(step: PlannedStep, place: Place) -> str:
    return step.network_mode or place.network


def sandbox_options(image: str, place: Place, *, network: str) -> Options:
    """The container that holds a lane's network, on this one to begin with."""
    labels = {**place.labels, ROLE: SANDBOX}
    host = {**_restrictions(), "NetworkMode": network}
    return {"Image": image, "User": "65534:65534", "Labels": labels, "HostConfig": host}


def files_options(image: str, place: Place) -> Options:
    """The container that is never started, through which the workspace is filled and read, at `FILES_AT`.

    The volumes are mounted over the image's own directories, whose mode and content the engine gives to empty ones.
    """
    labels = {**place.labels, ROLE: FILES}
    places = ((place.volume, FILES_AT), (place.shim_volume, SHIM_DIRECTORY))
    mounts = [{"Type": "volume", "Source": volume, "Target": target} for volume, target in places]
    host = {**_restrictions(), "NetworkMode": NO_NETWORK, "Mounts": mounts}
    return {"Image": image, "User": "65534:65534", "Labels": labels, "HostConfig": host}


def _container(job: PlannedJob, step: PlannedStep, environment: Mapping[str, str], place: Place) -> Options:
    options: Options = {
        "Image": step.image,
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "Labels": dict(place.labels),
        "WorkingDir": job.workspace,
        "HostConfig": {
            **(_privileges() if step.privileged else _restrictions()),
            **limits_of(step.resources, place.allowance).for_engine(),
            "Init": True,
            "Mounts": [_mount(place.volume, job.workspace_base)],
            **admitted_host(step),
        },
    }
    return {**options, **admitted_config(step), **_program(job, step)}


def _program(job: PlannedJob, step: PlannedStep) -> Options:
    """What runs: the commands in a shell, the author's entry point, or the image's own, with arguments or without."""
    directory = step_directory(job, step)
    if step.entrypoint is not None:
        return {"Entrypoint": list(step.entrypoint), "WorkingDir": directory}
    if step.commands:
        return {"Entrypoint": list(program(step.commands, directory, step.shell))}
    if step.arguments:
        return {"Cmd": list(step.arguments), "WorkingDir": directory}
    return {"WorkingDir": directory}


def _restrictions() -> Options:
    return {
        "CapDrop": ["ALL"],
        "CapAdd": list(CAPABILITIES),
        "SecurityOpt": ["no-new-privileges"],
        "LogConfig": {"Type": "none"},
        **Limits().for_engine(),
    }


def _privileges() -> Options:
    return {"Privileged": True, "LogConfig": {"Type": "none"}}


def _mount(volume: str, target: str) -> Options:
    # Without NoCopy the engine would fill an empty volume from the image's directory of that name.
    return {"Type": "volume", "Source": volume, "Target": target, "VolumeOptions": {"NoCopy": True}}
