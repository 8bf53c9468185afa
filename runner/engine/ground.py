"""Ground: what the containers of one site stand on: a private network with a sandbox a lane, and its volumes.

DESIGN. A short job waits for its network and the start of its first sandbox more than for anything else, and they
depend on nothing of the job but the number of addresses. So they begin, in threads, as soon as there is a Ground, and a
backend can be told to begin one before anybody knows which job is to have it.
At the end, most of the time goes by while the engine takes down the network, and it takes a sandbox off it faster than
it removes one that is on it. So the sandboxes leave the network first, while the last step's container is removed;
then they and the network go at the same time.
"""

import secrets
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial

from runner.engine.client import Engine, EngineKind, EngineRefusal
from runner.engine.machine import Machine
from runner.engine.network import create_network
from runner.engine.ownership import ROLE, SANDBOX, SITE
from runner.engine.sandbox import Sandboxes, put_shim
from runner.engine.spec import NO_NETWORK, Place, files_options, sandbox_options
from runner.errors import BackendError

ROOM_AHEAD = 13  # addresses: what the smallest subnet has for containers
_AT_ONCE = 8


class Ground:
    """One site's network, sandboxes and volumes, and the threads in which they and what comes on them are made.

    Whoever has it calls `clear` in the end, which removes all that bears the site's `token`, too.
    """

    def __init__(self, machine: Machine, token: str, labels: Mapping[str, str], *, addresses: int) -> None:
        name = f"headrace-{token}"
        self.token = token
        self.addresses = addresses
        self.place = Place(volume=name, shim_volume=f"{name}-shim", network=name, labels=labels)
        self.files_name = f"{name}-files"
        self.errands = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="headrace-errand")
        self._machine = machine
        self._is_left = False
        self._network = self.errands.submit(self._create_network)
        self.sandboxes = Sandboxes(self._create_sandbox, self._start_sandbox, self._join_network, self.errands)
        self.sandboxes.begin(0)
        self._files = self.errands.submit(self._create_files)

    @property
    def files(self) -> str:
        """The container through which the workspace is filled and read, volumes and all. Raises BackendError."""
        return self._files.result()

    @contextmanager
    def spare_files(self) -> Iterator[str]:
        """One more container like `files`, for the block: each does one thing at a time. Raises BackendError."""
        name = f"{self.files_name}-{secrets.token_hex(2)}"
        with spare_files(self._machine.engine, self._machine.sandbox_image, self.place, name) as container:
            yield container

    def clear(self) -> None:
        """Stop and remove all of the site. May be called again. Raises BackendError if something is left."""
        if not self._is_left:
            self._is_left = True
            for sandbox in self.sandboxes.on_network:
                self.errands.submit(_leave, self._machine.engine, self.place.network, sandbox)
        self.errands.shutdown()
        clear(self._machine.engine, self.token, self.place)

    def _create_network(self) -> None:
        create_network(
            self._machine.engine,
            self.place.network,
            addresses=self.addresses,
            pool=self._machine.network_range,
            labels=self.place.labels,
        )

    def _create_sandbox(self) -> str:
        options = sandbox_options(self._machine.sandbox_image, self.place, network=self._first_network)
        return self._machine.engine.create_container(options, f"headrace-{self.token}-lane-{secrets.token_hex(2)}")

    @property
    def _first_network(self) -> str:
        """What a sandbox is on when it starts: none, so that it doesn't wait for the site's."""
        if self._may_join_later:
            return NO_NETWORK
        self._network.result()
        return self.place.network

    @property
    def _may_join_later(self) -> bool:
        return self._machine.info.kind is not EngineKind.PODMAN  # which takes none on a network that was on none

    def _create_files(self) -> str:
        engine = self._machine.engine
        for volume in (self.place.volume, self.place.shim_volume):
            engine.create_volume(volume, self.place.labels)
        options = files_options(self._machine.sandbox_image, self.place)
        files = engine.create_container(options, self.files_name)
        info = self._machine.info
        if info.kind is EngineKind.PODMAN:  # which doesn't fill a volume before a container starts
            put_shim(engine, files, info.architecture)
        return files

    def _start_sandbox(self, sandbox: str) -> None:
        with self._machine.starts:
            self._machine.engine.start(sandbox)

    def _join_network(self, sandbox: str) -> None:
        self._network.result()
        if self._may_join_later:
            self._machine.engine.leave_network(NO_NETWORK, sandbox)
            self._machine.engine.join_network(self.place.network, sandbox)


@contextmanager
def spare_files(engine: Engine, image: str, place: Place, name: str) -> Iterator[str]:
    """A container with the workspace's volume. What can't be removed after the block bears the place's labels."""
    container = engine.create_container(files_options(image, place), name)
    try:
        yield container
    finally:
        with suppress(BackendError):
            engine.remove_container(container)


def clear(engine: Engine, token: str, place: Place) -> None:
    """Remove a site's containers, network and volumes. Raises BackendError if something is left."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="headrace-errand") as errands:
        found = engine.containers(f"{SITE}={token}")
        ours = [each.name for each in found if ROLE in each.labels]
        sandboxes = [each.name for each in found if each.labels.get(ROLE) == SANDBOX]
        others = [each.name for each in found if ROLE not in each.labels]
        # Before the sandboxes: an engine may refuse to remove one whose network others use.
        list(errands.map(engine.remove_container, others))
        list(errands.map(partial(_leave, engine, place.network), sandboxes))
        early = errands.submit(engine.remove_network, place.network)
        list(errands.map(engine.remove_container, ours))
        list(errands.map(engine.remove_volume, (place.volume, place.shim_volume)))
    if early.exception() is not None:  # an engine that lets nobody off a network
        engine.remove_network(place.network)


def _leave(engine: Engine, network: str, sandbox: str) -> None:
    """Take a sandbox off its network. If the engine won't, it goes with the sandbox."""
    with suppress(EngineRefusal):
        engine.leave_network(network, sandbox)
