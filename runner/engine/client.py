"""Engine: all that we ask of a container engine, in one list. `calls/` has each of them by its noun.

What an engine answers and how it says no come from here, too, for whoever speaks to one.
"""

from runner.engine.answers import ContainerState, EngineInfo, EngineKind, Image, Labelled
from runner.engine.calls import builds, commands, containers, files, images, machine, networks, volumes
from runner.engine.connection import Connection
from runner.engine.refusals import EngineLost, EngineRefusal, EngineSilence, ImageMissing

__all__ = [
    "ContainerState",
    "Engine",
    "EngineInfo",
    "EngineKind",
    "EngineLost",
    "EngineRefusal",
    "EngineSilence",
    "Image",
    "ImageMissing",
    "Labelled",
]


class Engine(Connection):
    """One container engine. Any thread may call it; every call answers or raises BackendError."""

    info = machine.info

    create_container = containers.create_container
    attach = containers.attach
    start = containers.start
    wait = containers.wait
    state = containers.state
    signal = containers.signal
    remove_container = containers.remove_container
    containers = containers.containers
    execute = commands.execute

    put_archive = files.put_archive
    get_archive = files.get_archive
    is_symbolic_link = files.is_symbolic_link

    create_network = networks.create_network
    subnets = networks.subnets
    join_network = networks.join_network
    leave_network = networks.leave_network
    remove_network = networks.remove_network
    networks = networks.networks

    create_volume = volumes.create_volume
    volume_directory = volumes.volume_directory
    remove_volume = volumes.remove_volume
    volumes = volumes.volumes

    image = images.image
    has_image = images.has_image
    import_image = images.import_image
    pull = images.pull
    tag_image = images.tag_image
    tags_of = images.tags_of
    remove_image = images.remove_image
    build_image = builds.build_image
