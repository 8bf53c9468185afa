"""The supervisor: keeps child processes running, and ends them in order.

DESIGN. A child that ends by itself is started again, after a pause that grows while it keeps ending at once. Children
have sessions of their own, so that Ctrl-C reaches the supervisor alone and it decides who ends when. If the supervisor
itself is killed, the kernel asks the children to end.
"""

import math
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from worker.errors import Unavailable

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0
_GOOD_LIFE_SECONDS = 30.0
_LAST_WORDS_SECONDS = 20.0
_LOOK_SECONDS = 0.05

log = structlog.get_logger()


def headrace_command(*arguments: str) -> list[str]:
    """How to run one of our own commands: with this Python, and never with modules from the current directory."""
    return [sys.executable, "-P", "-m", "runner.cli", *arguments]


@dataclass(kw_only=True)
class Child:
    """A program to keep running. `environment` is the whole of it; `pass_fds` stay open in it."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    pass_fds: Sequence[int] = ()
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    started_at: float = field(default=0.0, init=False)
    pause_seconds: float = field(default=_FIRST_PAUSE_SECONDS, init=False)

    def start(self) -> None:
        """Start it, in a session of its own."""
        self.process = subprocess.Popen(
            self.command,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            pass_fds=tuple(self.pass_fds),
            start_new_session=True,
        )
        self.started_at = time.monotonic()

    def next_pause(self) -> float:
        """How long to wait before it is started again."""
        if time.monotonic() - self.started_at > _GOOD_LIFE_SECONDS:
            self.pause_seconds = _FIRST_PAUSE_SECONDS
        pause, self.pause_seconds = self.pause_seconds, min(self.pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
        return pause

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for its end; False if it goes on for longer."""
        try:
            if self.process:
                self.process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            return False
        return True


def _have_ended(children: Sequence[Child], within_seconds: float) -> bool:
    deadline = time.monotonic() + within_seconds
    return all(child.wait(max(0.0, deadline - time.monotonic())) for child in children)


class Supervisor:
    """Keeps children running until `stop` is asked for."""

    def __init__(self) -> None:
        self._children: list[Child] = []
        self._is_stopping = threading.Event()

    def keep(self, child: Child) -> None:
        """Start a child, and start it again whenever it ends."""
        self._children.append(child)
        child.start()
        threading.Thread(target=self._watch, args=(child,), name=child.name, daemon=True).start()

    def stop(self, name: str, *, patience_seconds: float, on_wait: Callable[[], None] = lambda: None) -> None:
        """End the children of this name: ask, ask again when the patience is over, and kill what is still there.

        `on_wait` is called once if they don't end at once. Our workers take the second asking as "stop the job, too".
        """
        self._is_stopping.set()
        children = [child for child in self._children if child.name == name]
        waits = ((signal.SIGTERM, patience_seconds), (signal.SIGTERM, _LAST_WORDS_SECONDS), (signal.SIGKILL, 5.0))
        for number, seconds in waits:
            for child in children:
                child.signal(number)
            if _have_ended(children, 0.5):
                return
            on_wait()
            if _have_ended(children, seconds):
                return
            log.warning("did not end in time", child=name, signal=number.name)

    def wait_until_ready(
        self,
        name: str,
        is_ready: Callable[[], bool],
        *,
        is_to_end: threading.Event,
        patience_seconds: float,
        on_wait: Callable[[], None],
    ) -> None:
        """Wait while the children of this name live, or until `is_to_end`. `on_wait` is called once, after a while.

        Raises Unavailable if one of them ends.
        """
        impatient_at = time.monotonic() + patience_seconds
        while not is_ready() and not is_to_end.wait(_LOOK_SECONDS):
            if self._has_failed(name):
                raise Unavailable(f"{name} ended at once: what it said stands above")
            if time.monotonic() > impatient_at:
                impatient_at = math.inf
                on_wait()

    def _has_failed(self, name: str) -> bool:
        """True if a child of this name has ended by itself and waits to be started again."""
        return any(child.name == name and child.process and child.process.poll() for child in self._children)

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the children of this name."""
        for child in self._children:
            if child.name == name:
                child.signal(number)

    def _watch(self, child: Child) -> None:
        while child.process:
            code = child.process.wait()
            if self._is_stopping.is_set():
                return
            pause = child.next_pause()
            log.warning("ended by itself; starting it again", child=child.name, code=code, pause_seconds=pause)
            if self._is_stopping.wait(pause):
                return
            child.start()
