"""Calls about networks."""

from collections.abc import Mapping
from typing import Any

from runner.engine.answers import Labelled
from runner.engine.connection import Connection


def create_network(engine: Connection, name: str, subnet: str, labels: Mapping[str, str]) -> None:
    """Make a bridge network with just this subnet. Raises EngineRefusal also if the subnet is taken."""
    with engine.call(f"create the network {subnet}") as client:
        addresses: Any = {"Driver": "default", "Config": [{"Subnet": subnet}]}  # the library's own type is such a dict
        client.create_network(name, driver="bridge", ipam=addresses, labels=dict(labels))


def subnets(engine: Connection) -> list[str]:
    """The subnets of all the engine's networks."""
    with engine.call("list networks") as client:
        configs = [network["IPAM"]["Config"] or [] for network in client.networks()]
    return [config["Subnet"] for several in configs for config in several if "Subnet" in config]


def join_network(engine: Connection, name: str, container: str) -> None:
    """Take a container, which may run already, on a network."""
    with engine.call("take a container on a network") as client:
        client.connect_container_to_network(container, name)


def leave_network(engine: Connection, name: str, container: str) -> None:
    """Take a container off a network at once. Raises EngineRefusal, also if it isn't on it."""
    with engine.call("take a container off a network") as client:
        client.disconnect_container_from_network(container, name, force=True)


def remove_network(engine: Connection, name: str) -> None:
    """Remove a network. One that is gone is let be."""
    with engine.call("remove a network", tolerated=(404,)) as client:
        client.remove_network(name)


def networks(engine: Connection, label: str) -> list[Labelled]:
    """All networks with this label."""
    with engine.call("list networks") as client:
        found = client.networks(filters={"label": [label]})
    return [Labelled(name=each["Id"], labels=each["Labels"]) for each in found]
