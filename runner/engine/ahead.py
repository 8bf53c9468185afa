"""PullsAhead: all images of a job, asked for when it begins, so that most are there when their step's turn comes."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from pipelines.status import Status
from runner.engine.images import Images, PullPolicy
from runner.engine.pullnews import PullNews
from runner.errors import BackendError
from runner.stop import Stop

AT_ONCE = 3  # what an engine downloads at once by default, in layers; more only makes the first image later


class PullsAhead:
    """Pulls under way until `close`. A step that wants its image sooner pulls it itself or follows the pull here."""

    def __init__(self, images: Images, news: PullNews, *, run: str) -> None:
        self._images = images
        self._news = news
        self._run = run
        self._stop = Stop()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="headrace-ahead")

    def begin(self, wanted: Mapping[tuple[str, PullPolicy], tuple[str, ...]]) -> None:
        """Pull these images in their order, some at once, for the steps that want them so."""
        for (name, policy), steps in wanted.items():
            if policy is not PullPolicy.NEVER:
                self._pool.submit(self._ensure, name, policy, steps)

    def close(self) -> None:
        """Give up what has not come: nobody needs it any more. May be called again."""
        self._stop.request(Status.CANCELLED, "the job has ended")
        self._pool.shutdown(cancel_futures=True)

    def _ensure(self, name: str, policy: PullPolicy, steps: tuple[str, ...]) -> None:
        """What goes wrong here is met again by the step, which has a log to tell it in."""
        with suppress(BackendError), self._news.of(name, steps) as show:
            self._images.ensure(name, lambda _line: None, self._stop, show=show, policy=policy, run=self._run)
