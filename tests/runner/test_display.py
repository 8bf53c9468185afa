"""A Display waits for who reads it until the run is to end, and from then on keeps nobody waiting."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pipelines.records import AnyRecord, JobStarted, Log, Stream
from pipelines.status import Status
from runner.display import Display
from runner.stop import Stop
from tests.waiting import wait_until

_TIME = "2026-11-24T00:00:00.000Z"


class Reader:
    """Takes Records while `reads` is set."""

    def __init__(self) -> None:
        self.reads = threading.Event()
        self.read: list[int] = []

    def __call__(self, record: AnyRecord) -> None:
        self.reads.wait()
        self.read.append(record.seq)


@pytest.fixture
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.reads.set()


def chunk(seq: int, size_bytes: int = 1 << 20) -> Log:
    return Log(
        seq=seq, time=_TIME, run="r", job="a", step="b", stream=Stream.STDOUT, line=seq, lines=("x" * size_bytes,)
    )


@contextmanager
def writing(display: Display, count: int) -> Iterator[threading.Thread]:
    """A thread that writes so many megabytes."""

    def write() -> None:
        for seq in range(1, count + 1):
            display(chunk(seq))

    thread = threading.Thread(target=write)
    thread.start()
    yield thread
    thread.join()


def test_records_are_shown_in_order_and_all_before_the_end(reader: Reader) -> None:
    reader.reads.set()
    display = Display(reader, stop=Stop(), abort=Stop())
    with writing(display, 50):
        pass
    assert display.close()
    assert reader.read == list(range(1, 51))


def test_who_writes_waits_for_a_slow_reader_and_nothing_is_left_out(reader: Reader) -> None:
    display = Display(reader, stop=Stop(), abort=Stop())
    with writing(display, 50) as writer:
        wait_until(lambda: not display._has_room(), what="there is no more room")
        assert writer.is_alive()
        reader.reads.set()
    assert display.close()
    assert (reader.read, display.left_out) == (list(range(1, 51)), 0)


def test_after_a_stop_nobody_waits_and_lines_without_room_are_left_out_but_no_end(reader: Reader) -> None:
    stop = Stop()
    display = Display(reader, stop=stop, abort=Stop())
    with writing(display, 50):
        wait_until(lambda: not display._has_room(), what="there is no more room")
        stop.request(Status.CANCELLED, "enough")
    display(JobStarted(seq=51, time=_TIME, run="r", job="c"))
    assert 40 <= display.left_out < 50
    reader.reads.set()
    assert display.close()
    assert reader.read == [*range(1, 51 - display.left_out), 51]


def test_abort_ends_the_wait_for_a_reader_who_never_reads(reader: Reader) -> None:
    stop, abort = Stop(), Stop()
    display = Display(reader, stop=stop, abort=abort)
    with writing(display, 1):
        pass
    for each in (stop, abort):
        each.request(Status.CANCELLED, "enough")
    assert not display.close()
    assert reader.read == []


def test_what_can_not_be_shown_stops_the_run_and_is_raised() -> None:
    stop = Stop()

    def full(_record: AnyRecord) -> None:
        raise OSError("no space left on device")

    display = Display(full, stop=stop, abort=Stop())
    display(chunk(1))
    assert stop.wait(60)
    assert (stop.status, stop.reason) == (Status.ERROR, "the run can't be shown: no space left on device")
    with pytest.raises(OSError, match="no space left"):
        display(chunk(2))
    assert display.close()
    assert isinstance(display.failure, OSError)
