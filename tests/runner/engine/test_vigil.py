"""A Vigil over a container that lives on although nobody takes what it prints."""

import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest

from pipelines.records import Stream
from runner.engine.client import Engine
from runner.engine.reader import Reader
from runner.engine.vigil import Vigil
from runner.stop import Stop
from tests.faults.interposer import Fault, Trouble, interposed

pytestmark = pytest.mark.docker


class TornError(Exception):
    """What the Output raises."""


@pytest.fixture
def sleeper(busybox: str) -> Iterator[str]:
    """A container, created, that says a word and then nothing for long."""
    command = ["docker", "create", "--network", "none", busybox, "sh", "-c", "echo up; exec sleep 600"]
    made = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    yield made
    subprocess.run(["docker", "rm", "-f", made], check=True, capture_output=True)


class TornOutput:
    """Raises once, and takes what comes after that."""

    def __init__(self) -> None:
        self._is_whole = True

    def __call__(self, _stream: Stream, _data: bytes) -> None:
        if self._is_whole:
            self._is_whole = False
            raise TornError


def test_output_that_breaks_ends_the_watch_even_if_the_engine_does_not_kill_the_container(
    engine_url: str, sleeper: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.engine.vigil._LOOK_SECONDS", 0.1)
    with interposed(engine_url) as interposer, closing(Engine(interposer.url)) as engine:
        refused = Fault(pattern="POST /containers/.*/kill", trouble=Trouble.REFUSE_409)
        interposer.faults.append(refused)
        stream = engine.attach(sleeper)
        engine.start(sleeper)
        with closing(Reader(engine, sleeper, stream, TornOutput())) as reader:
            vigil = Vigil(engine, sleeper, sleeper, reader, Stop())
            with pytest.raises(TornError):
                vigil.keep(stop_grace_seconds=1)
        assert refused.has_struck
        assert engine.state(sleeper).is_running
