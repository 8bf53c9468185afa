"""PullsAhead: all images of a job, asked for when it begins, so that most are there when their step's turn comes."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from pipelines.plan import PlannedJob
from pipelines.status import Status
from runner.engine.images import Images
from runner.errors import BackendError
from runner.stop import Stop

AT_ONCE = 3  # what an engine downloads at once by default, in layers; more only makes the first image later


class PullsAhead:
    """Pulls under way until `close`. A step that wants its image sooner pulls it itself or follows the pull here."""

    def __init__(self, images: Images) -> None:
        self._images = images
        self._stop = Stop()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="headrace-ahead")

    def begin(self, names: Iterable[str]) -> None:
        """Pull what is missing of these images, in their order, some at once."""
        for name in dict.fromkeys(names):
            self._pool.submit(self._ensure, name)

    def close(self) -> None:
        """Give up what has not come: nobody needs it any more. May be called again."""
        self._stop.request(Status.CANCELLED, "the job has ended")
        self._pool.shutdown(cancel_futures=True)

    def _ensure(self, name: str) -> None:
        """What goes wrong here is met again by the step, which has a log to tell it in."""
        with suppress(BackendError):
            self._images.ensure(name, lambda _line: None, self._stop)


def images_of(job: PlannedJob) -> list[str]:
    """The images of the services and steps that may run, in the order in which they are needed."""
    return [each.image for each in (*job.services, *job.steps) if each.included]
