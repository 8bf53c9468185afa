"""The courier: brings what is in the outbox to the forges, and nothing of it slows a run.

DESIGN. One thread with an event loop of its own. Repositories are served side by side, each by one task that sends its
letters one after another, so a commit's statuses arrive in their order. A letter is looked up only when its turn has
come, so the newest counts. After a failure that may pass, all that goes to the same forge with the same token waits:
for as long as the forge asks, else twice as long each time. What it refuses for good is sent again only once something
is set anew; what it hasn't taken after a day is given up. An answer that was lost on its way, or a server that ended
before it noted one, has a status sent twice, but none is left out. Trouble is logged when it begins, changes or ends.
"""

import asyncio
import threading

import structlog

from worker.errors import Unavailable
from worker.secrets.sealing import Keyring
from worker.statuses.client import ForgeClient
from worker.statuses.delivery import Delivery
from worker.statuses.pace import Pace
from worker.store import outbox
from worker.store.database import Database

_FAREWELL_SECONDS = 3.0
_PACE = Pace()

log = structlog.get_logger()


class Courier:
    """A thread that tells forges. `server_url` is where the links lead, `proxy` is what forges are reached through."""

    def __init__(
        self, database: Database, keyring: Keyring, *, server_url: str, proxy: str = "", pace: Pace = _PACE
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._server_url = server_url
        self._proxy = proxy
        self._pace = pace
        self._served: dict[int, asyncio.Task[None]] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="courier", daemon=True)

    def start(self) -> None:
        """Begin with what is in the outbox."""
        self._thread.start()

    def is_alive(self) -> bool:
        """True while the thread runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End, and wait for the end; what is on its way has a moment to get there."""
        self._stopping.set()
        self._thread.join()

    async def _run(self) -> None:
        async with ForgeClient(proxy=self._proxy, patience_seconds=self._pace.patience.total_seconds()) as client:
            delivery = Delivery(self._database, self._keyring, client, server_url=self._server_url, pace=self._pace)
            while not self._stopping.is_set():
                try:
                    self._serve_all(delivery)
                except Unavailable as error:
                    log.warning("statuses wait", error=str(error))
                except Exception:
                    log.exception("a round broke", thread="courier")  # the next one may not
                await asyncio.to_thread(self._stopping.wait, self._pace.look.total_seconds())
            await self._take_leave()

    def _serve_all(self, delivery: Delivery) -> None:
        """Begin to serve the repositories that have letters and are not being served."""
        with self._database.read() as connection:
            found = outbox.repositories_with_letters(connection)
        for repository_id in found:
            if repository_id not in self._served:
                self._served[repository_id] = asyncio.create_task(self._serve(delivery, repository_id))

    async def _serve(self, delivery: Delivery, repository_id: int) -> None:
        try:
            await delivery.deliver(repository_id)
        except Unavailable as error:
            log.warning("statuses wait", error=str(error))
        except Exception:
            log.exception("telling a forge broke", repository=repository_id)
        finally:
            del self._served[repository_id]

    async def _take_leave(self) -> None:
        tasks = list(self._served.values())
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=_FAREWELL_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
