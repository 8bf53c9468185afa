"""A Reader whose Output won't take any more ends the container, however much that has still to say."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress

import pytest

from pipelines.records import Stream
from runner.engine.client import Engine
from runner.engine.reader import Reader
from tests.waiting import wait_until

pytestmark = pytest.mark.docker

COUNTS_WHAT_IT_PRINTS = "n=0; while :; do head -c 100000 /dev/zero; n=$((n+1)); echo $n > /counted; done"


class FullError(Exception):
    """What the Output raises."""


@pytest.fixture
def talker(busybox: str) -> Iterator[str]:
    """A container, created, that prints without an end."""
    command = ["docker", "create", "--network", "none", busybox, "sh", "-c", COUNTS_WHAT_IT_PRINTS]
    made = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    yield made
    subprocess.run(["docker", "rm", "-f", made], check=True, capture_output=True)


class FullOutput:
    """Raises once the container can't get rid of what it prints."""

    def __init__(self, engine: Engine, container: str) -> None:
        self._engine = engine
        self._container = container
        self._counts = [b""]

    def __call__(self, _stream: Stream, _data: bytes) -> None:
        wait_until(self._is_stuck, what="the container can't print any more")
        raise FullError

    def _is_stuck(self) -> bool:
        _, count = self._engine.execute(self._container, ["cat", "/counted"], 60)
        self._counts.append(count)
        return len(set(self._counts[-5:])) == 1


def test_container_whose_output_is_stuck_ends_once_the_output_is_not_taken_any_more(
    engine: Engine, talker: str
) -> None:
    stream = engine.attach(talker)
    engine.start(talker)
    reader = Reader(engine, talker, stream, FullOutput(engine, talker))
    has_ended = engine.wait(talker, 120)
    with suppress(FullError):
        reader.finish()
    assert has_ended
    with pytest.raises(FullError):
        reader.check()
