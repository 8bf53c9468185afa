"""Images: those of one engine. Each is pulled once, however many steps and jobs ask for it at the same time.

DESIGN. A pull runs in a thread of its own and keeps what it has told: lines, and how far it is. Whoever wants the
image follows it: the first sees all, others the newest and what comes, until the pull ends or the follower is stopped.
When the last follower has gone, the pull is broken off. What a pull raised, it raises for each follower. An image that
is to be asked for anew is so once in a run: whoever wants it later in that run takes what came then.
"""

import threading
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import partial

from pipelines.pulls import PullProgress
from runner.engine.client import Engine, EngineInfo, EngineLost, Image
from runner.engine.credentials import Credentials
from runner.engine.pull import Patience, Say, Show, pull
from runner.engine.sandbox import MACHINES
from runner.errors import BackendError, ImageError
from runner.once import Once
from runner.stop import Stop


class PullPolicy(StrEnum):
    """When an image is pulled: if it is missing, once in each run, or not at all."""

    MISSING = "missing"
    ALWAYS = "always"
    NEVER = "never"


_REASONS = {
    PullPolicy.MISSING: "not on this machine",
    PullPolicy.ALWAYS: "to be asked for in each run (`pull: always`)",
}


class Images:
    """The images of one engine, for all its jobs, from any thread. `info` gives the engine's facts, asked for once."""

    def __init__(
        self,
        engine: Engine,
        credentials: Credentials | None = None,
        *,
        info: Callable[[], EngineInfo] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.info = info or Once(engine.info)
        self._engine = engine
        self._credentials = credentials or Credentials()
        self._patience = patience or Patience()
        self._lock = threading.Lock()
        self._pulls: dict[str, _Pull] = {}
        self._fresh: set[tuple[str, str]] = set()  # runs, and the images that were pulled for them

    def ensure(
        self,
        name: str,
        say: Say,
        stop: Stop,
        *,
        show: Show = lambda _progress: None,
        policy: PullPolicy = PullPolicy.MISSING,
        run: str = "",
    ) -> Image | None:
        """The image, which is on the engine's machine on return, with its digest told; None if stopped before.

        If it is pulled, `show` hears how far that is.

        Raises ImageError in one line that names it, BackendError if the engine fails.
        """
        must_pull = policy is PullPolicy.ALWAYS and not self.is_fresh(name, run)
        found = None if must_pull else self._engine.image(name)
        if found is None and policy is PullPolicy.NEVER:
            raise ImageError(f"image {name}: not on this machine, and `pull: never` keeps it from being pulled")
        if found is None:
            self._follow(name, say, show, stop, policy, run)
            if stop.requested:
                return None
            found = self._engine.image(name)
        if found is None:
            raise ImageError(f"image {name}: it was removed as soon as it had been pulled")
        say(recorded(name, found) + _emulated(found, self._architecture))
        return found

    @property
    def _architecture(self) -> str:
        """What the engine's machine runs, as images say it."""
        machine = self.info().architecture
        return MACHINES.get(machine, machine)

    def is_fresh(self, name: str, run: str) -> bool:
        """True if the image was pulled for this run."""
        return (run, name) in self._fresh

    def _follow(self, name: str, say: Say, show: Show, stop: Stop, policy: PullPolicy, run: str) -> None:
        """Follow the pull of an image to its end, or to the stop's."""
        with self._lock:
            first = -1
            if name not in self._pulls:
                first = 0
                self._pulls[name] = _Pull(partial(self._pull, name, _REASONS[policy]))
            under_way = self._pulls[name]
            under_way.followers += 1
        try:
            for news in under_way.news(stop, first=first):
                if isinstance(news, str):
                    say(news)
                else:
                    show(news)
            if run and not stop.requested:
                self._fresh.add((run, name))
        finally:
            self._leave(name, under_way)

    def _leave(self, name: str, under_way: "_Pull") -> None:
        with self._lock:
            under_way.followers -= 1
            is_last = under_way.followers == 0
            if is_last and self._pulls.get(name) is under_way:
                del self._pulls[name]
        if is_last:
            under_way.break_off()

    def _pull(self, name: str, why: str, say: Say, show: Show, stop: Stop) -> None:
        pull(self._engine, name, self._credentials, say, show, stop, why=why, patience=self._patience)


class _Pull:
    """One pull under way. `followers` is counted by its owner."""

    def __init__(self, work: Callable[[Say, Show, Stop], None]) -> None:
        self.followers = 0
        self._work = work
        self._stop = Stop()
        self._changed = threading.Condition()
        self._news: list[str | PullProgress] = []
        self._has_ended = False
        self._failure: Exception | None = None
        threading.Thread(target=self._run, name="headrace-pull", daemon=True).start()

    def break_off(self) -> None:
        """Nobody wants it any more. One that has ended is let be."""
        self._stop.request(self._stop.status, "nobody waits for the image any more")

    def news(self, stop: Stop, *, first: int) -> Iterator[str | PullProgress]:
        """Lines and standings from the first on (-1: the newest) until the pull has ended or `stop` is requested.

        Raises what the pull raised.
        """
        stop.on_request(self._wake)
        position = first if first >= 0 else max(0, len(self._news) - 1)
        while not stop.requested:
            with self._changed:
                while not self._has_news(position, stop):
                    self._changed.wait()
                news, has_ended = self._news[position:], self._has_ended
            yield from news
            position += len(news)
            if has_ended:
                self._raise_failure()
                return

    def _has_news(self, position: int, stop: Stop) -> bool:
        return len(self._news) > position or self._has_ended or stop.requested

    def _raise_failure(self) -> None:
        """An error of its own for each follower: they raise it in threads of their own."""
        if isinstance(self._failure, ImageError):
            raise ImageError(str(self._failure)) from self._failure
        if isinstance(self._failure, EngineLost):
            raise EngineLost(str(self._failure)) from self._failure
        if self._failure is not None:
            raise BackendError(str(self._failure)) from self._failure

    def _run(self) -> None:
        try:
            self._work(self._tell, self._tell, self._stop)
        except Exception as failure:  # noqa: BLE001 - whatever broke is for the followers to raise
            self._failure = failure
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def _tell(self, news: str | PullProgress) -> None:
        with self._changed:
            self._news.append(news)
            self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


def recorded(name: str, image: Image) -> str:
    """The line that tells for good which image a name meant: `image node:24 at sha256:…`."""
    found = identity(name, image)
    return f"image {name} at {found}" + (", made on this machine" if found == image.id else "")


def identity(name: str, image: Image) -> str:
    """Which image a name meant, for good: its digest there, or its id if no registry has it."""
    repository = name.partition("@")[0]
    if ":" in repository.rpartition("/")[2]:
        repository = repository.rpartition(":")[0]
    digests = [digest.partition("@") for digest in image.digests]
    own = [digest for known, _, digest in digests if known == repository] or [digest for _, _, digest in digests]
    return own[0] if own else image.id


def _emulated(image: Image, architecture: str) -> str:
    """What is to be said of an image for another machine: whether the engine emulates that can't be asked."""
    if image.architecture in ("", architecture):
        return ""
    return f"; it is for {image.architecture}: elsewhere it runs only where that is emulated"
