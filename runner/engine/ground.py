"""Ground: what the containers of one site stand on: its private network, and on it a sandbox a lane.

DESIGN. A short job waits for its network and the start of its first sandbox more than for anything else, and the two
depend on nothing of the job but the number of addresses. So both begin, in threads, as soon as there is a Ground, and a
backend can be told to begin one before anybody knows which job is to have it.
"""

import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from runner.engine.client import Engine
from runner.engine.machine import Machine
from runner.engine.network import create_network
from runner.engine.ownership import ROLE, SITE
from runner.engine.sandbox import Sandboxes
from runner.engine.spec import Place, sandbox_options

ROOM_AHEAD = 13  # addresses: what the smallest subnet has for containers
_AT_ONCE = 8


class Ground:
    """One site's network and sandboxes, and the threads in which they and what comes on them are made.

    Whoever has it calls `clear` in the end, which removes all that bears the site's `token`, too.
    """

    def __init__(self, machine: Machine, token: str, labels: Mapping[str, str], *, addresses: int) -> None:
        name = f"headrace-{token}"
        self.token = token
        self.addresses = addresses
        self.place = Place(volume=name, shim_volume=f"{name}-shim", network=name, labels=labels)
        self.errands = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="headrace-errand")
        self._machine = machine
        self._network = self.errands.submit(self._create_network)
        self.sandboxes = Sandboxes(self._create_sandbox, self._start_sandbox, self.errands)
        self.sandboxes.begin(0)

    def clear(self) -> None:
        """Stop and remove all of the site. May be called again. Raises BackendError if something is left."""
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
        image = self._machine.sandbox_image
        self._network.result()
        name = f"headrace-{self.token}-lane-{secrets.token_hex(2)}"
        return self._machine.engine.create_container(sandbox_options(image, self.place), name)

    def _start_sandbox(self, sandbox: str) -> None:
        with self._machine.starts:
            self._machine.engine.start(sandbox)


def clear(engine: Engine, token: str, place: Place) -> None:
    """Remove a site's containers, then its network and volumes."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="headrace-errand") as errands:
        found = engine.containers(f"{SITE}={token}")
        ours = [each.name for each in found if ROLE in each.labels]
        others = [each.name for each in found if ROLE not in each.labels]
        for names in (others, ours):  # an engine may refuse to remove a sandbox whose network others use
            list(errands.map(engine.remove_container, names))
        network = errands.submit(engine.remove_network, place.network)
        list(errands.map(engine.remove_volume, (place.volume, place.shim_volume)))
        network.result()
