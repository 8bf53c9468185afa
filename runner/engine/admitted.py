"""Admitted: what a step's container gets of the machine because the plan says so, in the engine's words. Pure.

DESIGN. Whether a repository is trusted with such a key is decided when its files are planned, so the plan is the
allow-list: what is in it was admitted. Only these fields ever come from an author; nothing else of a container does.
"""

from typing import Any

from pipelines.plan import PlannedStep


def has_own_network(step: PlannedStep) -> bool:
    """True if the step can't share the network namespace of its lane: the engine sets these up with a namespace."""
    return bool(step.network_mode or step.dns or step.dns_search or step.extra_hosts)


def admitted_host(step: PlannedStep) -> dict[str, Any]:
    """The part of `HostConfig`; nothing of a key that isn't there."""
    found = {
        "Binds": [volume for volume in step.volumes if ":" in volume],
        "Devices": [_device(device) for device in step.devices],
        "Tmpfs": {path: options for path, _, options in (each.partition(":") for each in step.tmpfs)},
        "Dns": list(step.dns),
        "DnsSearch": list(step.dns_search),
        "ExtraHosts": list(step.extra_hosts),
    }
    return _given(found)


def admitted_config(step: PlannedStep) -> dict[str, Any]:
    """The part that stands beside `HostConfig`: the user, ports that are only declared, volumes without a name."""
    found = {
        "User": step.user,
        "ExposedPorts": {_port(port): {} for port in step.ports},
        "Volumes": {volume: {} for volume in step.volumes if ":" not in volume},
    }
    return _given(found)


def _given(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value}


def _device(text: str) -> dict[str, str]:
    """`source`, `source:target` or `source:target:permissions`."""
    source, *more = text.split(":")
    target = more[0] if more else source
    permissions = more[1] if len(more) > 1 else "rwm"
    return {"PathOnHost": source, "PathInContainer": target, "CgroupPermissions": permissions}


def _port(text: str) -> str:
    """`80`, `53/udp`, or with a port of the machine before it, which is not published."""
    port = text.rpartition(":")[2]
    return port if "/" in port else f"{port}/tcp"
