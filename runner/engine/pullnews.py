"""PullNews: tells where the pulls of one job's images stand, for those who read its Records."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from pipelines.pulls import PullProgress
from runner.backend import PullSink
from runner.engine.pull import Show


class PullNews:
    """For one job. An image may be waited for in several places at once: who came first tells of it."""

    def __init__(self, sink: PullSink) -> None:
        self._sink = sink
        self._lock = threading.Lock()
        self._in_hand: set[tuple[str, tuple[str, ...]]] = set()

    @contextmanager
    def of(self, image: str, steps: tuple[str, ...]) -> Iterator[Show]:
        """Within the block, takes what comes of the pull of an image that these steps want; at its end tells that."""
        with self._lock:
            is_in_hand = (image, steps) in self._in_hand
            self._in_hand.add((image, steps))
        if is_in_hand:
            yield lambda _progress: None
            return
        last: list[PullProgress] = []

        def show(progress: PullProgress) -> None:
            last[:] = [progress]
            self._sink(image, steps, progress)

        try:
            yield show
        finally:
            with self._lock:
                self._in_hand.discard((image, steps))
            if last:
                self._sink(image, steps, replace(last[0], has_ended=True))
