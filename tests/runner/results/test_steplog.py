"""A step's log reaches the Sink soon, whole and in order, and a broken Sink is heard of."""

import queue
import threading
from collections.abc import Iterator

import pytest

from pipelines.plan import PlannedStep
from pipelines.records import AnyRecord, Log, Stream
from pipelines.status import Status
from runner.errors import SinkError
from runner.results.mask import Mask
from runner.results.steplog import Flusher, StepLog
from runner.scribe import Scribe
from runner.stop import Stop

STEP = PlannedStep(name="test", image="i", commands=("make",))


@pytest.fixture
def flusher() -> Iterator[Flusher]:
    flusher = Flusher()
    yield flusher
    flusher.close()


def test_a_line_is_told_although_nothing_follows_it(flusher: Flusher) -> None:
    told: queue.Queue[AnyRecord] = queue.Queue()
    log = StepLog(Scribe("r", told.put), flusher, Mask(()), job="build", step=STEP, stop=Stop())
    nonce = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
    log.write(Stream.STDOUT, f"\x1eheadrace {nonce}\n\x1e{nonce} 0 0\n+ make\nmade\nin part".encode())
    record = told.get(timeout=30)
    assert isinstance(record, Log)
    assert (record.job, record.step, record.lines, record.command) == ("build", "test", ("+ make", "made"), 0)
    log.close()
    last = told.get_nowait()
    assert isinstance(last, Log)
    assert last.lines == ("in part",)
    [command] = log.commands(2)
    assert (command.command, command.exit_code) == (0, 2)


def test_nothing_is_a_mark_in_the_output_of_an_entry_point(flusher: Flusher) -> None:
    """It isn't our script that prints there."""
    told: queue.Queue[AnyRecord] = queue.Queue()
    step = PlannedStep(name="test", image="i", commands=("make",), entrypoint=("run",))
    log = StepLog(Scribe("r", told.put), flusher, Mask(()), job="build", step=step, stop=Stop())
    nonce = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
    log.write(Stream.STDOUT, f"\x1eheadrace {nonce}\n\x1e{nonce} 0 0\n".encode())
    log.close()
    record = told.get_nowait()
    assert isinstance(record, Log)
    assert (record.command, len(record.lines)) == (None, 2)
    assert log.commands(0) == ()


def test_lines_that_come_together_are_told_together(flusher: Flusher) -> None:
    told: queue.Queue[AnyRecord] = queue.Queue()
    log = StepLog(Scribe("r", told.put), flusher, Mask(()), job="build", step=STEP, stop=Stop())
    for number in range(100):
        log.write(Stream.STDOUT, b"%d\n" % number)
    log.close()
    assert told.qsize() < 50


def test_a_sink_that_breaks_later_stops_the_step(flusher: Flusher) -> None:
    """The line is told by the flusher's thread, which must neither die of it nor keep it to itself."""

    def sink(_record: AnyRecord) -> None:
        raise BrokenPipeError("closed")

    stop = Stop()
    log = StepLog(Scribe("r", sink), flusher, Mask(()), job="build", step=STEP, stop=stop)
    log.write(Stream.STDOUT, b"line\n")
    assert stop.wait(30)
    assert stop.status is Status.ERROR
    with pytest.raises(SinkError, match="closed"):
        log.close()
    alive = threading.Event()
    flusher.call_later(alive.set)
    assert alive.wait(30)
